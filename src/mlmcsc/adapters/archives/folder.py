"""The folder that archives lie in: one folder each, renamed into place when it is whole."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmcsc.adapters.archives.parquet import REPAIR, file_sha256, verify_rows
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.shredding import shred
from mlmcsc.domain.archives import Manifest, Verify, check_path, read_manifest
from mlmcsc.errors import ConflictError, IntegrityError, StoreError, UnsupportedError

MANIFEST = "manifest.json"
LOCK = ".lock"
_DRAFT = re.compile(r"\.(.+)\.partial")
WAIT_SECONDS = 10.0


class ArchiveFolder:
    """Where a database's archives lie.

    Args:
        root: The folder; None for a server whose settings name none.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """The folder.

        Raises:
            UnsupportedError: The settings name none.
        """
        if self._root is None:
            raise UnsupportedError(
                "This database has no file to keep archives beside. Set "
                "retention.archive_directory to an absolute path that every computer sees."
            )
        return self._root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer of archives at a time, across processes.

        Raises:
            ConflictError: Another process is at work.
            StoreError: The folder cannot be made.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.root / LOCK, timeout=WAIT_SECONDS)
            lock.acquire()
        except Timeout:
            raise ConflictError(
                f"Another process is writing archives in {self.root}. Wait until it is done."
            ) from None
        except OSError as error:
            raise StoreError(f"Cannot use {self.root}: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()

    def place(self, path: str) -> Path:
        """An archive's folder."""
        return self.root / check_path(path)

    def draft(self, path: str) -> Path:
        """A new folder in which the archive is made; readers do not see it."""
        draft = self._draft(path)
        draft.mkdir(mode=0o700)
        return draft

    def _draft(self, path: str) -> Path:
        return self.root / f".{check_path(path)}.partial"

    def publish(self, path: str, manifest: bytes) -> None:
        """Add the manifest, make all of it durable, and rename the draft into place."""
        draft = self._draft(path)
        with (draft / MANIFEST).open("xb") as out:
            out.write(manifest)
            out.flush()
            os.fsync(out.fileno())
        sync_folder(draft)
        draft.rename(self.place(path))
        sync_folder(self.root)

    def check_draft(self, manifest: Manifest) -> None:
        """Read the draft back: every byte, every row group.

        Raises:
            IntegrityError: The disk did not keep what was written.
        """
        _check_files(self._draft(manifest.path), manifest)

    def check(
        self,
        path: str,
        sha256: str,
        database_id: str,
        public_key: bytes,
        verify: Verify,
        *,
        rows: bool = False,
    ) -> Manifest:
        """Verify an archive's manifest, signature and files.

        Args:
            path: Its folder's name.
            sha256: SHA-256 (hex) of its manifest, as the database remembers it.
            database_id: Whose it must be.
            public_key: Whose signature it must bear.
            verify: Checks a signature.
            rows: Whether every row is decoded and compared too.

        Raises:
            IntegrityError: Naming the file that is missing, changed or of another database.
        """
        folder = self.place(path)
        file = folder / MANIFEST
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise IntegrityError(f"{file}: {error.strerror or error}. {REPAIR}") from None
        try:
            manifest, key, signature = read_manifest(raw)
        except IntegrityError as error:
            raise IntegrityError(f"{file}: {error}. {REPAIR}") from None
        if manifest.database_id != database_id:
            raise IntegrityError(
                f"{file} is of another database ({manifest.database_id}). {REPAIR}"
            )
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise IntegrityError(f"{file} is not the one that was signed here. {REPAIR}")
        if key != public_key or not verify(key, signature, manifest.message()):
            raise IntegrityError(f"{file} does not bear this database's signature. {REPAIR}")
        _check_files(folder, manifest, rows=rows)
        return manifest

    def present(self) -> set[str]:
        """Names of the archives there; drafts are left out."""
        return {name for name in self._folders() if not _DRAFT.fullmatch(name)}

    def drafts(self) -> set[str]:
        """Names of the archives that are being made, or were when the process died."""
        return {found[1] for name in self._folders() if (found := _DRAFT.fullmatch(name))}

    def _folders(self) -> list[str]:
        if self._root is None or not self._root.is_dir():
            return []
        return [entry.name for entry in os.scandir(self._root) if entry.is_dir()]

    def remove(self, path: str) -> bool:
        """Overwrite and remove an archive and its draft; whether there was one."""
        found = False
        for folder in (self.place(path), self._draft(path)):
            if folder.is_dir() and not folder.is_symlink():
                found = True
                for entry in sorted(folder.iterdir()):
                    shred(entry)
                folder.rmdir()
        if found:
            sync_folder(self.root)
        return found


def _check_files(folder: Path, manifest: Manifest, *, rows: bool = True) -> None:
    for file in manifest.files:
        path = folder / file.name
        if not path.is_file():
            raise IntegrityError(f"{path} is missing. {REPAIR}")
        if path.stat().st_size != file.n_bytes or file_sha256(path) != file.sha256:
            raise IntegrityError(f"{path} was changed or cut short. {REPAIR}")
        if rows:
            verify_rows(path, file)
