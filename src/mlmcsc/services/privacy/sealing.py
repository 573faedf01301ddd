"""Sealing what raw SQL has written in clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.store.queries.privacy_clear import in_clear, seal_sign_in
from mlmcsc.store.sealing import seal_everything
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Sealing:
    """Find and seal personal texts in clear, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.PRIVACY)
    def clear(self) -> Mapping[str, int]:
        """Rows with a personal text in clear, by `table.column`; changes nothing.

        `audit_logs.leaf` counts events without commitments.
        """
        with self.db.read() as view:
            return in_clear(view)

    @requires(Permission.PRIVACY)
    def seal(self) -> Mapping[str, int]:
        """Seal them under their people's keys, with one event a table; all of it or nothing.

        Returns:
            Rows changed, by table.

        Raises:
            MissingKeyError: The master key is not here; nothing was changed.
        """
        with self.db.write(self.actor) as tx:
            if not in_clear(tx):
                return {}
            changed = {**seal_everything(tx), **seal_sign_in(tx)}
            for table, count in changed.items():
                if count:
                    tx.record(AuditEvent(Operation.SEAL, table, n_rows=count))
            return {table: count for table, count in changed.items() if count}
