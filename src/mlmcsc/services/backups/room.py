"""Whether a backup will fit."""

from __future__ import annotations

import shutil
from typing import Final

from mlmcsc.errors import StoreError
from mlmcsc.services.backups.gathering import Roots, gather
from mlmcsc.services.backups.writing import SetWriter
from mlmcsc.store.queries.backups import image_bytes
from mlmcsc.store.uow import Store

SPARE: Final = 1.05
"""Free space asked for, as a multiple of what is estimated."""


def refuse_without_room(
    db: Store, roots: Roots, writer: SetWriter, n_bytes: int, *, with_images: bool
) -> None:
    """Refuse to begin what will not fit.

    Args:
        db: The database.
        roots: Folders of versions and archives.
        writer: Knows what the place has.
        n_bytes: Bytes of the database as it is copied and stored.
        with_images: Whether image files go in.

    Raises:
        StoreError: It will not fit; nothing was written.
    """
    others = _missing(db, roots, writer, with_images=False)
    with db.read() as view:
        images = image_bytes(view) if with_images else 0
    if images and _too_small(writer, n_bytes + others + images):
        # The place may have most of them: only now it is worth looking.
        others = _missing(db, roots, writer, with_images=True)
    n_bytes += others
    place = _too_small(writer, n_bytes)
    if place is not None:
        name, left = place
        raise StoreError(
            f"{name} has {left / 1e6:,.0f} MB left, and the backup needs "
            f"{n_bytes * SPARE / 1e6:,.0f} MB. Nothing was written. Make room (`mlmcsc backup "
            "prune`), or use another disk with --to or the setting backup.directory."
        )


def _missing(db: Store, roots: Roots, writer: SetWriter, *, with_images: bool) -> int:
    """Bytes of files that the place does not have, as far as anybody knows."""
    return writer.shared.missing_bytes(gather(db, roots, with_images=with_images).sources.values())


def _too_small(writer: SetWriter, n_bytes: int) -> tuple[str, int] | None:
    """Where it will not fit, and how many bytes are left there."""
    free = {writer.store.place: writer.store.free_bytes()}
    if "://" in writer.store.place:
        free[str(writer.scratch)] = shutil.disk_usage(writer.scratch).free
    for place, left in free.items():
        if left is not None and left < n_bytes * SPARE:
            return place, left
    return None
