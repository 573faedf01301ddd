"""PostgreSQL: many machines, many writers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.errors import StoreError, UnsupportedError
from mlmcsc.store.dialects.base import Encoder, Rows, driver_rows
from mlmcsc.store.dialects.compacted import Compaction
from mlmcsc.store.dialects.compaction import compact_postgresql
from mlmcsc.store.types import AuditJson

try:
    import psycopg  # the `postgres` extra: absence is told by name, below
    from psycopg.types.json import Jsonb
except ImportError as _missing:
    _driver_missing: ImportError | None = _missing
else:
    _driver_missing = None


class PostgresDialect:
    """PostgreSQL through psycopg 3."""

    name = "postgresql"
    in_memory = False
    path: Path | None = None
    driver_error: type[Exception]

    def __init__(self, url: sa.URL, *, busy_timeout_seconds: float) -> None:
        del url
        if _driver_missing is not None:
            raise UnsupportedError(
                "PostgreSQL needs its driver: pip install 'mlmcsc[postgres]'."
            ) from _driver_missing
        self.driver_error = psycopg.Error
        self._lock_ms = int(busy_timeout_seconds * 1000)

    def engine_arguments(self, **pool: Any) -> dict[str, Any]:
        """UTC, and waiting writers that give up with an error."""
        options = f"-c timezone=UTC -c lock_timeout={self._lock_ms}"
        return {"pool_pre_ping": True, "connect_args": {"options": options}, **pool}

    def listen(self, engine: sa.Engine) -> None:
        """Readers see one snapshot for the length of their transaction."""

        @sa.event.listens_for(engine, "begin")
        def begin(conn: sa.Connection) -> None:
            if not conn.get_execution_options().get("mlmcsc_writes", False):
                conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def plain_reason(self, error: Exception) -> str:
        """The server's message in one line, without its DETAIL, which quotes whole rows."""
        cause = getattr(error, "orig", error)
        message = " ".join(_without_values(cause).split())
        if type(cause) is psycopg.OperationalError:  # subclasses are the server's own refusals
            return f"{message} Check host, port, database name, user and password."
        return message

    def write_lock(self) -> AbstractContextManager[object]:
        """The server arbitrates writers."""
        return contextlib.nullcontext()

    def refuse_unfit(self, conn: sa.Connection) -> None:
        """Names and notes are Unicode; other encodings would fail on the first odd one."""
        encoding = conn.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise StoreError(
                f"The PostgreSQL database is encoded in {encoding}; mlmcsc needs UTF8. Create it "
                "with: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'."
            )

    def after_fork(self) -> None:
        """Nothing is locked in this process."""

    def lock_table(self, conn: sa.Connection, table: sa.Table) -> None:
        """The weakest mode that excludes other writers and itself."""
        conn.exec_driver_sql(f'LOCK TABLE "{table.name}" IN SHARE ROW EXCLUSIVE MODE')

    def ids_in(self, column: sa.ColumnElement[Any], ids: Iterable[Any]) -> sa.ColumnElement[bool]:
        """One array value, however many ids."""
        values = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        array = sa.bindparam(None, values, type_=sa.ARRAY(column.type), unique=True)
        return column == sa.any_(array)

    def reserve_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> NDArray[np.int64]:
        """From the table's sequence; other writers get others."""
        query = "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)"
        rows = self.execute(conn, query, (table.name, count))
        return np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64, count=count))

    def execute(
        self, conn: sa.Connection, statement: str, values: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """The marks of psycopg are `%s`; it prepares what comes often."""
        return driver_rows(conn, statement.replace("?", "%s"), values)

    def insert_row(self, conn: sa.Connection, statement: str, values: Sequence[Any]) -> int:
        """RETURNING."""
        ((record_id,),) = self.execute(conn, f"{statement} RETURNING id", values)
        return int(record_id)

    def insert_rows(
        self,
        conn: sa.Connection,
        table: sa.Table,
        columns: Sequence[str],
        rows: Rows,
    ) -> None:
        """COPY."""
        names = ",".join(f'"{name}"' for name in columns)
        cursor = conn.connection.cursor()
        try:
            with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        finally:
            cursor.close()

    def read_numbers(
        self, conn: sa.Connection, query: sa.Select[Any], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Binary COPY: fixed-width records that NumPy reads in place."""
        casts = [
            sa.cast(column, sa.BigInteger if dtype[i].kind == "i" else sa.Double)
            for i, column in enumerate(query.selected_columns)
        ]
        compiled = query.with_only_columns(*casts).compile(dialect=conn.dialect)
        command = f"COPY ({compiled}) TO STDOUT (FORMAT BINARY)"
        cursor = conn.connection.cursor()
        try:
            with cursor.copy(command, compiled.construct_params()) as copy:
                raw = b"".join(copy)
        finally:
            cursor.close()
        return _binary_records(raw, dtype)

    def encoder(self, column: sa.Column[Any]) -> Encoder | None:
        """JSON needs its wrapper; psycopg knows the rest."""
        if isinstance(column.type, sa.JSON) and not isinstance(column.type, AuditJson):
            return _encode_json
        return None

    def database_bytes(self, conn: sa.Connection) -> int:
        """Everything of this database on the server's disk."""
        return int(conn.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)

    def compact(
        self, engine: sa.Engine, tables: Sequence[str], *, rewrite: bool = False
    ) -> Compaction:
        """VACUUM, which lets others work; with `rewrite` VACUUM FULL, which does not."""
        return compact_postgresql(self, engine, tables, rewrite=rewrite)

    def forget_changes(self, engine: sa.Engine, tables: Sequence[str]) -> str | None:
        """VACUUM FULL of the tables: dead rows go with their old files."""
        return compact_postgresql(self, engine, tables, rewrite=True).refused

    def wal_bytes(self) -> int:
        """The server looks after its own log."""
        return 0

    def server_version(self, conn: sa.Connection) -> str:
        """As the server names itself."""
        return f"PostgreSQL {conn.scalar(sa.text('SHOW server_version'))}"

    def check_storage(self, conn: sa.Connection) -> list[str]:
        """PostgreSQL checks pages as it reads them; damaged indexes show as invalid."""
        rows = conn.scalars(
            sa.text(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "WHERE NOT i.indisvalid"
            )
        )
        return [f"index {name} is not valid: REINDEX INDEX {name}" for name in rows]

    def rest_foreign_keys(self, conn: sa.Connection, *, resting: bool) -> None:
        """Never needed: PostgreSQL alters tables in place."""

    def check_foreign_keys(self, conn: sa.Connection) -> None:
        """Never needed: the server enforces them throughout."""

    def readable_time(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """PostgreSQL knows infinity and years before 1 and beyond 9999; Python does not."""
        first, end = sa.text("'0001-01-01 00:00Z'"), sa.text("'10000-01-01 00:00Z'")
        return sa.and_(column >= first, column < end)


DATA_EXCEPTION = "22"
"""SQLSTATE class whose messages quote the value that does not fit (PostgreSQL, appendix A)."""


def _without_values(error: Any) -> str:
    diagnosis = getattr(error, "diag", None)
    if diagnosis is None or diagnosis.message_primary is None:
        return str(error)  # the driver's own words: nothing came from the server
    message = diagnosis.message_primary
    if str(diagnosis.sqlstate).startswith(DATA_EXCEPTION):
        message = re.sub('".*"', "(a value)", message, flags=re.DOTALL)
    names = {
        "table": diagnosis.table_name,
        "column": diagnosis.column_name,
        "constraint": diagnosis.constraint_name,
    }
    told = ", ".join(f"{what} {name}" for what, name in names.items() if name)
    return f"{message} ({told})." if told else f"{message}."


def _encode_json(value: Any) -> Any:
    return None if value is None else Jsonb(value, dumps=orjson.dumps)


COPY_HEADER = 19
"""Signature (11 bytes), flags (4) and extension length (4); PostgreSQL manual, COPY, binary."""
COPY_TRAILER = 2


def _binary_records(raw: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    names = dtype.names or ()
    record: list[tuple[str, str]] = [("fields", ">i2")]
    for name in names:
        record += [(f"{name}_length", ">i4"), (name, ">" + dtype[name].str[1:])]
    body = memoryview(raw)[COPY_HEADER : len(raw) - COPY_TRAILER]
    found = np.frombuffer(body, dtype=np.dtype(record))
    result = np.empty(len(found), dtype=dtype)
    for name in names:
        result[name] = found[name]
    return result
