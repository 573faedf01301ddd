"""The folder in which a drill works: its own, private, and gone afterwards, whatever happens."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mlmcsc.adapters.system import disk_free
from mlmcsc.errors import StoreError

LOCK: Final = "lock"
ROOM: Final = 2.2
"""Times the originals' size: themselves, and what upgrading and replaying write meanwhile."""
RESERVE: Final = 64 << 20
"""Bytes beyond that, for the log and the folders."""
JUST_MADE: Final = 60.0
"""Seconds within which whoever made a folder will have locked it."""


@contextmanager
def scratch_folder(parent: Path, prefix: str, n_bytes: int) -> Iterator[Path]:
    """An empty folder that only this user can read, with room for `n_bytes` of originals.

    What killed drills left is removed first: each holds a lock for as long as it lives.

    Args:
        parent: On the disk where a restored database would lie.
        prefix: Of the folder's name, this database's own.
        n_bytes: Bytes that will be restored.

    Raises:
        StoreError: There is no room, or the folder cannot be made; nothing was tried.
    """
    from filelock import FileLock  # noqa: PLC0415  35 ms, only to drill

    _tidy(parent, prefix)
    free, _ = disk_free(parent)
    wanted = int(n_bytes * ROOM) + RESERVE
    if free < wanted:
        raise StoreError(
            f"{parent} has {free / 1e6:,.0f} MB free, and this drill needs {wanted / 1e6:,.0f} MB "
            "for a while. Free some space and drill again; the backup itself was not judged."
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise StoreError(
            f"{parent}: no folder can be made for the drill: {error.strerror or error}. Check its "
            "permissions; the backup itself was not judged."
        ) from error
    try:
        with FileLock(folder / LOCK):
            inner = folder / "restored"
            inner.mkdir(mode=0o700)
            yield inner
    finally:
        shutil.rmtree(folder)


def _tidy(parent: Path, prefix: str) -> None:
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to drill

    for left in sorted(parent.iterdir()):
        if not left.name.startswith(prefix) or left.is_symlink() or not left.is_dir():
            continue
        if not (left / LOCK).exists() and time.time() - left.stat().st_mtime < JUST_MADE:
            continue  # it is about to be locked
        try:
            with FileLock(left / LOCK, timeout=0):
                pass
        except Timeout:
            continue  # it is at work
        shutil.rmtree(left)
