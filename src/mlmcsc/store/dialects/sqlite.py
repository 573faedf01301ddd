"""SQLite: one file, WAL, one writer at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver
from numpy.typing import NDArray

from mlmcsc.errors import StoreError
from mlmcsc.store.dialects.base import Encoder, Rows, driver_rows
from mlmcsc.store.dialects.compacted import Compaction
from mlmcsc.store.dialects.compaction import compact_sqlite, truncate_log
from mlmcsc.store.dialects.filesystem import refuse_network_path
from mlmcsc.store.dialects.turns import Timed, begin_writing
from mlmcsc.store.types import AuditJson, UtcDateTime

PAGE_SIZE = 16384
"""Feature vectors of 2 to 8 KiB fit a page; with 4 KiB pages they take twice the disk."""

CHECKPOINT_PAGES = 4096
"""64 MiB of log: the pages that every commit writes again are copied back once for many commits."""

WAL_SAFE_SINCE = (3, 51, 3)
"""Earlier libraries can lose commits when two connections write and checkpoint at once."""

_IS_OURS = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"

READ_CHUNK = 65_536


class SqliteDialect:
    """SQLite through the bundled, current library."""

    name = "sqlite"
    driver_error: type[Exception] = driver.Error

    def __init__(self, url: sa.URL, *, busy_timeout_seconds: float) -> None:
        self._busy_ms = int(busy_timeout_seconds * 1000)
        self._lock = threading.Lock()
        self._lock_timeout = busy_timeout_seconds
        self.in_memory = not url.database or url.database == ":memory:"
        self.path = None if self.in_memory else Path(str(url.database)).absolute()
        self._file: tuple[int, int] | None = None
        wal_safe = driver.sqlite_version_info >= WAL_SAFE_SINCE
        self.journal_mode = "memory" if self.in_memory else "wal" if wal_safe else "delete"
        if self.path is not None:
            self._make_room(self.path)

    @staticmethod
    def _make_room(path: Path) -> None:
        refuse_network_path(path)
        if path.is_dir():
            raise StoreError(f"{path} is a directory. Name a database file, e.g. {path}/mlmcsc.db.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"Cannot make the folder {path.parent}: {error.strerror}.") from error

    def engine_arguments(self, **pool: Any) -> dict[str, Any]:
        """The bundled driver; an in-memory database lives in exactly one connection."""
        if self.in_memory:
            pool |= {"pool_size": 1, "max_overflow": 0}
        pool.pop("pool_recycle")
        return {
            "module": driver,
            "poolclass": sa.pool.QueuePool,
            "connect_args": {"check_same_thread": False, "timeout": self._busy_ms / 1000},
            **pool,
        }

    def listen(self, engine: sa.Engine) -> None:
        """Settings on every connection; explicit BEGIN, IMMEDIATE for writers."""
        sa.event.listen(engine, "connect", self._configure)

        @sa.event.listens_for(engine, "begin")
        def begin(conn: sa.Connection) -> None:
            if not conn.get_execution_options().get("mlmcsc_writes", False):
                self.execute(conn, "BEGIN", ())
                return
            begin_writing(conn, self._busy_ms)
            self._refuse_replaced()  # only now: a restore may have swapped it while we waited

    def _configure(self, connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the begin event says BEGIN, never the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={self._busy_ms}")
        empty = cursor.execute("PRAGMA page_count").fetchone()[0] == 0
        if empty:
            cursor.execute(f"PRAGMA page_size={PAGE_SIZE}")
        if empty or cursor.execute(_IS_OURS).fetchone():
            self._choose_journal(cursor)
            journal_mode = self.journal_mode
        else:  # a file of another program: the mode is written into it, and it must stay as it is
            journal_mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        for name, value in (
            ("synchronous", "full"),
            ("foreign_keys", "on"),
            ("trusted_schema", "off"),
            ("secure_delete", "on"),
            ("cache_size", -65536),
            ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ):
            cursor.execute(f"PRAGMA {name}={value}")
        found = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
        }
        cursor.close()
        wanted = {
            "journal_mode": journal_mode,
            "synchronous": 2,
            "foreign_keys": 1,
            "trusted_schema": 0,
        }
        if found != wanted:
            raise StoreError(
                f"SQLite did not take its settings: wanted {wanted}, got {found}. "
                "Is the database on a read-only or network file system?"
            )

    def _choose_journal(self, cursor: Any) -> None:
        """Set the journal mode; SQLite does not wait for others here, so we do."""
        give_up = time.monotonic() + self._busy_ms / 1000
        while True:
            try:
                cursor.execute(f"PRAGMA journal_mode={self.journal_mode}")
            except driver.OperationalError as error:
                if "readonly" in str(error) and self.path and os.access(self.path, os.W_OK):
                    raise StoreError(
                        f"{self.path} was replaced while it was being opened. Open it again."
                    ) from error
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
            else:
                return

    def plain_reason(self, error: Exception) -> str:
        """The driver's message, with the repair for the common ones."""
        message = str(getattr(error, "orig", error))
        repairs = {
            "unable to open database file": "Check that the folder exists and may be written.",
            "readonly database": "Make the file and its folder writable.",
            "not a database": "The file is not SQLite, or it is encrypted. Name another file.",
            "malformed": "The file or its disk is damaged. Check the disk, then restore a backup.",
            "locked": "Another program holds it. Close that, or raise busy_timeout_seconds.",
            "disk is full": "Free some disk space.",
        }
        repair = next((text for key, text in repairs.items() if key in message), "")
        return f"{message}. {repair}".rstrip()

    def write_lock(self) -> AbstractContextManager[object]:
        """One writer per process: threads wait here, in no order, instead of polling the file."""
        return Timed(self._lock, self._lock_timeout)

    def refuse_unfit(self, conn: sa.Connection) -> None:
        """SQLite holds any text; remember which file this is."""
        del conn
        self._file = self._identity()

    def _identity(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _refuse_replaced(self) -> None:
        """A deleted file goes on taking writes until it is closed, and then all are gone."""
        if self._file is not None and self._identity() != self._file:
            raise StoreError(
                f"{self.path} was deleted or replaced while it was open; nothing was written. "
                "Put it back, or close this database and open the file that is there now."
            )

    def after_fork(self) -> None:
        """A lock held by a thread of the parent would never be released here."""
        self._lock = threading.Lock()

    def lock_table(self, conn: sa.Connection, table: sa.Table) -> None:
        """BEGIN IMMEDIATE has done it."""

    def ids_in(self, column: sa.ColumnElement[Any], ids: Iterable[Any]) -> sa.ColumnElement[bool]:
        """One JSON array, however many ids: no limit on SQL variables."""
        values = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        each = sa.func.json_each(orjson.dumps(values).decode()).table_valued("value")
        return column.in_(sa.select(each.c.value))

    def reserve_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> NDArray[np.int64]:
        """The sequence moves, so that these ids are given to no other row, used or not."""
        moved = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ? RETURNING seq"
        found = self.execute(conn, moved, (count, table.name))
        if not found:  # the table has never had a row
            first = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"
            self.execute(conn, first, (table.name, count))
        last = int(found[0][0]) if found else count
        return np.arange(last - count + 1, last + 1, dtype=np.int64)

    def execute(
        self, conn: sa.Connection, statement: str, values: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """SQLite's own marks are `?`."""
        return driver_rows(conn, statement, values)

    def insert_row(self, conn: sa.Connection, statement: str, values: Sequence[Any]) -> int:
        """The id is the last rowid: RETURNING would cost more than the insert."""
        cursor = conn.connection.cursor()
        try:
            return int(cursor.execute(statement, values).lastrowid)
        finally:
            cursor.close()

    def insert_rows(
        self,
        conn: sa.Connection,
        table: sa.Table,
        columns: Sequence[str],
        rows: Rows,
    ) -> None:
        """`executemany` straight on the driver."""
        marks = ",".join("?" * len(columns))
        names = ",".join(f'"{name}"' for name in columns)
        cursor = conn.connection.cursor()
        try:
            cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)
        finally:
            cursor.close()

    def read_numbers(
        self, conn: sa.Connection, query: sa.Select[Any], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Driver rows straight into arrays, a chunk at a time."""
        compiled = query.compile(dialect=conn.dialect)
        values = compiled.construct_params()
        cursor = conn.connection.cursor()
        try:
            cursor.execute(str(compiled), [values[name] for name in compiled.positiontup or ()])
            parts = []
            while chunk := cursor.fetchmany(READ_CHUNK):
                parts.append(np.fromiter(chunk, dtype=dtype, count=len(chunk)))
        finally:
            cursor.close()
        return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)

    def encoder(self, column: sa.Column[Any]) -> Encoder | None:
        """Times and JSON become text."""
        if isinstance(column.type, UtcDateTime):
            return encode_time
        if isinstance(column.type, sa.JSON) and not isinstance(column.type, AuditJson):
            return _encode_json
        return None

    def database_bytes(self, conn: sa.Connection) -> int:
        """Pages in the file plus the write-ahead log."""
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        page_size = conn.exec_driver_sql("PRAGMA page_size").scalar_one()
        return int(pages * page_size) + self.wal_bytes()

    def compact(
        self, engine: sa.Engine, tables: Sequence[str], *, rewrite: bool = False
    ) -> Compaction:
        """VACUUM of the whole file, and a log cut to nothing."""
        del tables, rewrite  # the file is one
        return compact_sqlite(self, engine)

    def forget_changes(self, engine: sa.Engine, tables: Sequence[str]) -> str | None:
        """The log is cut to nothing; `secure_delete` zeroes what is overwritten in the file."""
        del tables  # the log is one
        return truncate_log(self, engine)

    def wal_bytes(self) -> int:
        """Bytes waiting in the write-ahead log."""
        wal = Path(f"{self.path}-wal")
        return wal.stat().st_size if self.path is not None and wal.exists() else 0

    def server_version(self, conn: sa.Connection) -> str:
        """Library version and journal mode: an unsafe library is run without WAL."""
        del conn
        return f"SQLite {driver.sqlite_version} (journal_mode={self.journal_mode})"

    def check_storage(self, conn: sa.Connection) -> list[str]:
        """`integrity_check`."""
        rows = conn.exec_driver_sql("PRAGMA integrity_check(50)").scalars().all()
        return [str(row) for row in rows if row != "ok"]

    def rest_foreign_keys(self, conn: sa.Connection, *, resting: bool) -> None:
        """SQLite heeds this only outside a transaction."""
        cursor = conn.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys={'off' if resting else 'on'}")
        cursor.close()

    def check_foreign_keys(self, conn: sa.Connection) -> None:
        """`foreign_key_check`."""
        rows = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
        if rows:
            places = "; ".join(f"{r[0]} row {r[1]} -> {r[2]}" for r in rows)
            raise StoreError(f"Rows that refer to nothing: {places}. Run database validate.")

    def readable_time(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """A real day and time; SQLite's own functions turn 31 February into March."""
        day = sa.func.substr(column, 1, 10, type_=sa.Text)
        readable = sa.and_(
            sa.func.typeof(column) == "text",
            day >= "0001",
            sa.func.date(day).is_(day),
            sa.func.datetime(column, type_=sa.Text).is_not(None),
            sa.func.substr(column, 12, 2) < "24",
        )
        return sa.or_(column.is_(None), readable)


@lru_cache(maxsize=64)
def encode_time(value: datetime | None) -> str | None:
    """The text that SQLAlchemy's DATETIME writes too, so that both compare as text."""
    if value is None:
        return None
    # Not strftime: on Linux it does not pad a year below 1000.
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _encode_json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
