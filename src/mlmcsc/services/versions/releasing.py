"""Which images and files only one version has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.errors import IntegrityError

Ids = NDArray[np.int64]


def own_layers(record: DataVersionRecord, others: Sequence[DataVersionRecord]) -> tuple[Layer, ...]:
    """The files that no other version has; none where that cannot be told."""
    try:
        shared = {x.sha256 for each in others if each.frozen for x in read_layers(each.layers)}
        return tuple(x for x in _layers(record) if x.sha256 not in shared)
    except IntegrityError:  # a file too many harms nobody
        return ()


def released(
    folder: VersionFolder,
    record: DataVersionRecord,
    others: Sequence[DataVersionRecord],
    frozen: Ids,
) -> tuple[Ids, str | None]:
    """Images that no other version has, and what is wrong with the version's own files.

    Where its files are lost, these are the frozen images that no other version has. Where another
    version's are, nobody can tell which images it keeps, so none is released.

    Args:
        folder: Where the files are.
        record: The version that goes.
        others: The other versions.
        frozen: Images in any version, ascending.
    """
    damage = None
    try:
        left = images_of(folder, record)
    except IntegrityError as error:
        left, damage = frozen, str(error)
    try:
        # Neighbours first, for they share most.
        for other in sorted(others, key=lambda each: abs(each.id - record.id)):
            if not len(left):
                break
            left = np.setdiff1d(left, images_of(folder, other), assume_unique=True)
    except IntegrityError:
        left = left[:0]
    return left, damage


def images_of(folder: VersionFolder, record: DataVersionRecord) -> Ids:
    """A version's images, ascending.

    Raises:
        IntegrityError: Its files are lost or damaged.
    """
    if not record.frozen:
        return np.empty(0, dtype=np.int64)
    batches = folder.rows(_layers(record), ["image_id"])
    parts = [batch.column("image_id").to_numpy() for batch in batches]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _layers(record: DataVersionRecord) -> tuple[Layer, ...]:
    return read_layers(record.layers) if record.frozen else ()
