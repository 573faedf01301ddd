"""The unit of work: the only place that commits, and that writes the audit trail.

`Store.write(actor)` opens a transaction in the actor's name. Whatever the block records with
`Transaction.record` is written to `audit_logs` in that same transaction, so no change can be
committed without its event, and no event without its change.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from mlmcsc.config import redact_url
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import OvertakenError, StoreError
from mlmcsc.store.dialects.base import Dialect
from mlmcsc.store.trail import write_events
from mlmcsc.store.vault import Vault

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Transaction:
    """An open write transaction.

    Attributes:
        conn: For the query functions of `mlmcsc.store.queries`.
        dialect: What this database does differently.
        vault: Seals and opens personal texts.
        actor: In whose name.
        now: One instant for every row of the transaction.
    """

    conn: sa.Connection
    dialect: Dialect
    vault: Vault
    actor: Actor
    now: datetime
    _events: list[AuditEvent] = field(default_factory=list)

    def record(self, event: AuditEvent) -> None:
        """Remember what was done; it is written when the transaction commits."""
        self._events.append(event)

    def write_events(self) -> None:
        """Write the remembered events, in order, with their commitments."""
        write_events(self, self._events)


OVERTAKEN = frozenset({"40001", "40P01"})
"""PostgreSQL's states of a serialization failure and of a deadlock."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open read transaction: every query in it sees the same state."""

    conn: sa.Connection
    dialect: Dialect
    vault: Vault


class Store:
    """One open database."""

    def __init__(
        self, engine: sa.Engine, dialect: Dialect, vault: Vault, clock: Clock = utc_now
    ) -> None:
        self.engine = engine
        self.dialect = dialect
        self.vault = vault
        self.clock = clock
        self._writer = engine.execution_options(mlmcsc_writes=True)
        self._closed = False
        _OPEN.add(self)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A consistent view.

        Raises:
            StoreError: When the database cannot be read.
        """
        self._must_be_open()
        try:
            with self.engine.connect() as conn, conn.begin():
                yield Snapshot(conn, self.dialect, self.vault)
        except (sa.exc.StatementError, sa.exc.TimeoutError, self.dialect.driver_error) as error:
            raise self._plain(error) from None  # the driver's error may quote whole rows

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction that commits with its audit events, or leaves no trace.

        Raises:
            StoreError: When the database cannot be written; nothing was.
        """
        self._must_be_open()
        try:
            with self.dialect.write_lock(), self._writer.connect() as conn, conn.begin():
                transaction = self._transaction(conn, actor)
                yield transaction
                transaction.write_events()
        except (sa.exc.StatementError, sa.exc.TimeoutError, self.dialect.driver_error) as error:
            raise self._plain(error) from None  # the driver's error may quote whole rows

    def _transaction(self, conn: sa.Connection, actor: Actor) -> Transaction:
        return Transaction(conn, self.dialect, self.vault, actor, self.clock())

    @contextmanager
    def write_schema(self, actor: Actor) -> Iterator[Transaction]:
        """A transaction for migrations: SQLite rebuilds tables, so foreign keys rest meanwhile.

        Raises:
            StoreError: When it fails, or leaves rows whose foreign key points nowhere.
        """
        self._must_be_open()
        try:
            with self.dialect.write_lock(), self._writer.connect() as conn:
                self.dialect.rest_foreign_keys(conn, resting=True)
                try:
                    with conn.begin():
                        transaction = self._transaction(conn, actor)
                        yield transaction
                        self.dialect.check_foreign_keys(conn)
                        transaction.write_events()
                finally:
                    self.dialect.rest_foreign_keys(conn, resting=False)
        except (sa.exc.StatementError, sa.exc.TimeoutError, self.dialect.driver_error) as error:
            raise self._plain(error) from None  # the driver's error may quote whole rows

    def _plain(self, error: Exception) -> StoreError:
        if isinstance(error, sa.exc.TimeoutError):
            return StoreError(
                "Every connection of the pool is in use. Finish some reads, or raise "
                "database.pool_size or database.pool_timeout_seconds."
            )
        if isinstance(error, sa.exc.StatementError) and not isinstance(error, sa.exc.DBAPIError):
            kind = type(error.orig).__name__  # its text may quote the value
            return StoreError(f"A value of a kind that the database cannot hold ({kind}).")
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        kind_ = OvertakenError if state in OVERTAKEN else StoreError
        return kind_(f"The database refused: {self.dialect.plain_reason(error)}")

    def _must_be_open(self) -> None:
        if self._closed:
            url = redact_url(self.engine.url.render_as_string(hide_password=False))
            raise StoreError(f"{url} is closed. Open it again with DatabaseManager(...).")

    def forget_connections(self) -> None:
        """Start afresh in a forked child: neither use nor close what the parent has open."""
        _ABANDONED.append(self.engine.pool)
        self.engine.dispose(close=False)
        self.dialect.after_fork()

    def close(self) -> None:
        """Close every connection; every later call is refused."""
        self._closed = True
        _OPEN.discard(self)
        self.engine.dispose()


_OPEN: weakref.WeakSet[Store] = weakref.WeakSet()
"""Stores with connections of their own."""

_ABANDONED: list[object] = []
"""Pools inherited through a fork: closing them would disturb the parent's files and sockets."""


def _forget_inherited() -> None:
    """Children get connections of their own."""
    for store in list(_OPEN):
        store.forget_connections()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_forget_inherited)
