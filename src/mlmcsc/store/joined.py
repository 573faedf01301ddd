"""A store inside an open transaction: several use cases, one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.store.uow import Snapshot, Store, Transaction, utc_now


class JoinedStore(Store):
    """Services bound to it write into `tx`: what each does is whole or undone, none commits.

    Attributes:
        recorded: Audit events that came through here so far.
    """

    def __init__(self, tx: Transaction) -> None:
        # Not `super().__init__`: the connections are the outer store's, at a fork and at the end.
        self.engine, self.dialect, self.clock = tx.conn.engine, tx.dialect, utc_now
        self.vault = tx.vault
        self._tx = tx
        self.recorded = 0

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """The transaction's own state."""
        yield Snapshot(self._tx.conn, self._tx.dialect, self.vault)

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Transaction]:
        """A savepoint; its events go to the outer transaction when it ends well."""
        events: list[AuditEvent] = []
        outer = self._tx
        with outer.conn.begin_nested():
            yield Transaction(outer.conn, outer.dialect, self.vault, actor, outer.now, events)
        for event in events:
            outer.record(event)
        self.recorded += len(events)
