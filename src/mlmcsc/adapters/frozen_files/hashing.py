"""The hash of a file, as fast as the disk gives it; threads may hash at the same time."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PIECE: Final = 1 << 20
"""Bytes read at a time; hashing that many leaves the interpreter to other threads."""

_local = threading.local()


def sha256_of(path: str) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a regular file.

    Raises:
        OSError: It is not there, is no regular file, or cannot be read.
    """
    with open_regular(path) as descriptor:
        return digest_of(descriptor)


def digest_of(descriptor: int, copy_to: int | None = None) -> tuple[str, int]:
    """SHA-256 (hex) and size of what is left in a file; `copy_to` is written what was hashed."""
    digest, buffer, size = hashlib.sha256(usedforsecurity=False), piece_buffer(), 0
    while count := os.readv(descriptor, [buffer]):
        piece = buffer[:count]
        digest.update(piece)
        size += count
        while copy_to is not None and piece:
            piece = piece[os.write(copy_to, piece) :]
    return digest.hexdigest(), size


@contextmanager
def open_regular(path: str) -> Iterator[int]:
    """A regular file's descriptor for reading; a pipe or a device is never waited for.

    Raises:
        OSError: It is not there, is no regular file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:  # a NUL character in a path that somebody wrote past mlmcsc
        raise OSError(errno.EINVAL, str(error), path) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", path)
        yield descriptor
    finally:
        os.close(descriptor)


def piece_buffer() -> memoryview:
    """This thread's own buffer: a new one for each file would cost more than small files do."""
    if not hasattr(_local, "buffer"):
        _local.buffer = memoryview(bytearray(PIECE))
    found: memoryview = _local.buffer
    return found
