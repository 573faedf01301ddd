"""What restores, drills, backups and an adoption left of a database on this computer."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_store.disk import disk_errors
from mlmcsc.adapters.backup_store.local import INCOMPLETE, LocalStore
from mlmcsc.adapters.private_folder import JUST_MADE, LOCK
from mlmcsc.adapters.shredding import shred
from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.errors import ConflictError, StoreError

RESTORE_LOCK: Final = ".restoring.lock"
"""As `store.backups.beside` locks a place while it restores there."""

_RESTORING: Final = r"\.(restoring-[0-9a-f]{32}.*|before-restore-.*\.part)"
_KEPT: Final = r"\.(before-restore-.*|original-.*\.db|(versions|archive|images)\.damaged-.*)"


@dataclass(frozen=True, slots=True)
class FileLeftovers:
    """Where they lie.

    Attributes:
        database: The database file; None on a server.
        private: Where `private_folder` makes folders, and how the names of these begin.
    """

    database: Path | None
    private: tuple[tuple[Path, str], ...]

    def look(self) -> LeftBehind:
        """What is there; nothing is changed."""
        return self._each(shredding=False)

    def shred(self) -> LeftBehind:
        """Overwrite and remove what nobody holds; gives what was there.

        Raises:
            StoreError: It cannot be removed.
        """
        try:
            return self._each(shredding=True)
        except OSError as error:
            raise StoreError(
                f"{error.filename}, which a killed restore or drill left, cannot be removed: "
                f"{error.strerror or error}. It may hold data keys of erased people: allow it, "
                "then run the same command again."
            ) from error

    def _each(self, *, shredding: bool) -> LeftBehind:
        found = LeftBehind()
        held = [(path, path / LOCK) for path in self._private()]
        for path, lock in [*self._restores(), *held]:
            try:
                with _locked(lock, path) as is_ours:
                    if is_ours and shredding:
                        shred_tree(path)
            except OSError as error:
                if not path.exists():
                    continue  # another one tidied the same
                if shredding:
                    raise
                found += LeftBehind(unread={str(path): error.strerror or str(error)})
                continue
            found += LeftBehind(dead=(str(path),)) if is_ours else LeftBehind(in_use=(str(path),))
        return found + self._kept()

    def _restores(self) -> list[tuple[Path, Path]]:
        if self.database is None:
            return []
        file = self.database.resolve()  # as a restore does: the link stays
        lock = file.with_name(f"{file.name}{RESTORE_LOCK}")
        return [(path, lock) for path in _beside(file, _RESTORING)]

    def _private(self) -> list[Path]:
        return [
            path
            for parent, prefix in self.private
            for path in sorted(parent.iterdir())
            if path.name.startswith(prefix)
            and path.is_dir()
            and not path.is_symlink()
            and _is_ours(path)
        ]

    def _kept(self) -> LeftBehind:
        if self.database is None:
            return LeftBehind()
        file = self.database.resolve()
        dead = set(_beside(file, _RESTORING))
        kept = [path for path in _beside(file, _KEPT) if path not in dead]
        return LeftBehind(
            kept={str(path): f"`{_removing(path)}`" for path in kept},
            made_at={str(path): _written(path) for path in kept},
        )


def _beside(file: Path, ending: str) -> list[Path]:
    form = re.compile(re.escape(file.name) + ending)
    return sorted(path for path in file.parent.iterdir() if form.fullmatch(path.name))


def _removing(path: Path) -> str:
    name = shlex.quote(str(path))
    return f"find {name} -type f -exec shred -u {{}} +" if path.is_dir() else f"shred -u {name}"


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC).isoformat()


def _is_ours(path: Path) -> bool:
    """In a folder for temporary files, others may drill too."""
    try:
        return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


@contextmanager
def _locked(file: Path, path: Path) -> Iterator[bool]:
    """Whether nobody else is at work there, and keeps anybody from beginning meanwhile."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only where something is left

    is_drill = file.parent == path
    if is_drill and not file.exists() and time.time() - path.stat().st_mtime < JUST_MADE:
        yield False
        return
    try:
        lock = FileLock(file, timeout=0)
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        if not is_drill and os.name == "posix":  # as a restore does at its end
            file.unlink(missing_ok=True)
        lock.release()


def shred_tree(path: Path) -> None:
    """Overwrite and remove a file, or a folder with all in it.

    Raises:
        OSError: One cannot be written or removed.
    """
    if path.is_symlink() or not path.is_dir():
        _shred_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            if file != path / LOCK:  # held until the end
                _shred_file(file)
    shutil.rmtree(path)


def _shred_file(path: Path) -> None:
    """A killed restore may have linked it to the database's own name: that must not be zeroed."""
    if not path.is_symlink() and path.stat().st_nlink > 1:
        path.unlink()
    else:
        shred(path)


@dataclass(frozen=True, slots=True)
class UnfinishedSets:
    """Backups that were killed: for a while, their copy of the database has its data keys.

    Attributes:
        place: A folder of backups.
    """

    place: Path

    def look(self) -> LeftBehind:
        """What is there; nothing is changed."""
        return self._each(shredding=False)

    def shred(self) -> LeftBehind:
        """Overwrite and remove them, unless a backup is at work; gives what was there.

        Raises:
            StoreError: They cannot be removed.
        """
        return self._each(shredding=True)

    def _each(self, *, shredding: bool) -> LeftBehind:
        found = sorted(path for path in self.place.glob(f"{INCOMPLETE}*") if not path.is_symlink())
        places = tuple(map(str, found))
        if not found:
            return LeftBehind()
        try:
            with (
                LocalStore(self.place).leased("erasure", "mlmcsc"),
                disk_errors(self.place, "removing what killed backups left"),
            ):
                for path in found if shredding else ():
                    shred_tree(path)
        except ConflictError:
            return LeftBehind(in_use=places)
        return LeftBehind(dead=places)
