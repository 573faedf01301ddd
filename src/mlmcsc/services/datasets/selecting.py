"""Which rows of an opened version are samples, kept as files beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenTable, Selection, write_selection
from mlmcsc.domain.splits import Split
from mlmcsc.errors import ValidationError

ALL = "all"


def without_people(table: FrozenTable, people: NDArray[np.int64]) -> Selection:
    """All rows but those to which these technicians contributed."""
    aside = table.rows_of_people(people)
    every = Selection(ALL, table.n_rows)
    if not len(aside):
        return every
    named = _fingerprint(ALL, "without", aside)
    rows = (piece[~np.isin(piece, aside)] for piece in every.pieces())
    return write_selection(table.folder, named, rows)


def of_split(table: FrozenTable, selection: Selection, name: str) -> Selection:
    """Those of a selection that are in the split of that name.

    Raises:
        ValidationError: There is no such split.
    """
    known = {split.name.lower(): split for split in Split}
    if name not in known:
        raise ValidationError(f"split={name!r}: must be one of {', '.join(known)}.")
    named = _fingerprint(selection.fingerprint, "split", name)
    return write_selection(table.folder, named, _in_split(table, selection, known[name]))


def _in_split(table: FrozenTable, selection: Selection, split: Split) -> Iterator[NDArray[Any]]:
    for rows in selection.pieces():
        yield rows[table.splits[rows] == split]


def of_images(
    table: FrozenTable, selection: Selection, image_ids: Sequence[int] | NDArray[np.int64]
) -> Selection:
    """Those of a selection that are these images.

    Raises:
        ValidationError: `image_ids` are no ids.
    """
    ids = np.asarray(image_ids)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValidationError(
            f"image_ids: got shape {ids.shape} of {ids.dtype}; give a list of image ids."
        )
    ids = np.unique(ids.astype(np.int64))
    named = _fingerprint(selection.fingerprint, "images", ids)
    return write_selection(table.folder, named, _among(table, selection, ids))


def _among(
    table: FrozenTable, selection: Selection, ids: NDArray[np.int64]
) -> Iterable[NDArray[Any]]:
    for rows in selection.pieces():
        yield rows[np.isin(table.image_ids[rows], ids)]


def _fingerprint(base: str, verb: str, what: str | NDArray[np.int64]) -> str:
    told = what.encode() if isinstance(what, str) else what.astype("<i8").tobytes()
    return hashlib.sha256(f"{base}\0{verb}\0".encode() + told).hexdigest()[:32]
