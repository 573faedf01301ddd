"""The folder in which a drill works: its own, private, and gone afterwards, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mlmcsc.adapters.private_folder import private_folder
from mlmcsc.adapters.system import disk_free
from mlmcsc.errors import StoreError

ROOM: Final = 2.2
"""Times the originals' size: themselves, and what upgrading and replaying write meanwhile."""
RESERVE: Final = 64 << 20
"""Bytes beyond that, for the log and the folders."""


@contextmanager
def scratch_folder(parent: Path, prefix: str, n_bytes: int) -> Iterator[Path]:
    """An empty folder that only this user can read, with room for `n_bytes` of originals.

    Args:
        parent: On the disk where a restored database would lie.
        prefix: Of the folder's name, this database's own.
        n_bytes: Bytes that will be restored.

    Raises:
        StoreError: There is no room; nothing was tried.
        OSError: The folder cannot be made, or not be removed.
    """
    free, _ = disk_free(parent)
    wanted = int(n_bytes * ROOM) + RESERVE
    if free < wanted:
        raise StoreError(
            f"{parent} has {free / 1e6:,.0f} MB free, and this drill needs {wanted / 1e6:,.0f} MB "
            "for a while. Free some space and drill again."
        )
    with private_folder(parent, prefix) as folder:
        yield folder
