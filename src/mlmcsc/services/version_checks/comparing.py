"""Reading two versions so far as they can differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder, row_schema
from mlmcsc.adapters.versions.comparing import CONTENT, LISTS, equal_lists
from mlmcsc.adapters.versions.waiting import END, Waiting
from mlmcsc.domain.versions.diff import Change, Changes, Rows, compare, joined, overlaid
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.errors import IntegrityError

COMPARED: Final = ("label", "split", "salt", "leaf")
DETAILS: Final = tuple(name for name in CONTENT if name not in COMPARED)
MARK_BYTES: Final = 8


def changes_between(folder: VersionFolder, old: Sequence[Layer], new: Sequence[Layer]) -> Changes:
    """The images that differ; layers that both have are read once, in as far as it matters.

    Raises:
        IntegrityError: A file is missing or damaged.
    """
    shared = [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))]
    if shared:
        above = [
            [_rows(folder.layer(each, COMPARED)) for each in side[len(shared) :]]
            for side in (old, new)
        ]
        named = [layer.ids for side in above for layer in side]
        touched = np.unique(np.concatenate(named)) if named else np.empty(0, np.int64)
        below = _rows(folder.rows(shared, COMPARED) if len(touched) else (), touched)
        found = compare(*(overlaid([below, *side]) for side in above))
    else:
        found = compare(*(_rows(folder.rows(layers, COMPARED)) for layers in (old, new)))
    return found.without_details(_alike(folder, old, new, found))


def _alike(
    folder: VersionFolder, old: Sequence[Layer], new: Sequence[Layer], found: Changes
) -> NDArray[np.int64]:
    """Images whose rows were written anew, with the same details all the same."""
    doubtful = found.only(Change.DETAILS)
    if not len(doubtful.ids):
        return doubtful.ids
    relabelled = doubtful.only(Change.RELABELLED).ids
    schema = row_schema()
    names = [name for name in schema.names if name in ("image_id", "state", *DETAILS, *LISTS)]
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    schema = pa.schema([schema.field(name) for name in names])
    left, right = (
        Waiting(_of(folder.rows(layers, (*DETAILS, *LISTS)), doubtful.ids), schema)
        for layers in (old, new)
    )
    alike = [np.empty(0, np.int64)]
    while (until := min(left.last(), right.last())) < END:
        a, b = left.take(until), right.take(until)
        ids = a.column("image_id").to_numpy()
        alike.append(ids[_equal(a, b, np.isin(ids, relabelled))])
    return np.concatenate(alike)


def _of(batches: Iterable[Any], images: NDArray[np.int64]) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    for batch in batches:
        wanted = np.isin(batch.column("image_id").to_numpy(), images)
        yield batch if wanted.all() else batch.filter(pa.array(wanted))


def _equal(old: Any, new: Any, relabelled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Row by row, whether two batches of the same images say the same beside label and split."""
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    same = np.ones(old.num_rows, dtype=bool)
    for name in DETAILS:
        left, right = old.column(name), new.column(name)
        equal = pc.fill_null(pc.equal(left, right), False)  # noqa: FBT003  # what a null counts as
        neither = pc.and_(pc.is_null(left), pc.is_null(right))
        same &= pc.or_(equal, neither).to_numpy(zero_copy_only=False)
    for name in LISTS:  # another label is decided by others anyway
        same &= equal_lists(old.column(name), new.column(name)) | relabelled
    return same


def _rows(batches: Iterable[Any], images: NDArray[np.int64] | None = None) -> Rows:
    """What is compared of the rows of some images, or of all."""
    parts = [_EMPTY]
    for batch in batches:
        rows = _arrays(batch)
        parts.append(rows if images is None else rows.of(images))
    found = joined(parts)
    if (found.ids[1:] <= found.ids[:-1]).any():
        raise IntegrityError(
            "The rows of a version are out of order: its file was changed past mlmcsc. Run "
            "`version verify`."
        )
    return found


_EMPTY = Rows(
    np.empty(0, np.int64),
    np.empty(0, np.int8),
    np.empty(0, np.float64),
    np.empty(0, np.int8),
    np.empty(0, np.int64),
)


def _arrays(batch: Any) -> Rows:
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    return Rows(
        batch.column("image_id").to_numpy(),
        batch.column("state").to_numpy(),
        pc.fill_null(batch.column("label"), np.nan).to_numpy(),
        pc.fill_null(batch.column("split"), 0).to_numpy(),  # of images that are gone
        _marks(batch),
    )


def _marks(batch: Any) -> NDArray[np.int64]:
    """The first bytes of each row's salt, or of its leaf where it has no salt; 0 without both."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    told = pc.coalesce(batch.column("salt"), batch.column("leaf"), pa.scalar(bytes(MARK_BYTES)))
    marks = pc.binary_slice(told, 0, MARK_BYTES)
    lengths = pc.binary_length(marks).to_numpy()
    if (lengths != MARK_BYTES).any():
        raise IntegrityError(
            "A row of a version has no whole salt: its file was changed past mlmcsc. Run "
            "`version verify`."
        )
    data = marks.cast(pa.binary(MARK_BYTES)).buffers()[1]
    return np.frombuffer(data, "<i8", len(marks)) if len(marks) else np.empty(0, np.int64)
