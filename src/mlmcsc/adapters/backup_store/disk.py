"""What the disk answers, told with the repair."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mlmcsc.errors import MlmcscError, StoreError

REPAIRS: Final = {
    errno.ENOSPC: "Make room there (`mlmcsc backup prune` removes old backups), or use another "
    "disk with --to.",
    errno.EDQUOT: "The quota is used up: make room there, or use another disk with --to.",
    errno.EIO: "The disk failed: check it (`dmesg`, SMART), and use another one with --to.",
    errno.EROFS: "The disk is mounted read-only, often after a failure: check it, or use another "
    "one with --to.",
    errno.EACCES: "Check who owns the folder and its permissions.",
    errno.EPERM: "Check who owns the folder and its permissions.",
    errno.ELOOP: "A link stands where a file of a backup belongs: remove it, and find out who put "
    "it there.",
}


@contextmanager
def disk_errors(place: str | os.PathLike[str], doing: str) -> Iterator[None]:
    """Turn the disk's errors into `StoreError` with place, reason and repair.

    Raises:
        StoreError: The disk refused.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        number = error.errno or 0
        repair = REPAIRS.get(number, "Check the folder and the disk, or use another one with --to.")
        raise StoreError(
            f"{os.fspath(place)}: {doing} failed: {error.strerror or error}. Nothing that was "
            f"there was changed. {repair}"
        ) from error


def sync_path(path: Path) -> None:
    """Bring a closed file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
