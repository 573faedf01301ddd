"""Images out of tars, by their place: nothing in the tar decides where anything is written."""

from __future__ import annotations

import os
from pathlib import Path

from mlmcsc.domain.foreign_datasets import Packed
from mlmcsc.errors import StoreError

PIECE = 1 << 20


def unpack(packed: Packed, folder: Path, number: int) -> str:
    """Write a packed image to a file of its own, under its last name, and return the path.

    Args:
        packed: Its place in a tar.
        folder: A new folder of ours.
        number: A folder in it, so that equal names do not meet.

    Raises:
        StoreError: It cannot be written, or the tar was changed since it was read.
    """
    target = folder / f"{number:09d}" / packed.name
    left = packed.size
    try:
        target.parent.mkdir()
        with open(packed.shard, "rb") as shard, target.open("xb") as out:
            if os.fstat(shard.fileno()).st_mtime_ns != packed.changed_at:
                raise StoreError(f"{packed.shard} was changed while it was read. Import it again.")
            shard.seek(packed.offset)
            while left and (piece := shard.read(min(left, PIECE))):
                out.write(piece)
                left -= len(piece)
    except OSError as error:
        raise StoreError(f"Cannot unpack {packed.shard}: {error.strerror or error}.") from error
    if left:
        raise StoreError(f"{packed.shard} was cut off while it was read. Import it again.")
    return str(target)
