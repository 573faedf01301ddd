"""Writing files as they lie in a backup, durably, with both hashes."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from mlmcsc.adapters.backup_files.coding import Coder, belonging, content_of
from mlmcsc.adapters.backup_files.packing import CHUNK, mapped, pack
from mlmcsc.adapters.backup_files.sealed import Sealer, new_header
from mlmcsc.adapters.backup_store.copying import PIECE, write_all
from mlmcsc.adapters.backup_store.disk import disk_errors, sync_path
from mlmcsc.adapters.backup_store.store import Told
from mlmcsc.adapters.frozen_files.hashing import open_regular
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError

DRAFT: Final = ".draft-"


class _Chunk(NamedTuple):
    number: int
    plain: bytes
    last: bool


class _Counted:
    """SHA-256 and size of bytes as they pass."""

    def __init__(self, told: Told = lambda _: None) -> None:
        self._digest = hashlib.sha256(usedforsecurity=False)
        self._told = told
        self.size = 0

    def add(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)
        self._told(len(piece))

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def write_stored(
    source: Path,
    target: Path,
    *,
    name: str,
    key: str,
    set_id: str,
    coder: Coder,
    told: Told = lambda _: None,
) -> StoredFile:
    """Write a file as it is to lie in a backup: private, durable, whole or not at all.

    Args:
        source: The original.
        target: Where to write; what is there is replaced. Both may be one file if it is to lie
            there as it is.
        name: In the set.
        key: Where it will lie in the place: encrypted bytes are bound to it.
        set_id: Of the set; encrypted bytes of its own files are bound to it.
        coder: How.
        told: Told of the original's bytes as they are read.

    Returns:
        What the set says of it.

    Raises:
        IntegrityError: The key names a content, and the original has another: it was changed.
        StoreError: It cannot be read or written.
    """
    if coder.coding == "plain" and source.absolute() == target.absolute():
        return stored_in_place(target, name=name, key=key, told=told)
    plain, stored = _Counted(told), _Counted()
    with disk_errors(target, f"writing {name}"), open_regular(str(source)) as descriptor:
        draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
        try:
            _write(draft, _encoded(descriptor, plain, coder, belonging(name, key, set_id)), stored)
            _refuse_other(source, key, plain.sha256)
            draft.replace(target)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)
    return StoredFile(
        name, key, plain.size, plain.sha256, stored.size, stored.sha256, coder.coding, coder.key_id
    )


def stored_in_place(path: Path, *, name: str, key: str, told: Told = lambda _: None) -> StoredFile:
    """What a set says of a file that lies there as it is; makes it private and durable.

    Raises:
        IntegrityError: The key names a content, and the file has another.
        StoreError: It cannot be read, or not be brought to the disk.
    """
    seen = _Counted(told)
    with disk_errors(path, f"writing {name}"), open_regular(str(path)) as descriptor:
        path.chmod(0o600)
        with ThreadPoolExecutor(1, "mlmcsc-backup") as beside:  # the disk works meanwhile
            flushing = beside.submit(sync_path, path)
            while piece := os.read(descriptor, PIECE):
                seen.add(piece)
            flushing.result()
        sync_folder(path.parent)
    _refuse_other(path, key, seen.sha256)
    return StoredFile(name, key, seen.size, seen.sha256, seen.size, seen.sha256, "plain")


def _write(target: Path, pieces: Iterator[bytes], stored: _Counted) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def keep(piece: bytes) -> None:
        stored.add(piece)
        write_all(descriptor, piece)

    try:
        with closing(mapped(keep, pieces, threads=1)) as kept:  # while the next are made
            for _ in kept:
                pass
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encoded(
    descriptor: int, plain: _Counted, coder: Coder, bound: tuple[str, str]
) -> Iterator[bytes]:
    if coder.coding == "plain":
        while piece := os.read(descriptor, PIECE):
            plain.add(piece)
            yield piece
        return
    sealer = None
    if coder.master is not None:
        header, sealer = new_header(coder.crypto, coder.master, coder.coding, bound)
        yield header
    work = partial(_chunk_encoded, compress=coder.compress, sealer=sealer)
    yield from mapped(work, _chunks(partial(_read_chunk, descriptor), plain))


def _chunk_encoded(chunk: _Chunk, *, compress: bool, sealer: Sealer | None) -> bytes:
    content = pack(chunk.plain) if compress else chunk.plain
    return content if sealer is None else sealer.seal(chunk.number, content, last=chunk.last)


def _chunks(read: Callable[[], bytes], plain: _Counted) -> Iterator[_Chunk]:
    """Every chunk, the last one marked; an empty file has one, which is empty."""
    number, chunk = 0, read()
    while True:
        plain.add(chunk)
        following = read() if chunk else b""
        yield _Chunk(number, chunk, last=not following)
        if not following:
            return
        number, chunk = number + 1, following


def _read_chunk(descriptor: int) -> bytes:
    """Full chunks but the last: a call may give fewer bytes than asked for."""
    parts, left = [], CHUNK
    while left and (piece := os.read(descriptor, left)):
        parts.append(piece)
        left -= len(piece)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse_other(source: Path, key: str, sha256: str) -> None:
    wanted = content_of(key)
    if wanted not in {None, sha256}:
        raise IntegrityError(
            f"{source} has SHA-256 {sha256}, and should have {wanted}: it was changed or damaged. "
            "It was not put into the backup. Repair it from an older backup, and try again."
        )
