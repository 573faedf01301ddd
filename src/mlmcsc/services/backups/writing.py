"""Writing the files of one set into a place; what the place has already is not written again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_files import Coder, ending, write_stored
from mlmcsc.adapters.backup_store.store import BackupStore, Lease, Told
from mlmcsc.adapters.frozen_files import sha256_of
from mlmcsc.domain.backups.reports import Fault
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError, StoreError
from mlmcsc.services.backups.gathering import Source
from mlmcsc.services.backups.reading import at_staged, faults_of, problem_of, threads
from mlmcsc.services.backups.sharing import Shared
from mlmcsc.services.backups.telling import Meter

PACKED_ALREADY: Final = frozenset({".parquet", ".jpg", ".png", ".webp", ".jp2", ".gz", ".zst"})
"""Files that get no smaller: Zstandard would only cost time."""


@dataclass(slots=True)
class SetWriter:
    """Where a set's files go while it is being made.

    Attributes:
        store: The place.
        name: What the set is called.
        set_id: Which set it is.
        staged: First segment of its own keys until it has its name.
        scratch: A folder of its own, on the place's disk where the place is a folder.
        coder: How files are written.
        shared: What the place has already.
        told: Told of bytes of originals as they are done.
        written: Files that were written for this set, as they are listed.
        seen: Keys of those whose hash was taken from what lies there: read back already.
        lease: The place is held.
        checks: Whether what the place has is read before it is built upon.
        lately: Keys of what was read lately, and is not read again.
        unread: Keys of shared files that are built upon and were not read.
        wrong: Shared files that are not what they were, by key; they are written anew.
    """

    store: BackupStore
    name: str
    set_id: str
    staged: str
    scratch: Path
    coder: Coder
    shared: Shared
    told: Told
    lease: Lease
    checks: bool
    lately: Collection[str] = ()
    written: list[StoredFile] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    wrong: dict[str, Fault] = field(default_factory=dict)

    def own(self, name: str, source: Path) -> StoredFile:
        """Write a file of this set alone; it need not stay where it is.

        Raises:
            StoreError: It cannot be read or written.
        """
        coder = self._coder(name)
        key = f"{self.name}/{name}{ending(coder.coding)}"
        target = source if coder.coding == "plain" else self._target()
        file = self._stored(source, target, name, key, coder)
        if target == source and "://" not in self.store.place:
            self.seen.add(key)  # its hash is that of the file itself, which is only renamed now
        self.put(file, target)
        return file

    def put(self, file: StoredFile, path: Path) -> None:
        """Bring in what was written as it is to lie there.

        Raises:
            ConflictError: The place is not held any more: another's set may lie there by now.
        """
        self.lease.still()
        self.written.append(file)  # first: what fails half-way is removed too
        self.store.put_file(at_staged(file, self.name, self.staged).key, path, move=True)
        path.unlink(missing_ok=True)

    def own_many(self, files: Mapping[str, Path]) -> list[StoredFile]:
        """As `own`, several at a time."""
        with ThreadPoolExecutor(threads(self.store)) as pool:
            return list(pool.map(lambda each: self.own(*each), files.items()))

    def shared_many(self, sources: Iterable[Source]) -> tuple[list[StoredFile], list[Fault]]:
        """Files that sets share; and those that are gone, or are not what they are known as."""
        with ThreadPoolExecutor(threads(self.store)) as pool:
            done = list(pool.map(self._shared, sources))
        return (
            [each for each in done if isinstance(each, StoredFile)],
            [each for each in done if isinstance(each, Fault)],
        )

    def _shared(self, source: Source) -> StoredFile | Fault:
        """The same content is written once, whoever asks for it."""
        with self.shared.writing(source.sha256):
            known = self.shared.known(source.sha256, source.name)
            if known is not None and self._may_build_upon(known):
                self.told(known.n_bytes)
                return known
            return self._written(source)

    def _may_build_upon(self, file: StoredFile) -> bool:
        """Whether a file of earlier sets is what it was; not asked where it was read lately."""
        if file.key in self.seen:
            return True
        if not self.checks or file.key in self.lately:
            self.unread.add(file.key)
            return True
        problem = problem_of(self.store, file, _nobody)
        if problem is None:
            self.seen.add(file.key)
            return True
        self.wrong[file.key] = Fault(file.key, problem)
        self.shared.forget(file)
        return False

    def _written(self, source: Source) -> StoredFile | Fault:
        coder = self._coder(source.name)
        key = self.shared.free_key(source.sha256, coder)
        target = self._target()
        try:
            os.close(os.open(source.path, os.O_RDONLY | os.O_NONBLOCK))
            file = self._stored(source.path, target, source.name, key, coder)
        except IntegrityError as error:
            return Fault(source.name, str(error))
        except OSError as error:
            return Fault(source.name, f"{source.path}: {error.strerror or error}")
        except StoreError:
            fault = _unreadable(source)
            if fault is None:
                raise  # the place refused, not the original
            return fault
        self.put(file, target)
        self.shared.add(file)
        return file

    def _stored(self, source: Path, target: Path, name: str, key: str, coder: Coder) -> StoredFile:
        return write_stored(
            source, target, name=name, key=key, set_id=self.set_id, coder=coder, told=self.told
        )

    def _coder(self, name: str) -> Coder:
        is_packed = Path(name).suffix in PACKED_ALREADY
        return replace(self.coder, compress=False) if is_packed else self.coder

    def _target(self) -> Path:
        return self.scratch / uuid.uuid4().hex

    def problems(self, meter: Meter) -> list[Fault]:
        """Read everything back that was written; what is wrong with it."""
        unread = [file for file in self.written if file.key not in self.seen]
        meter.expect(sum(file.stored_bytes for file in unread))
        lying = [at_staged(file, self.name, self.staged) for file in unread]
        return faults_of(self.store, lying, meter.more)

    def undo(self) -> None:
        """Take back what was written: nobody refers to it."""
        lying = [at_staged(file, self.name, self.staged).key for file in self.written]
        self.store.remove(lying)


def _nobody(_: int) -> None:
    """These bytes are told when the file is done."""


def _unreadable(source: Source) -> Fault | None:
    try:
        sha256_of(str(source.path))
    except OSError as error:
        return Fault(source.name, f"{source.path}: {error.strerror or error}")
    return None
