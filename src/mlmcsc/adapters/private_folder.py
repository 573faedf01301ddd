"""A folder for a copy in clear: private, and gone afterwards, even after a killed run."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = "lock"
JUST_MADE: Final = 60.0
"""Seconds within which whoever made a folder will have locked it."""


@contextmanager
def private_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """An empty folder that only this user can read, for the block.

    It holds a lock for as long as its process lives; what killed runs left is removed first.

    Args:
        parent: Where it is made.
        prefix: Of its name; nobody else's folders begin so.

    Raises:
        OSError: It cannot be made, or not be removed.
    """
    from filelock import FileLock  # noqa: PLC0415  35 ms, only where one is made

    _tidy(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with FileLock(folder / LOCK):
            inner = folder / "inside"
            inner.mkdir(mode=0o700)
            yield inner
    finally:
        shutil.rmtree(folder)


def _tidy(parent: Path, prefix: str) -> None:
    for left in sorted(parent.iterdir()):
        if not left.name.startswith(prefix) or left.is_symlink() or not left.is_dir():
            continue
        with contextlib.suppress(FileNotFoundError):  # another one tidies the same
            if not _is_at_work(left):
                shutil.rmtree(left)


def _is_at_work(folder: Path) -> bool:
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only where one is made

    if not (folder / LOCK).exists() and time.time() - folder.stat().st_mtime < JUST_MADE:
        return True  # it is about to be locked
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
