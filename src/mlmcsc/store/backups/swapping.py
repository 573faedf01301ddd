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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import ConflictError, StoreError
from mlmcsc.store.adoption.files import SIDE_FILES, flush, sha256
from mlmcsc.store.backups.holders import holders, in_use
from mlmcsc.store.backups.looking import FORMAT_AT, WAL_FORMAT, state_of

PENDING_BYTE: Final = 0x40000000
LOCK_BYTES: Final = 512
"""SQLite's PENDING, RESERVED and SHARED bytes (os.h)."""


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
        self._bytes: tuple[int, int, str] | None = None
        self.state = state_of(path)

    def watch(self) -> None:
        """From now on, notice every commit of others; call before the safety backup.

        What SQLite cannot back up is locked at once: its copy is taken byte by byte.

        Raises:
            ConflictError: Others have it open and do not close it.
            StoreError: It cannot be read.
        """
        if self.state == "missing":
            return
        if self.state != "sound":
            self._hold_raw()
            self._bytes = self._fingerprint()
            return
        with self._refusals():
            if self._conn is None:
                self._conn = driver.connect(
                    str(self.path), timeout=self._wait, isolation_level=None
                )
                self._conn.execute("PRAGMA trusted_schema=off")
            self._version = self._data_version(self._conn)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except driver.Error as error:
            if "locked" in str(error):
                raise in_use(self.path) from None
            raise StoreError(
                f"{self.path} cannot be held: {error}. Nothing was changed; check the disk."
            ) from error

    @staticmethod
    def _data_version(conn: driver.Connection) -> int:
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(conn.execute("PRAGMA data_version").fetchone()[0])

    def hold(self) -> bool:
        """Lock everybody out; whether nobody wrote since `watch`. Again after `let_go`.

        Raises:
            ConflictError: Others have it open and do not close it.
            StoreError: It cannot be locked.
        """
        if self.state == "missing":
            return True
        if self._conn is None:
            self._hold_raw()
            return self._bytes == self._fingerprint()
        with self._refusals():
            return self._hold_sound(self._conn)

    def _hold_sound(self, conn: driver.Connection) -> bool:
        # With this set, BEGIN takes the file's exclusive lock also in WAL mode, and keeps it.
        conn.execute("PRAGMA locking_mode=exclusive")
        conn.execute("BEGIN EXCLUSIVE")
        # Within the transaction: leaving WAL mode forgets what changed before.
        untouched = self._data_version(conn) == self._version
        conn.execute("COMMIT")
        ((mode,),) = conn.execute("PRAGMA journal_mode=delete").fetchall()
        if mode != "delete":
            raise StoreError(f"{self.path} stays in the journal mode {mode}; nothing was changed.")
        return untouched

    def _hold_raw(self) -> None:
        """SQLite cannot read it, and so not lock it: take the bytes that it would lock."""
        if self._raw is None:
            self._raw = os.open(self.path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            import fcntl  # noqa: PLC0415  # not on Windows, where what is open is not renamed
        except ImportError:
            return
        try:
            fcntl.lockf(self._raw, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCK_BYTES, PENDING_BYTE)
            # Without a log, who has it open holds no lock while idle, and would read on in it.
            is_free = not holders(self.path)
        except OSError:
            is_free = False
        if not is_free:
            self.let_go()
            raise in_use(self.path)

    def _fingerprint(self) -> tuple[int, int, str] | None:
        """Of the bytes of the held file; None: another one has its name by now."""
        if self._raw is None:
            return None
        held, there = os.fstat(self._raw), self.path.stat()
        if (held.st_dev, held.st_ino) != (there.st_dev, there.st_ino):
            return None
        return held.st_ino, held.st_size, sha256(self._raw)

    def let_go(self) -> None:
        """Unlock and forget it; closing any descriptor would drop SQLite's locks, so all go."""
        conn, raw, self._conn, self._raw = self._conn, self._raw, None, None
        if raw is not None:
            os.close(raw)
        if conn is not None:
            conn.close()

    def copy_aside(self, now: datetime) -> Path:
        """What cannot be backed up, with its log: `FILE.before-restore-<UTC time>`.

        Raises:
            StoreError: The copy is not the same, or cannot be written.
        """
        final = _unused(f"{self.path}.before-restore-{now:%Y%m%dT%H%M%SZ}")
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
        """Through the descriptor that holds the lock: closing any other would drop it."""
        if self._raw is None or self._bytes is None:
            raise StoreError(f"{self.path} is not held; nothing was changed.")
        for ending in SIDE_FILES:
            if Path(f"{self.path}{ending}").is_file():
                shutil.copyfile(f"{self.path}{ending}", f"{final}{ending}")
                Path(f"{final}{ending}").chmod(0o600)
                flush(Path(f"{final}{ending}"))
        with draft.open("xb") as copy:
            at = 0
            while chunk := os.pread(self._raw, 1 << 20, at):
                at += copy.write(chunk)
        if _sha256(draft) != self._bytes[2]:
            raise StoreError(f"The copy of {self.path} is not the same; nothing was changed.")

    def replace(self, new: Path) -> None:
        """Put the finished file in the place of the held one; call between `hold` and `let_go`.

        Raises:
            ConflictError: A file appeared where there was none.
            StoreError: It cannot be done; the message says which of the two is there.
        """
        try:
            if self.state == "missing":
                self._occupy(new)
            else:
                if self._conn is None:
                    self._clear_raw()
                new.replace(self.path)
        except FileExistsError:
            raise ConflictError(
                f"{self.path} appeared meanwhile; it was not overwritten. Name another place."
            ) from None
        except OSError as error:
            raise StoreError(
                f"Cannot put the restored database in place of {self.path}: "
                f"{error.strerror or error}. The old one is there as it was. Check the folder's "
                "permissions."
            ) from error
        try:
            flush(self.path.parent)
        except OSError as error:
            raise StoreError(
                f"{self.path} is the restored database now, but its folder could not be made "
                f"durable ({error.strerror or error}): a power cut may bring the old one back. "
                "Check the disk, then look with `mlmcsc database status`."
            ) from error

    def _occupy(self, new: Path) -> None:
        for ending in SIDE_FILES:  # of a file that is gone: SQLite would work it into the new one
            stale = Path(f"{self.path}{ending}")
            if stale.exists():
                stale.rename(_unused(f"{self.path}.before-restore", ending))
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


def _sha256(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY)
    try:
        return sha256(handle)
    finally:
        os.close(handle)


def _unused(stem: str, ending: str = "") -> Path:
    found, number = Path(f"{stem}{ending}"), 1
    while found.exists():
        number += 1
        found = Path(f"{stem}-{number}{ending}")
    return found
