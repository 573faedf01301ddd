"""Sealing what raw SQL has written in clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.store.queries.privacy_clear import in_clear, seal_sign_in
from mlmcsc.store.sealing import seal_records
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Sealing:
    """Find and seal personal texts in clear, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.PRIVACY)
    def clear(self) -> Mapping[str, int]:
        """Rows with a personal text in clear, by `table.column`; changes nothing."""
        with self.db.read() as view:
            return in_clear(view)

    @requires(Permission.PRIVACY)
    def seal(self) -> Mapping[str, int]:
        """Seal them under their people's keys, with one event a batch; all of it or nothing.

        The audit trail is not touched: an event that mlmcsc did not write stays a finding of
        `audit verify`.

        Returns:
            Rows changed, by table.

        Raises:
            MissingKeyError: The master key is not here; nothing was changed.
        """
        with self.db.write(self.actor) as tx:
            if not in_clear(tx):
                return {}
            changed: Counter[str] = Counter()
            for event in (*seal_records(tx), *seal_sign_in(tx)):
                tx.record(event)
                changed[event.table] += event.n_rows
            return dict(changed)
