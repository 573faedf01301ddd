"""Reading two versions so far as they can differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.diff import Changes, Rows, compare, joined, overlaid
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.errors import IntegrityError

COMPARED = ("label", "split")


def changes_between(folder: VersionFolder, old: Sequence[Layer], new: Sequence[Layer]) -> Changes:
    """The images that differ; layers that both have are read once, in as far as it matters.

    Raises:
        IntegrityError: A file is missing or damaged.
    """
    shared = [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))]
    if not shared:
        return compare(*(_rows(folder.rows(layers, COMPARED)) for layers in (old, new)))
    above = [[_rows(folder.layer(each)) for each in side[len(shared) :]] for side in (old, new)]
    named = [layer.ids for side in above for layer in side]
    touched = np.unique(np.concatenate(named)) if named else np.empty(0, np.int64)
    below = _rows(folder.rows(shared, COMPARED) if len(touched) else (), touched)
    return compare(*(overlaid([below, *side]) for side in above))


def _rows(batches: Iterable[Any], images: np.ndarray[Any, Any] | None = None) -> Rows:
    """What is compared of the rows of some images, or of all."""
    parts = [_EMPTY]
    for batch in batches:
        rows = _arrays(batch)
        parts.append(rows if images is None else rows.of(images))
    found = joined(parts)
    if (found.ids[1:] <= found.ids[:-1]).any() or not np.isin(found.splits, _SPLITS).all():
        raise IntegrityError(
            "The rows of a version are out of order, or in a split that there is not: its file was "
            "changed past mlmcsc. Run `version verify`."
        )
    return found


_SPLITS = np.array(list(Split), dtype=np.int8)
_EMPTY = Rows(
    np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.float64), np.empty(0, np.int8)
)


def _arrays(batch: Any) -> Rows:
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    return Rows(
        batch.column("image_id").to_numpy(),
        batch.column("state").to_numpy(),
        pc.fill_null(batch.column("label"), np.nan).to_numpy(),
        pc.fill_null(batch.column("split"), 0).to_numpy(),  # of images that are gone
    )
