"""Giving space that deleted rows took back to the disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlmcsc.errors import StoreError
from mlmcsc.store.dialects.base import Dialect
from mlmcsc.store.dialects.compacted import Compaction


def compact_sqlite(dialect: Dialect, engine: sa.Engine) -> Compaction:
    """Rewrite the whole file and cut the log to nothing; nothing deleted is left in either.

    Needs the room of the database twice over, for the rewritten pages and for the log, and once
    where temporary files go (SQLite manual, VACUUM).
    """
    before = _size(dialect, engine)
    refused = _no_room(dialect.path) or _vacuum(dialect, engine)
    return Compaction(before, _size(dialect, engine), refused)


def _no_room(path: Path | None) -> str | None:
    if path is None:
        return "it is in memory."
    size = path.stat().st_size
    for place, needed in ((path.parent, 2 * size), (Path(tempfile.gettempdir()), size)):
        free = shutil.disk_usage(place).free
        if free < needed:
            return (
                f"{place} has {free / 1e6:,.0f} MB free, and {needed / 1e6:,.0f} MB are needed. "
                "Free some space."
            )
    return None


def truncate_log(dialect: Dialect, engine: sa.Engine) -> str | None:
    """Cut the write-ahead log to nothing; what was overwritten in the file itself is zeroes.

    Returns:
        Why it was not done, and the repair; None when it was.
    """
    return None if dialect.path is None else _vacuum(dialect, engine, only_log=True)


def _vacuum(dialect: Dialect, engine: sa.Engine, *, only_log: bool = False) -> str | None:
    try:
        with dialect.write_lock(), closing(engine.raw_connection()) as connection:
            cursor: Any = connection.cursor()
            if not only_log:
                cursor.execute("VACUUM")
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.close()
    except dialect.driver_error as error:
        return dialect.plain_reason(error)
    except StoreError as error:  # another thread goes on writing
        return str(error)
    return "another connection reads, so that the write-ahead log stays for now." if busy else None


def compact_postgresql(
    dialect: Dialect, engine: sa.Engine, tables: Sequence[str], *, rewrite: bool
) -> Compaction:
    """Vacuum the tables; only with `rewrite` do the files always shrink, and others must wait."""
    before = _size(dialect, engine)
    options = "(FULL, ANALYZE)" if rewrite else "(ANALYZE)"
    alone = engine.execution_options(isolation_level="AUTOCOMMIT", mlmcsc_writes=True)
    refused = None
    try:
        with alone.connect() as conn:
            for table in tables:
                conn.exec_driver_sql(f'VACUUM {options} "{table}"')
    except sa.exc.DBAPIError as error:
        refused = dialect.plain_reason(error)
    return Compaction(before, _size(dialect, engine), refused)


def _size(dialect: Dialect, engine: sa.Engine) -> int:
    with engine.connect() as conn:
        return dialect.database_bytes(conn)
