"""What is restored from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from mlmcsc.adapters.backup_files import check_stored, read_stored, restore_file
from mlmcsc.adapters.backup_files.reading import OpenKey
from mlmcsc.adapters.backup_store.store import BackupStore, Told
from mlmcsc.domain.backups import manifest as manifests
from mlmcsc.domain.backups.manifest import Manifest, read_manifest
from mlmcsc.domain.backups.names import checked_name
from mlmcsc.domain.backups.stored import StoredFile, listed
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.errors import IntegrityError, UnknownRecordError, ValidationError
from mlmcsc.store.backups.plain_files import check_plain, copy_plain

DATABASE: Final = "database/"
THREADS: Final = 4
"""Hashing leaves the interpreter to the others; a bucket answers several at once."""
REMOTE_THREADS: Final = 16
MEGABYTE: Final = 1_000_000
_SET_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SetSource:
    """A signed set of files in a place; made by `open_set`."""

    store: BackupStore
    manifest: Manifest
    public_key: bytes
    files: Sequence[StoredFile]
    crypto: Cryptography
    open_key: OpenKey

    @property
    def name(self) -> str:
        """What it is called."""
        return self.manifest.name

    @property
    def place(self) -> str:
        """Folder or URL."""
        return self.store.place

    @property
    def n_bytes(self) -> int:
        """Bytes of the database's files."""
        return sum(file.n_bytes for file in self._database())

    def _database(self) -> list[StoredFile]:
        return [file for file in self.files if file.name.startswith(DATABASE)]

    def verify(self, progress: Progress) -> None:
        """Read every stored byte; keys are not needed.

        Raises:
            IntegrityError: One is not as it was signed, or a file is missing.
        """
        # Large ones first, so that none is left to the end.
        files = sorted(self.files, key=lambda file: file.stored_bytes, reverse=True)
        told = _tally("verifying, MB", sum(file.stored_bytes for file in files), progress)
        remote = "://" in self.store.place
        with ThreadPoolExecutor(REMOTE_THREADS if remote else THREADS) as pool:
            for _ in pool.map(lambda file: self._check(file, told), files):
                pass

    def _check(self, file: StoredFile, told: Told) -> None:
        try:
            check_stored(self.store.read(file.key), file, told)
        except UnknownRecordError:
            raise _damaged(self.name, f"{file.key} is missing") from None

    def check_keys(self) -> None:
        """Every master key that its files need opens.

        Raises:
            MissingKeyError: One is not here.
        """
        for key_id in sorted({file.key_id for file in self.files if file.key_id}):
            self.open_key(key_id)

    def unpack(self, folder: Path, progress: Progress) -> None:
        """Write the database's files, checked once more as they are read."""
        told = _tally("restoring, MB", self.n_bytes, progress)
        for file in self._database():
            self._restore(file, folder / file.name, folder, told)

    def fetch(self, file: StoredFile, target: Path, root: Path) -> None:
        """Write one file, checked, below `root`."""
        self._restore(file, target, root, lambda _: None)

    def _restore(self, file: StoredFile, target: Path, root: Path, told: Told) -> None:
        restore_file(
            self.store,
            file,
            self.manifest.set_id,
            target,
            open_key=self.open_key,
            crypto=self.crypto,
            root=root,
            told=told,
        )


def open_set(store: BackupStore, name: str, crypto: Cryptography, open_key: OpenKey) -> SetSource:
    """The set of this name, its signature checked, and its list of files.

    Raises:
        ValidationError: That is no name.
        UnknownRecordError: There is none; the message lists what there is.
        IntegrityError: It is not as it was signed.
    """
    try:
        raw = store.get(f"{checked_name(name)}/{manifests.FILE}", manifests.LARGEST)
    except UnknownRecordError:
        raise UnknownRecordError(
            f"There is no backup {name!r} in {store.place}. {_there(store)}"
        ) from None
    manifest, public_key = read_manifest(raw, name, crypto.verify)
    if not _SET_ID.fullmatch(manifest.set_id):  # it becomes part of names of files
        raise _damaged(name, "its set id is none")
    files = list(_listed(store, manifest, crypto, open_key))
    return SetSource(store, manifest, public_key, files, crypto, open_key)


def _there(store: BackupStore) -> str:
    names = [n for n in store.names() if store.size(f"{n}/{manifests.FILE}") is not None]
    return f"There are: {', '.join(sorted(names)[-20:])}." if names else "There are none."


def _listed(
    store: BackupStore, manifest: Manifest, crypto: Cryptography, open_key: OpenKey
) -> Iterator[StoredFile]:
    index = manifest.index
    try:
        pieces = read_stored(store.read(index.key), index, manifest.set_id, open_key, crypto)
        files = list(listed(pieces))
    except UnknownRecordError:
        raise _damaged(manifest.name, "its list of files is missing") from None
    except (ValueError, TypeError) as error:
        raise _damaged(manifest.name, "its list of files cannot be read") from error
    if len(files) != manifest.n_files:
        raise _damaged(manifest.name, f"it lists {len(files)} files, not {manifest.n_files}")
    yield from files


def _damaged(name: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"The backup {name} is damaged: {what}. Nothing was changed; use another backup "
        "(`mlmcsc backup list`), and look at the disk with `mlmcsc backup scrub`."
    )


def _tally(doing: str, total: int, progress: Progress) -> Told:
    """Counts bytes, from any thread, and tells whole megabytes."""
    lock, done = Lock(), 0

    def told(n_bytes: int) -> None:
        nonlocal done
        with lock:
            before, done = done, done + n_bytes
            now = done
        if before // MEGABYTE != now // MEGABYTE:
            progress(doing, now // MEGABYTE, total // MEGABYTE)

    return told


@dataclass(frozen=True, slots=True)
class PlainSource:
    """An SQLite file of before, for which nothing signed vouches."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def place(self) -> str:
        """Its folder."""
        return str(self.path.absolute().parent)

    @property
    def manifest(self) -> Manifest | None:
        """None."""
        return None

    @property
    def public_key(self) -> bytes | None:
        """None."""
        return None

    @property
    def files(self) -> Sequence[StoredFile]:
        """None besides the database."""
        return ()

    @property
    def n_bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size

    def verify(self, progress: Progress) -> None:
        """SQLite's own check: there is no other."""
        progress("checking the file", 0, 1)
        check_plain(self.path)

    def check_keys(self) -> None:
        """It needs none."""

    def unpack(self, folder: Path, progress: Progress) -> None:
        """Copy the file; it stays as it is."""
        progress("copying the file", 0, 1)
        (folder / "database").mkdir(mode=0o700)
        copy_plain(self.path, folder / "database" / "mlmcsc.db")

    def fetch(self, file: StoredFile, target: Path, root: Path) -> None:
        """There is nothing to be fetched."""
        del root
        raise ValidationError(f"{self.path} has no {file.name} for {target}.")
