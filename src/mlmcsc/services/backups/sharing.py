"""Which contents a place has already, by what earlier sets of this database tell."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from mlmcsc.adapters.backup_files import Coder, ending, object_key
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.errors import IntegrityError
from mlmcsc.services.backups.gathering import Source
from mlmcsc.services.backups.sets import OBJECTS, FoundSet, files_of


@dataclass(slots=True)
class Shared:
    """Contents that sets share, by the SHA-256 of the original.

    A file that an earlier set refers to is never written over: an encrypted one would not have the
    bytes again that that set has signed.

    Attributes:
        store: The place.
        set_id: The set in the making.
        key_id: Master key under which it is encrypted; None where it is not.
        full: Whether everything is written anew, under keys of this set alone.
        crypto: To read lists of files.
    """

    store: BackupStore
    set_id: str
    key_id: str | None
    full: bool
    crypto: Cryptography
    _files: dict[str, StoredFile] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _there: set[str] = field(default_factory=set)
    _older: list[FoundSet] = field(default_factory=list)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, sets: list[FoundSet]) -> None:
        """Read what is there, and what the newest sets, with and without images, say of it."""
        self._sizes = {each.key: each.n_bytes for each in self.store.entries(OBJECTS)}
        self._there = {key.rpartition("/")[2].partition(".")[0] for key in self._sizes}
        if self.full or not self._sizes:
            return
        newest_first = [s for s in reversed(sets) if s.state == "ok"]
        with_images = next((s for s in newest_first if s.manifest and s.manifest.with_images), None)
        for each in {id(s): s for s in (*newest_first[:1], with_images) if s}.values():
            self._take(each)
            newest_first.remove(each)
        self._older = newest_first

    def known(self, sha256: str, name: str) -> StoredFile | None:
        """The file that holds this content, as it is to be listed; None where none serves."""
        found = self._files.get(sha256)
        if found is None and sha256 in self._there:
            self._look_further(sha256)
            found = self._files.get(sha256)
        return None if found is None else replace(found, name=name)

    def missing_bytes(self, sources: Iterable[Source]) -> int:
        """Bytes of what the place does not have, as far as anybody knows; to plan with."""
        absent = [s for s in sources if s.sha256 not in self._files]
        return sum(each.n_bytes or 0 for each in absent)

    def forget(self, file: StoredFile) -> None:
        """What lies there is not what was written: it is not built upon, nor written over."""
        with self._lock:
            self._files.pop(file.sha256, None)

    def add(self, file: StoredFile) -> None:
        """A content was written."""
        self._sizes[file.key] = file.stored_bytes
        self._files[file.sha256] = file

    def free_key(self, sha256: str, coder: Coder) -> str:
        """Where the content may be written."""
        key = object_key(sha256, coder.coding, coder.key_id)
        if self.full or key in self._sizes:
            last = ending(coder.coding)
            return f"{key.removesuffix(last)}.{self.set_id}{last}"
        return key

    @contextmanager
    def writing(self, sha256: str) -> Iterator[None]:
        """Two images may have the same content: the second waits, and finds it."""
        with self._lock:
            mine = self._locks.setdefault(sha256, threading.Lock())
        with mine:
            yield

    def _look_further(self, sha256: str) -> None:
        """Older sets may know a content that the newest does not: an image that came back."""
        with self._lock:
            while self._older and sha256 not in self._files:
                self._take(self._older.pop(0))

    def _take(self, found: FoundSet) -> None:
        try:
            listed = files_of(self.store, found, self.crypto)
        except IntegrityError:
            return  # `scrub` and `verify` tell of it; its files are not built upon
        for file in listed:
            is_there = self._sizes.get(file.key) == file.stored_bytes
            if is_there and file.key_id == self.key_id:
                self._files.setdefault(file.sha256, file)
