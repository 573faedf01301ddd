"""A restored SQLite database beside the one whose place it is to take."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.config.urls import sqlite_url
from mlmcsc.errors import ConflictError, IntegrityError, StoreError
from mlmcsc.store.adoption.files import SIDE_FILES, flush

MARK: Final = ".restoring-"
_OURS: Final = r"[0-9a-f]{32}(?:[.-].*)?"
"""What follows it: a set's id, and what SQLite, unpacking and adopting put beside the file."""
LOCK: Final = ".restoring.lock"
ROOM: Final = 2.2
"""Times the database's size: itself, and the log while it is brought up to date."""


@dataclass(frozen=True, slots=True)
class BesideFile:
    """The file in which a database is restored; a run that died may have left others like it.

    Attributes:
        target: The place that it is to take.
        set_id: Of the backup, or of this run.
    """

    target: Path
    set_id: str

    @property
    def path(self) -> Path:
        """`FILE.restoring-<set id>`."""
        return self.target.with_name(f"{self.target.name}{MARK}{self.set_id}")

    @property
    def url(self) -> str:
        """For `open_database`."""
        return sqlite_url(str(self.path))

    @contextmanager
    def alone(self) -> Iterator[tuple[str, ...]]:
        """Keep other restores of this place out; gives the names of what dead ones had left.

        Raises:
            ConflictError: Another restore is at work.
            StoreError: The folder cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to restore

        try:
            self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.target.with_name(f"{self.target.name}{LOCK}"), timeout=0)
            lock.acquire()
        except Timeout:
            raise ConflictError(
                f"Another process is restoring {self.target}. Wait until it is done."
            ) from None
        except OSError as error:
            raise StoreError(
                f"Cannot write {self.target.parent}: {error.strerror or error}. Nothing was "
                "changed; check the disk and its permissions."
            ) from error
        try:
            yield tuple(self._tidy())
        finally:
            self._tidy()
            if os.name == "posix":  # whoever waits for it looks whether it is still there
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()

    def _tidy(self) -> list[str]:
        """Only names that we give: what somebody else calls so stays."""
        ours = re.compile(re.escape(f"{self.target.name}{MARK}") + _OURS, re.ASCII)
        left = sorted(file for file in self.target.parent.iterdir() if ours.fullmatch(file.name))
        for file in left:
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            else:
                file.unlink()
        return [file.name for file in left]

    def refuse_without_room(self, n_bytes: int) -> None:
        """Refuse where the restored database would not fit.

        Raises:
            StoreError: It would not.
        """
        refuse_without_room(self.target.parent, int(n_bytes * ROOM), "the restored database")

    def take(self, file: Path) -> None:
        """Give an unpacked file its place, with the permissions and owner of the one there."""
        if self.target.exists():
            there = self.target.stat()
            file.chmod(there.st_mode & 0o777 | 0o600)
            if hasattr(os, "geteuid") and os.geteuid() == 0:  # only the superuser gives files away
                os.chown(file, there.st_uid, there.st_gid)
        else:
            file.chmod(0o600)
        file.rename(self.path)

    def finish(self) -> None:
        """Check everything once more, work the log in and make the file durable.

        Raises:
            IntegrityError: The restored database is not sound.
        """
        try:
            with closing(driver.connect(str(self.path), isolation_level=None)) as conn:
                conn.execute("PRAGMA trusted_schema=off")
                conn.execute("PRAGMA journal_mode=delete")
                found = [text for (text,) in conn.execute("PRAGMA integrity_check(5)")]
                lost = conn.execute("PRAGMA foreign_key_check").fetchmany(5)
        except driver.DatabaseError as error:
            found, lost = [str(error)], []
        if found != ["ok"] or lost:
            told = "; ".join(
                [*(t for t in found if t != "ok"), *(f"{r[0]} row {r[1]}" for r in lost)]
            )
            raise IntegrityError(
                f"The restored database is not sound ({told}); nothing was changed. Use another "
                "backup, and check the disk."
            )
        for ending in SIDE_FILES:
            if Path(f"{self.path}{ending}").exists():
                raise StoreError(f"{self.path}{ending} is still in use; nothing was changed.")
        flush(self.path)


def refuse_without_room(folder: Path, wanted: int, what: str) -> None:
    """Refuse to begin what the disk has no room for.

    Raises:
        StoreError: It has not; nothing was changed.
    """
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < wanted:
        raise StoreError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {what} needs {wanted / 1e6:,.0f} MB "
            "meanwhile. Nothing was changed; free some space, or restore elsewhere with --to."
        )
