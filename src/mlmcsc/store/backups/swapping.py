"""Putting a restored SQLite file in the live one's place, while nobody else has that open.

In WAL mode a connection holds a shared lock on the file for as long as it is open, and its log
belongs to whoever is at the path, not to the file: swapped under an open connection, the log of the
one would be replayed into the other. So the swap waits until the file is nobody's, takes it out of
WAL mode (SQLite removes the log itself), holds it exclusively and renames. Whoever waited for the
lock meanwhile has the old file in hand; SQLite sees that it was moved and refuses to write.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import ConflictError, StoreError
from mlmcsc.store.adoption.files import SIDE_FILES, flush, sha256
from mlmcsc.store.adoption.original import is_original

State = Literal["missing", "sound", "empty", "original", "damaged", "another program's"]

PENDING_BYTE: Final = 0x40000000
LOCK_BYTES: Final = 512
"""SQLite's PENDING, RESERVED and SHARED bytes (os.h)."""
WAL_FORMAT: Final = b"\x02\x02"
FORMAT_AT: Final = 18
"""Where the header says whether there is a log (SQLite file format, 1.3.3)."""


class LiveFile:
    """The file that is to be replaced.

    Args:
        path: The file; behind a symbolic link, so that the link stays.
        wait_seconds: How long to wait for others to close it.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self.path = path
        self._wait = wait_seconds
        self._conn: driver.Connection | None = None
        self._raw: int | None = None
        self._version: int | None = None
        self.state = state_of(path)

    def watch(self) -> None:
        """From now on, notice every commit of others; call before the safety backup."""
        if self.state != "sound":
            return
        if self._conn is None:
            self._conn = driver.connect(str(self.path), timeout=self._wait, isolation_level=None)
            self._conn.execute("PRAGMA trusted_schema=off")
        self._version = self._data_version()

    def _data_version(self) -> int:
        conn = self._held()
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(conn.execute("PRAGMA data_version").fetchone()[0])

    def _held(self) -> driver.Connection:
        if self._conn is None:
            raise StoreError(f"{self.path} is not watched.")
        return self._conn

    def hold(self) -> bool:
        """Lock everybody out; whether nobody wrote since `watch`. Again after `let_go`.

        Raises:
            ConflictError: Others have it open and do not close it.
        """
        if self.state == "missing":
            return True
        if self._conn is None:
            self._hold_raw()
            return True
        # With this set, BEGIN takes the file's exclusive lock also in WAL mode, and keeps it.
        self._conn.execute("PRAGMA locking_mode=exclusive")
        try:
            self._conn.execute("BEGIN EXCLUSIVE")
        except driver.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise _in_use(self.path) from None
        # Within the transaction: leaving WAL mode forgets what changed before.
        untouched = self._data_version() == self._version
        self._conn.execute("COMMIT")
        self._conn.execute("PRAGMA journal_mode=delete")
        return untouched

    def _hold_raw(self) -> None:
        """SQLite cannot read it, and so not lock it: take the bytes that it would lock."""
        self._raw = os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            import fcntl  # noqa: PLC0415  # not on Windows, where what is open is not renamed
        except ImportError:
            return
        try:
            fcntl.lockf(self._raw, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCK_BYTES, PENDING_BYTE)
        except OSError:
            os.close(self._raw)
            self._raw = None
            raise _in_use(self.path) from None

    def let_go(self) -> None:
        """Unlock and forget it; closing any descriptor would drop SQLite's locks, so all go."""
        for close in (self._conn and self._conn.close, self._raw is not None and self._close_raw):
            if close:
                close()
        self._conn = self._raw = None

    def _close_raw(self) -> None:
        if self._raw is not None:
            os.close(self._raw)

    def copy_aside(self, now: datetime) -> Path:
        """What cannot be backed up, with its log: `FILE.before-restore-<UTC time>`.

        Raises:
            StoreError: The copy is not the same, or cannot be written.
        """
        final = _free_name(self.path, now)
        draft = final.with_name(f"{final.name}.part")
        try:
            if self._conn is not None:  # reading the file past SQLite would drop its locks
                with closing(driver.connect(str(draft))) as copy:
                    self._conn.backup(copy)
            else:
                self._copy_bytes(draft, final)
            draft.chmod(0o600)
            flush(draft)
            draft.rename(final)
        except (OSError, driver.Error) as error:
            raise StoreError(f"{self.path} cannot be copied aside: {error}.") from error
        finally:
            draft.unlink(missing_ok=True)
        flush(final.parent)
        return final

    def _copy_bytes(self, draft: Path, final: Path) -> None:
        for ending in SIDE_FILES:
            if Path(f"{self.path}{ending}").is_file():
                shutil.copyfile(f"{self.path}{ending}", f"{final}{ending}")
                flush(Path(f"{final}{ending}"))
        shutil.copyfile(self.path, draft)
        if _sha256(draft) != _sha256(self.path):
            raise StoreError(f"The copy of {self.path} is not the same; nothing was changed.")

    def replace(self, new: Path) -> None:
        """Put the finished file in the place of the held one; call between `hold` and `let_go`.

        Raises:
            ConflictError: A file appeared where there was none.
            StoreError: It cannot be done; the old file is there as it was.
        """
        try:
            if self.state == "missing":
                self._occupy(new)
            else:
                if self._conn is None:
                    self._clear_raw()
                new.replace(self.path)
            flush(self.path.parent)
        except FileExistsError:
            raise ConflictError(
                f"{self.path} appeared meanwhile; it was not overwritten. Name another place."
            ) from None
        except OSError as error:
            raise StoreError(
                f"Cannot put the restored database in place of {self.path}: "
                f"{error.strerror or error}. Check the folder's permissions."
            ) from error

    def _occupy(self, new: Path) -> None:
        for ending in SIDE_FILES:  # of a file that is gone: SQLite would work it into the new one
            stale = Path(f"{self.path}{ending}")
            if stale.exists():
                stale.replace(f"{self.path}.before-restore{ending}")
        if self.path.exists() and self.path.stat().st_size == 0:
            new.replace(self.path)
            return
        try:
            os.link(new, self.path)  # never over a file that has just appeared
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if self.path.exists():
                raise FileExistsError(self.path) from None
            new.rename(self.path)
            return
        new.unlink()

    def _clear_raw(self) -> None:
        """Its copy lies aside: nobody may work its log into the new file."""
        if self._raw is not None and os.pread(self._raw, 2, FORMAT_AT) == WAL_FORMAT:
            os.pwrite(self._raw, b"\x01\x01", FORMAT_AT)
        for ending in SIDE_FILES:
            Path(f"{self.path}{ending}").unlink(missing_ok=True)


def state_of(path: Path) -> State:
    """What lies there, read only."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return "missing"
    if not path.is_file():
        raise ConflictError(f"{path} is no file; a database is not restored there. Name another.")
    if is_original(path):
        return "original"
    try:
        conn = driver.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)
        try:
            conn.execute("PRAGMA trusted_schema=off")
            names = {str(name) for (name,) in conn.execute("SELECT name FROM sqlite_master")}
            sound = [text for (text,) in conn.execute("PRAGMA quick_check(1)")] == ["ok"]
        finally:
            conn.close()
    except driver.DatabaseError as error:
        if "locked" in str(error):
            raise _in_use(path) from None
        return "damaged"
    if not sound:
        return "damaged"
    if not names:
        return "empty"
    return "sound" if "alembic_version" in names else "another program's"


def _sha256(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY)
    try:
        return sha256(handle)
    finally:
        os.close(handle)


def _free_name(path: Path, now: datetime) -> Path:
    stem, number = f"{path.name}.before-restore-{now:%Y%m%dT%H%M%SZ}", 1
    while (found := path.with_name(stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return found


def _in_use(path: Path) -> ConflictError:
    who = ", ".join(holders(path))
    by = f" (process {who})" if who else ""
    return ConflictError(
        f"Other programs have {path} open{by}, and would go on with the old data. Nothing was "
        "changed; close them and repeat."
    )


def holders(path: Path) -> list[str]:
    """Other processes that have the file open, where the system tells: `1234 python`."""
    found = []
    try:
        wanted = path.stat()
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return []
    for process in processes:
        if int(process.name) != os.getpid() and _has_open(process, wanted):
            name = (process / "comm").read_text("utf-8", "replace").strip()
            found.append(f"{process.name} {name}")
    return found


def _has_open(process: Path, wanted: os.stat_result) -> bool:
    try:
        for entry in (process / "fd").iterdir():
            there = os.stat(entry)
            if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:  # it ended meanwhile, or is another user's
        return False
    return False
