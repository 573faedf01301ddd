"""Bytes from file to file, without holding one whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_store.store import Told
from mlmcsc.errors import StoreError

PIECE: Final = 1 << 20
"""Bytes read at a time."""
_CANNOT_LINK: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def opened(path: Path) -> int:
    """A regular file's descriptor; a link is not followed, a pipe not waited for.

    Raises:
        OSError: It is not there, a link, no regular file, or cannot be opened.
    """
    no_follow = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | no_follow)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, "is no regular file", str(path))
    return descriptor


def pieces(descriptor: int) -> Iterator[bytes]:
    """What is left in a file."""
    while piece := os.read(descriptor, PIECE):
        yield piece


def copy(source: Path, target: Path, told: Told) -> None:
    """Copy a file to a new private one, durably.

    Raises:
        OSError: It cannot be read or written.
        StoreError: It changed its size meanwhile.
    """
    read = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        written = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            expected, n = os.fstat(read).st_size, 0
            for piece in pieces(read):
                write_all(written, piece)
                n += len(piece)
                told(len(piece))
            if n != expected:
                raise StoreError(
                    f"{source} had {expected} bytes and then {n}: it changed while it was copied. "
                    "Nothing was kept of it. Find out who writes there, and try again."
                )
            os.fsync(written)
        finally:
            os.close(written)
    finally:
        os.close(read)


def write(target: Path, content: bytes) -> None:
    """Write a new private file, durably."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write every byte: one call may take only some."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def link_new(draft: Path, target: Path) -> bool:
    """Give a draft its name unless there is such a file; whether it got it."""
    try:
        os.link(draft, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        if os.path.lexists(target):  # no links here: the lease keeps others from racing
            return False
        draft.replace(target)
    return True
