"""Reading files of a backup: nothing is whole before both hashes are right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mlmcsc.adapters.backup_files.coding import belonging, content_of
from mlmcsc.adapters.backup_files.packing import LARGEST, mapped, unpack, unpacked
from mlmcsc.adapters.backup_files.sealed import LENGTH, Sealer, read_header
from mlmcsc.adapters.backup_store.copying import PIECE
from mlmcsc.adapters.backup_store.store import Told
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.sealing import Cryptography, MasterKey
from mlmcsc.errors import IntegrityError, MissingKeyError

OpenKey = Callable[[str], MasterKey]
"""Gives a master key by its id; raises `MissingKeyError`."""


class _Sealed(NamedTuple):
    number: int
    content: bytes
    last: bool


def check_stored(pieces: Iterable[bytes], file: StoredFile, told: Told = lambda _: None) -> None:
    """Check what lies there, without any key.

    Args:
        pieces: Its bytes.
        file: What the set says of it.
        told: Told of its bytes as they are read.

    Raises:
        IntegrityError: Its size or its SHA-256 is another.
    """
    for piece in _Stored(pieces, file).passing():
        told(len(piece))


def read_stored(
    pieces: Iterable[bytes],
    file: StoredFile,
    set_id: str,
    open_key: OpenKey,
    crypto: Cryptography,
) -> Iterator[bytes]:
    """The original's bytes. The last of them come when sizes and both hashes were right.

    Args:
        pieces: What lies there.
        file: What the set says of it.
        set_id: Of the set.
        open_key: Gives a master key by its id.
        crypto: For decryption.

    Raises:
        IntegrityError: Anything was changed, cut off, added, or belongs elsewhere.
        MissingKeyError: The master key is not here.
    """
    if content_of(file.key) not in {None, file.sha256}:
        raise _damaged(file, "its key names another content than the list of files does")
    stored = _Stored(pieces, file)
    digest, size, held = hashlib.sha256(usedforsecurity=False), 0, b""
    try:
        for piece in _decoded(stored, file, set_id, open_key, crypto):
            size += len(piece)
            if size > file.n_bytes:
                raise _damaged(file, f"it has more than the {file.n_bytes} bytes that are listed")
            digest.update(piece)
            if held:
                yield held
            held = piece
        stored.finish()
    except MissingKeyError:
        raise
    except IntegrityError as error:
        raise error if file.name in str(error) else _damaged(file, str(error)) from None
    if size != file.n_bytes or digest.hexdigest() != file.sha256:
        raise _damaged(file, f"{size} bytes with SHA-256 {digest.hexdigest()} came out of it")
    if held:
        yield held


def _decoded(
    stored: _Stored, file: StoredFile, set_id: str, open_key: OpenKey, crypto: Cryptography
) -> Iterator[bytes]:
    if file.coding == "plain":
        yield from stored.passing()
    elif file.coding == "zstd":
        yield from unpacked(stored.read, PIECE)
    else:
        bound = belonging(file.name, file.key, set_id)
        sealer = read_header(stored.exactly, file, bound, open_key, crypto)
        is_packed = file.coding != "aes-256-gcm"
        yield from mapped(lambda each: _opened(each, sealer, is_packed), _sealed(stored, file))


def _opened(sealed: _Sealed, sealer: Sealer, is_packed: bool) -> bytes:
    chunk = sealer.open(sealed.number, sealed.content, last=sealed.last)
    return unpack(chunk) if is_packed else chunk


def _sealed(stored: _Stored, file: StoredFile) -> Iterator[_Sealed]:
    number, last = 0, False
    while not last:
        length = int.from_bytes(stored.exactly(LENGTH), "big")
        if length > LARGEST:
            raise IntegrityError(f"chunk {number} says it has {length} bytes, which none has")
        content = stored.exactly(length)
        last = stored.taken == file.stored_bytes
        yield _Sealed(number, content, last)
        number += 1


class _Stored:
    """What lies there, counted and hashed as it is taken."""

    def __init__(self, pieces: Iterable[bytes], file: StoredFile) -> None:
        self._pieces, self._file = iter(pieces), file
        self._digest = hashlib.sha256(usedforsecurity=False)
        self._came = 0
        self._rest = memoryview(b"")
        self.taken = 0

    def passing(self) -> Iterator[bytes]:
        """All of it, in the pieces in which it comes; checked before the end."""
        while piece := self._next():
            yield piece
        self._check()

    def read(self, most: int) -> bytes:
        """At most so many next bytes; none at the end."""
        if not self._rest:
            self._rest = memoryview(self._next())
        found, self._rest = bytes(self._rest[:most]), self._rest[most:]
        self.taken += len(found)
        return found

    def exactly(self, n: int) -> bytes:
        """So many next bytes.

        Raises:
            IntegrityError: There are not so many.
        """
        parts, left = [], n
        while left and (part := self.read(left)):
            parts.append(part)
            left -= len(part)
        if left:
            raise self._short()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def finish(self) -> None:
        """Make sure that nothing is left, and that all was right."""
        if self.read(1):
            raise _damaged(self._file, "there is something after its end")
        self._check()

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        self._came += len(piece)
        if self._came > self._file.stored_bytes:
            raise _damaged(
                self._file, f"it has more than the {self._file.stored_bytes} bytes that are listed"
            )
        self._digest.update(piece)
        return piece

    def _check(self) -> None:
        if self._came != self._file.stored_bytes:
            raise self._short()
        found = self._digest.hexdigest()
        if found != self._file.stored_sha256:
            raise _damaged(
                self._file, f"its SHA-256 is {found} and should be {self._file.stored_sha256}"
            )

    def _short(self) -> IntegrityError:
        return _damaged(
            self._file, f"it has {self._came} bytes, and {self._file.stored_bytes} are listed"
        )


def _damaged(file: StoredFile, what: str) -> IntegrityError:
    return IntegrityError(
        f"{file.name} in the backup ({file.key}) is damaged: {what}. Nothing was restored from it. "
        "Use another backup (`mlmcsc backup list`)."
    )
