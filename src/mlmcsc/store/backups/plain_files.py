"""Plain SQLite files of before: `backup_20240101.db`, of ours or of the original system."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson
import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import IntegrityError, StoreError, ValidationError
from mlmcsc.store.adoption.files import leftovers
from mlmcsc.store.adoption.original import has_original_schema
from mlmcsc.store.key_settings import PUBLIC_KEY

BESIDE: Final = ("-wal", "-journal")
"""What belongs to a file that was copied while it was open; SQLite works it in."""


def check_plain(path: Path) -> int:
    """Read the whole file, and nothing but read it; its size.

    Raises:
        ValidationError: It is no SQLite file, or of another program.
        IntegrityError: It is damaged.
    """
    if not leftovers(path):  # else it means something only together with its log, in a copy
        with closing(
            driver.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as c:
            _check(c, path)
    return path.stat().st_size


def _check(conn: driver.Connection, path: Path) -> None:
    conn.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        conn.execute("PRAGMA trusted_schema=off")
        found = [text for (text,) in conn.execute("PRAGMA integrity_check(5)") if text != "ok"]
        tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master")}
        is_known = "alembic_version" in tables or has_original_schema(conn)
    except driver.DatabaseError as error:
        if "not a database" in str(error):
            raise ValidationError(
                f"{path} is no SQLite database, or it is encrypted. Nothing was changed; name a "
                "backup (`mlmcsc backup list`) or an SQLite file."
            ) from None
        found, is_known, tables = [str(error)], True, set()
    if found:
        raise IntegrityError(
            f"{path} is damaged ({'; '.join(found)}). Nothing was changed; use another backup."
        )
    if not is_known:
        raise ValidationError(
            f"{path} is neither a database of mlmcsc nor of the original system: it holds "
            f"{', '.join(sorted(map(str, tables))[:5]) or 'nothing'}. Nothing was changed."
        )


def copy_plain(path: Path, target: Path) -> None:
    """Copy the file with its log, work that in, and check the copy.

    Raises:
        IntegrityError: The copy is damaged.
        StoreError: It cannot be made.
    """
    try:
        for ending in ("", *BESIDE):
            if Path(f"{path}{ending}").is_file():
                shutil.copyfile(f"{path}{ending}", f"{target}{ending}")
                Path(f"{target}{ending}").chmod(0o600)
    except OSError as error:
        raise StoreError(f"Cannot copy {path}: {error.strerror or error}.") from error
    with closing(driver.connect(str(target), isolation_level=None)) as conn:
        _check(conn, path)
        conn.execute("PRAGMA journal_mode=delete")


def schema_revision(path: Path) -> str | None:
    """The revision of a database file of ours; None for another."""
    with closing(driver.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
        try:
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        except driver.DatabaseError:
            return None
    return None if row is None else str(row[0])


def give_signing_key(path: Path, database_id: str, rows: Mapping[str, Any]) -> None:
    """Let a file from before there were signatures go on with its database's key.

    Given another one, neither its erasure ledger nor its backups would be believed any more.

    Args:
        path: The copy.
        database_id: Whose key it is; another database gets none.
        rows: Key and value of the rows of `settings`.
    """
    with closing(driver.connect(str(path), isolation_level=None)) as conn:
        stored = dict(conn.execute("SELECT key, value FROM settings").fetchall())
        if orjson.loads(stored.get("database_id", "null")) != database_id or PUBLIC_KEY in stored:
            return
        pairs = [(key, orjson.dumps(value).decode()) for key, value in rows.items()]
        conn.executemany("INSERT INTO settings (key, value) VALUES (?, ?)", pairs)
