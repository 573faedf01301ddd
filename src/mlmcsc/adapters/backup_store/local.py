"""A folder as a place of backups: private, durable, whole or not at all, and no way out of it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_store import copying
from mlmcsc.adapters.backup_store.disk import disk_errors, sync_path
from mlmcsc.adapters.backup_store.keys import LAYOUT, checked_key, checked_prefix
from mlmcsc.adapters.backup_store.lease import FILE as LEASE
from mlmcsc.adapters.backup_store.local_lease import held_folder
from mlmcsc.adapters.backup_store.nesting import refuse_nested
from mlmcsc.adapters.backup_store.small import joined
from mlmcsc.adapters.backup_store.store import Entry, Lease, Told
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.domain.backups.names import RESERVED, checked_name
from mlmcsc.errors import ConflictError, IntegrityError, StoreError, UnknownRecordError

DRAFT: Final = ".draft-"
INCOMPLETE: Final = ".incomplete-"
_UNFINISHED: Final = re.compile(r"\.incomplete-[0-9a-f]{32}", re.ASCII)
_DRAFT: Final = re.compile(r"\.draft-[0-9a-f]{16}", re.ASCII)


class LocalStore:
    """See `store.BackupStore`. The folder is made by the first write, and is its owner's alone."""

    def __init__(self, folder: str | Path) -> None:
        self._root = Path(os.path.realpath(folder))
        self.place = str(self._root)
        self._lease: Lease | None = None

    def put_file(
        self, key: str, source: Path, *, told: Told = lambda _: None, move: bool = False
    ) -> None:
        """Bring a file in, durably and whole or not at all; with `move` it need not stay.

        Raises:
            StoreError: The disk refused, or the file changed while it was copied.
        """
        target = self._path(key)
        with disk_errors(self.place, f"writing {key}"):
            self._make_folder(target.parent)
            if move and _moved(source, target):
                told(target.stat().st_size)
            elif not _is_same(source, target):
                with self._draft(target) as draft:
                    copying.copy(source, draft, told)
                    draft.replace(target)
            sync_folder(target.parent)

    def put_bytes(self, key: str, content: bytes, *, new: bool = False) -> bool:
        """Write a small file likewise; with `new` only where there is none: else False."""
        target = self._path(key)
        with disk_errors(self.place, f"writing {key}"):
            self._make_folder(target.parent)
            with self._draft(target) as draft:
                copying.write(draft, content)
                if not new:
                    draft.replace(target)
                elif not copying.link_new(draft, target):
                    return False
            sync_folder(target.parent)
        return True

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes in pieces.

        Raises:
            UnknownRecordError: There is no such file.
            StoreError: It cannot be read, or is a link.
        """
        path = self._path(key)
        with disk_errors(self.place, f"reading {key}"):
            descriptor = self._opened(key, path)
            try:
                yield from copying.pieces(descriptor)
            finally:
                os.close(descriptor)

    def get(self, key: str, largest: int) -> bytes:
        """A small file whole.

        Raises:
            UnknownRecordError: There is no such file.
            IntegrityError: It has more than `largest` bytes.
        """
        return joined(self.place, key, self.read(key), largest)

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Every file below `prefix`, by key; unfinished ones and links are left out."""
        folder = self._root / checked_prefix(prefix)
        if prefix:
            self._path(f"{prefix}any")
        with disk_errors(self.place, "listing"):
            yield from self._below(folder, prefix)

    def names(self) -> list[str]:
        """First segments of keys, sorted; unfinished ones are left out."""
        with disk_errors(self.place, "listing"):
            if not self._root.is_dir():
                return []
            with os.scandir(self._root) as found:
                return sorted(
                    each.name
                    for each in found
                    if each.is_dir(follow_symlinks=False) and not each.name.startswith(".")
                )

    def size(self, key: str) -> int | None:
        """Bytes of a file; None where there is none."""
        path = self._path(key)
        with disk_errors(self.place, f"looking at {key}"):
            try:
                found = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files, in this order, and the folders that are empty then.

        Raises:
            ConflictError: The place was held, and is lost.
            StoreError: The disk refused.
        """
        paths = [self._path(key) for key in keys]
        self._check_lease()
        with disk_errors(self.place, "deleting"):
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in sorted({path.parent for path in paths}, reverse=True):
                self._leave(folder)

    def free_bytes(self) -> int | None:
        """Space left for this user."""
        with disk_errors(self.place, "asking for free space"):
            folder = self._root
            while not folder.is_dir():
                folder = folder.parent
            return shutil.disk_usage(folder).free

    def tidy(self, before: datetime) -> int:  # noqa: ARG002  # a bucket's guard: see the protocol
        """Delete unfinished sets and files; how many files. To be called while held."""
        self._check_lease()
        n = 0
        with disk_errors(self.place, "deleting what killed runs left"):
            for name in self._everything():
                folder = self._root / name
                if _UNFINISHED.fullmatch(name) and not folder.is_symlink():
                    n += sum(len(found) for _, _, found in os.walk(folder))
                    shutil.rmtree(folder)
                elif name in RESERVED or (folder / MANIFEST).is_file():
                    n += sum(
                        _without_drafts(Path(each), files) for each, _, files in os.walk(folder)
                    )
        return n

    def staged(self, name: str, set_id: str) -> str:
        """Where a set's own files are written until it is whole.

        Raises:
            ConflictError: There is a set of this name, be it in other letters' case.
        """
        self._clear_remains(checked_name(name))
        self._refuse_taken(name)
        segment = f"{INCOMPLETE}{set_id}"
        with disk_errors(self.place, "writing"):
            self._make_folder(self._path(f"{segment}/any").parent)
        return segment

    def publish(self, name: str, staged: str) -> None:
        """Give a whole set its name; at once.

        Raises:
            ConflictError: There is a set of this name meanwhile, or the place is lost.
            StoreError: The set has no manifest, or the disk refused.
        """
        self._refuse_taken(name)
        if self.size(f"{staged}/{MANIFEST}") is None:
            raise StoreError(f"{self.place}: the set {name} has no {MANIFEST}: it is not whole.")
        self._check_lease()
        with disk_errors(self.place, f"naming the set {name}"):
            try:
                # A set has files: no system renames a folder over one that is not empty.
                (self._root / staged).rename(self._root / name)
            except OSError:
                self._refuse_taken(name)
                raise
            try:
                sync_folder(self._root)
            except OSError:  # whoever is told that it failed must not find it there
                (self._root / name).rename(self._root / staged)
                raise

    @contextmanager
    def leased(self, purpose: str, holder: str) -> Iterator[Lease]:
        """Hold the place alone; see `lease`.

        Raises:
            ConflictError: Somebody else holds it.
            ValidationError: It lies among the files of another place.
        """
        with disk_errors(self.place, "holding the place"):
            refuse_nested(self._root)
            self._make_folder(self._path(LEASE).parent)
        with held_folder(self._root, purpose, holder) as lease:
            self._lease = lease
            try:
                yield lease
            finally:
                self._lease = None

    def _check_lease(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _refuse_taken(self, name: str) -> None:
        wanted = checked_name(name).lower()  # many file systems do not tell case apart
        for taken in (each for each in self._everything() if each.lower() == wanted):
            is_set = (self._root / taken / MANIFEST).is_file()
            what = "a backup" if is_set else "something that is no backup and is called"
            raise ConflictError(
                f"{self.place} has {what} {taken!r} already; it is never overwritten. Choose "
                "another name, or leave it to mlmcsc."
            )

    def _clear_remains(self, name: str) -> None:
        """What is left of a set that was being removed keeps its name from nobody."""
        left = {entry.key for entry in self.entries(f"{name}/")}
        if left and {key.split("/")[1] for key in left} <= LAYOUT:
            self.remove(left)

    def _everything(self) -> list[str]:
        with disk_errors(self.place, "listing"):
            return os.listdir(self._root) if self._root.is_dir() else []

    def _path(self, key: str) -> Path:
        """The file's path, no segment of which is a link."""
        path = self._root
        for segment in checked_key(key).split("/"):
            path /= segment
            if path.is_symlink():
                raise IntegrityError(
                    f"{path} is a link, and links are never followed in a place of backups: they "
                    "may lead out of it. Remove it, and find out who put it there."
                )
        return path

    def _opened(self, key: str, path: Path) -> int:
        try:
            return copying.opened(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise UnknownRecordError(
                f"{self.place} has no file {key}. See `mlmcsc backup list` for what is there."
            ) from None

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            sync_folder(each.parent)

    @contextmanager
    def _draft(self, target: Path) -> Iterator[Path]:
        draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _below(self, folder: Path, prefix: str) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as found:
                listed = sorted(found, key=lambda each: each.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for each in listed:
            if each.name.startswith((DRAFT, INCOMPLETE, ".place.lock")):
                continue
            if each.is_dir(follow_symlinks=False):
                yield from self._below(folder / each.name, f"{prefix}{each.name}/")
            elif each.is_file(follow_symlinks=False):
                told = each.stat(follow_symlinks=False)
                modified = datetime.fromtimestamp(told.st_mtime, UTC)
                yield Entry(f"{prefix}{each.name}", told.st_size, modified)

    def _leave(self, folder: Path) -> None:
        """Remove a folder and those above it while they are empty; make the deletions durable."""
        while folder != self._root:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:  # not empty
                break
            folder = folder.parent
        sync_folder(folder)


def _moved(source: Path, target: Path) -> bool:
    """Whether a rename was enough: on another disk it is not."""
    if _is_same(source, target) or os.stat(source).st_dev != os.stat(target.parent).st_dev:
        return False
    sync_path(source)
    source.chmod(0o600)
    source.replace(target)
    return True


def _is_same(source: Path, target: Path) -> bool:
    if source.absolute() != target:
        return False
    sync_path(source)
    return True


def _without_drafts(folder: Path, files: list[str]) -> int:
    drafts = [name for name in files if _DRAFT.fullmatch(name)]
    for name in drafts:
        (folder / name).unlink(missing_ok=True)
    return len(drafts)
