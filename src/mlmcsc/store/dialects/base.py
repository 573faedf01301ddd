"""The few things that differ between databases, as one protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.dialects.compacted import Compaction

Encoder = Callable[[Any], Any]
Rows = Sequence[Sequence[Any]]


class Dialect(Protocol):
    """One database product."""

    name: str
    in_memory: bool
    path: Path | None
    """The database file, where there is one."""
    driver_error: type[Exception]
    """What the driver raises, for statements that go straight to it."""

    def __hash__(self) -> int:
        """By identity: prepared statements are kept for each dialect."""
        ...

    def engine_arguments(self, **pool: Any) -> dict[str, Any]:
        """Arguments for `create_engine`."""
        ...

    def listen(self, engine: sa.Engine) -> None:
        """Install connection settings and transaction events."""
        ...

    def plain_reason(self, error: Exception) -> str:
        """The driver's message with the repair, without values or passwords."""
        ...

    def write_lock(self) -> AbstractContextManager[object]:
        """What a writer of this process holds for the length of its transaction."""
        ...

    def refuse_unfit(self, conn: sa.Connection) -> None:
        """Refuse a server that cannot hold every text.

        Raises:
            StoreError: Naming what is wrong with it and the repair.
        """
        ...

    def after_fork(self) -> None:
        """Forget locks that another thread may have held in the parent."""
        ...

    def lock_table(self, conn: sa.Connection, table: sa.Table) -> None:
        """Make other writers of this table wait until the transaction ends; readers go on."""
        ...

    def ids_in(self, column: sa.ColumnElement[Any], ids: Iterable[Any]) -> sa.ColumnElement[bool]:
        """`column IN ids` for any number of ids, in one bound value."""
        ...

    def reserve_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> NDArray[np.int64]:
        """Take `count` ascending ids out of circulation, for rows about to be inserted."""
        ...

    def execute(
        self, conn: sa.Connection, statement: str, values: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Run one statement with `?` marks straight on the driver; the rows it returns."""
        ...

    def insert_row(self, conn: sa.Connection, statement: str, values: Sequence[Any]) -> int:
        """Run one INSERT with `?` marks straight on the driver; the new row's id."""
        ...

    def insert_rows(
        self,
        conn: sa.Connection,
        table: sa.Table,
        columns: Sequence[str],
        rows: Rows,
    ) -> None:
        """Insert many rows of driver values (see `encoder`) as fast as the driver can."""
        ...

    def read_numbers(
        self, conn: sa.Connection, query: sa.Select[Any], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """The rows of a query of non-null numbers as a structured array, without row objects.

        `dtype` has one 8-byte field per column, `<i8` or `<f8`.
        """
        ...

    def encoder(self, column: sa.Column[Any]) -> Encoder | None:
        """Turns a checked Python value into the driver's, or None where it is that already."""
        ...

    def database_bytes(self, conn: sa.Connection) -> int:
        """Size of the database on disk, in bytes."""
        ...

    def compact(
        self, engine: sa.Engine, tables: Sequence[str], *, rewrite: bool = False
    ) -> Compaction:
        """Give the space of deleted rows back, outside any transaction.

        Args:
            engine: The database's.
            tables: Those that rows were deleted from.
            rewrite: Leave nothing of deleted rows in the tables' files, even where that locks
                the tables meanwhile (PostgreSQL; SQLite always rewrites).
        """
        ...

    def forget_changes(self, engine: sa.Engine, tables: Sequence[str]) -> str | None:
        """Leave nothing of what small changes to these tables overwrote, outside any transaction.

        Returns:
            Why it was not done, and the repair; None when it was.
        """
        ...

    def wal_bytes(self) -> int:
        """Bytes in a write-ahead log that mlmcsc must look after."""
        ...

    def server_version(self, conn: sa.Connection) -> str:
        """Product and version, for people."""
        ...

    def check_storage(self, conn: sa.Connection) -> list[str]:
        """The product's own integrity findings; empty when sound."""
        ...

    def rest_foreign_keys(self, conn: sa.Connection, *, resting: bool) -> None:
        """Switch enforcement off or on around a migration, outside any transaction."""
        ...

    def check_foreign_keys(self, conn: sa.Connection) -> None:
        """Refuse rows whose foreign key points nowhere."""
        ...

    def readable_time(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Fits the times that can be read; raw SQL may have written others. NULL is no fault."""
        ...


def driver_rows(
    conn: sa.Connection, statement: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a statement on the driver's connection and fetch what it returns."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()
