"""What lies where a database is to be restored; looking at it changes no byte of it.

The last connection that closes a file works its log in, and the first that opens it rolls an
interrupted transaction back: either could finish off a damaged file before it is kept aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import ConflictError, StoreError
from mlmcsc.store.adoption.original import connect, is_original
from mlmcsc.store.backups.holders import in_use

State = Literal["missing", "sound", "empty", "original", "damaged", "another program's"]

WAL_FORMAT: Final = b"\x02\x02"
FORMAT_AT: Final = 18
"""Where the header says whether there is a log (SQLite file format, 1.3.3)."""
WAIT_SECONDS: Final = 30.0
_BROKEN: Final = ("malformed", "not a database", "unsupported file format")
"""What SQLite says of a file that is no whole database, whatever the disk does."""


def state_of(path: Path) -> State:
    """What lies there.

    Raises:
        ConflictError: A folder, or a file that others hold.
        StoreError: It cannot be read; that says nothing about what is in it.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return "missing"
    if not path.is_file():
        raise ConflictError(f"{path} is no file; a database is not restored there. Name another.")
    if is_original(path):
        return "original"
    try:
        with closing(connect(path, _how(path), timeout=WAIT_SECONDS)) as conn:
            return _state(conn, whole=not _interrupted(path))
    except driver.DatabaseError as error:
        told = str(error)
        if "locked" in told:
            raise in_use(path) from None
        if not any(word in told for word in _BROKEN):
            raise StoreError(
                f"{path} cannot be read just now: {told}. Nothing was changed. Check the disk and "
                "the permissions, and repeat; if it stays so, move the file aside first."
            ) from error
        return "damaged"


def _state(conn: driver.Connection, *, whole: bool) -> State:
    conn.execute("PRAGMA trusted_schema=off")
    names = {str(name) for (name,) in conn.execute("SELECT name FROM sqlite_master")}
    # Half of an interrupted transaction is no damage: whoever opens it rolls that back.
    if whole and [text for (text,) in conn.execute("PRAGMA quick_check(1)")] != ["ok"]:
        return "damaged"
    if not names:
        return "empty"
    return "sound" if "alembic_version" in names else "another program's"


def _how(path: Path) -> str:
    """Read only; SQLite makes a log to read a file that has none, unless told that nobody writes.

    A file in WAL mode without a log is nobody's: whoever has it open has one.
    """
    is_alone = _interrupted(path) or (_has_wal_format(path) and not _side(path, "-wal").exists())
    return "mode=ro&immutable=1" if is_alone else "mode=ro"


def _interrupted(path: Path) -> bool:
    journal = _side(path, "-journal")
    return journal.exists() and journal.stat().st_size > 0


def _has_wal_format(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(FORMAT_AT)
        return file.read(2) == WAL_FORMAT


def _side(path: Path, ending: str) -> Path:
    return Path(f"{path}{ending}")


@contextmanager
def log_untouched(path: Path) -> Iterator[None]:
    """While others of this process open and close the file, none of them is the last to.

    So the log of a program that was killed stays as it is, until the restore is agreed to.
    """
    if not _side(path, "-wal").exists():
        yield
        return
    with closing(connect(path, "mode=ro", timeout=WAIT_SECONDS)) as conn:
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield
