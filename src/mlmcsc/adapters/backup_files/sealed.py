"""The encrypted form: a header with the file's own key, wrapped; then its chunks, sealed.

Header: `MLMCSCBK1`, one byte for the coding, one for the length of the master key's id, the id
(ASCII), and 60 bytes: the random data key of this file, sealed under the master key (nonce,
ciphertext, tag). Then for each chunk four bytes of length, big-endian, and the sealed chunk:
AES-256-GCM under the data key, nonce = number of the chunk, tag at the end (NIST SP 800-38D).
Both are bound to what the file belongs to; chunks also to their number and to whether they are
the last, so that nothing can be cut off, put elsewhere, or come from another file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from mlmcsc.domain.backups.stored import Coding, StoredFile
from mlmcsc.domain.sealing import KEY_BYTES, ChunkCipher, Cryptography, MasterKey
from mlmcsc.errors import IntegrityError

MAGIC: Final = b"MLMCSCBK1"
FORMAT: Final = "mlmcsc-backup-1"
LENGTH: Final = 4
"""Bytes before each sealed chunk."""
TAG: Final = 16
_WRAPPED: Final = 12 + KEY_BYTES + TAG
_CODINGS: Final[tuple[Coding, ...]] = ("plain", "zstd", "aes-256-gcm", "zstd+aes-256-gcm")

Belonging = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the chunks of one file."""

    cipher: ChunkCipher
    belonging: Belonging

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        """Length and sealed bytes."""
        sealed = self.cipher.seal(number, chunk, self._associated(number, last=last))
        return len(sealed).to_bytes(LENGTH, "big") + sealed

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        """The chunk.

        Raises:
            IntegrityError: It is not this file's, not at its place, or was changed.
        """
        return self.cipher.open(number, sealed, self._associated(number, last=last))

    def _associated(self, number: int, *, last: bool) -> bytes:
        return orjson.dumps([FORMAT, *self.belonging, number, last])


def new_header(
    crypto: Cryptography, master: MasterKey, coding: Coding, belonging: Belonging
) -> tuple[bytes, Sealer]:
    """A header with a fresh random key, and what seals with that key."""
    key = secrets.token_bytes(KEY_BYTES)
    wrapped = crypto.encrypt(master.key, key, _of_key(coding, belonging))
    sealer = Sealer(crypto.chunks(key), belonging)
    return _start(coding, master.key_id) + wrapped, sealer


def read_header(
    take: Callable[[int], bytes],
    file: StoredFile,
    belonging: Belonging,
    open_key: Callable[[str], MasterKey],
    crypto: Cryptography,
) -> Sealer:
    """What opens a file's chunks.

    Args:
        take: Gives so many of its next bytes.
        file: What the set says of it.
        belonging: What it is bound to.
        open_key: Gives a master key by its id.
        crypto: For decryption.

    Raises:
        IntegrityError: The header is not what the set says, or another file's.
        MissingKeyError: The master key is not here.
    """
    if file.key_id is None:
        raise IntegrityError("it is listed as encrypted, and under no key")
    start = _start(file.coding, file.key_id)
    if take(len(start)) != start:
        raise IntegrityError("its header is not that of the listed coding and key")
    wrapped = take(_WRAPPED)
    key = crypto.decrypt(open_key(file.key_id).key, wrapped, _of_key(file.coding, belonging))
    return Sealer(crypto.chunks(key), belonging)


def _start(coding: Coding, key_id: str) -> bytes:
    name = key_id.encode("ascii")
    return MAGIC + bytes([_CODINGS.index(coding), len(name)]) + name


def _of_key(coding: Coding, belonging: Belonging) -> bytes:
    return orjson.dumps(["backup-key", coding, *belonging])
