"""Files beside the database: made durable, given to its owner, hashed, removed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

SIDE_FILES: Final = ("-wal", "-shm", "-journal")


def create_like(path: Path, owner: os.stat_result) -> None:
    """Make an empty file with the permissions of the original, before anything is in it.

    Raises:
        FileExistsError: There is one already.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, owner.st_mode & 0o777 | 0o600)
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # only the superuser may give files away
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def sha256(descriptor: int) -> str:
    """SHA-256 (hex) of an open file, read whole.

    Takes a descriptor because closing any other one of a database drops SQLite's locks on it.
    """
    found = hashlib.sha256()
    at = 0
    while chunk := os.pread(descriptor, 1 << 20, at):
        found.update(chunk)
        at += len(chunk)
    return found.hexdigest()


def flush(path: Path) -> None:
    """Make a file, or a folder's names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for ending in ("", *SIDE_FILES):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def leftovers(path: Path) -> list[str]:
    """Names of side files that hold something: they would change what the database says."""
    beside = [Path(f"{path}{ending}") for ending in SIDE_FILES]
    return [file.name for file in beside if file.exists() and file.stat().st_size]
