"""What is new, changed or gone between the rows of a version and those of its successor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions.building import gone, salted
from mlmcsc.adapters.versions.leaves import Proof
from mlmcsc.adapters.versions.schema import ROWS, row_schema
from mlmcsc.adapters.versions.waiting import END, Waiting
from mlmcsc.domain.versions.rows import State

CONTENT: Final = (
    "content_hash",
    "path",
    "specimen_id",
    "width",
    "height",
    "label",
    "split",
    "annotation",
    "detection",
)
LISTS: Final = ("label_ids", "technician_ids")


@dataclass(slots=True)
class Tally:
    """How many rows are of which kind, counted as they pass.

    Attributes:
        proof: Takes in all new rows, if anybody wants them.
    """

    proof: Proof | None = None
    new: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0


def changes(new: Iterable[Any], old: Iterable[Any], tally: Tally) -> Iterator[Any]:
    """The rows of a layer that makes the new rows of the old ones.

    Args:
        new: Batches as `batch_of` makes them, ascending by image id.
        old: Batches of all columns, ascending by image id.
        tally: Counts what passes. Its proof knows a row that stays by its old salt.

    Yields:
        Batches of at most `ROWS` rows, ascending: new and changed rows with fresh salts, and marks
        of those that are gone. Rows that stay as they are are left out.
    """
    fresh, before = Waiting(new, row_schema()), Waiting(old, row_schema())
    while (until := min(fresh.last(), before.last())) < END:
        patch = _compared(fresh.take(until), before.take(until), tally)
        for start in range(0, patch.num_rows, ROWS):
            yield patch.slice(start, ROWS)


def _compared(new: Any, old: Any, tally: Tally) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    ids, before = new.column("image_id").to_numpy(), old.column("image_id").to_numpy()
    at, known = _found(ids, before)
    same = known.copy()
    if len(ids) == len(before) and known.all():  # so both are in step: nothing need be moved
        same = _equal(new, old)
    else:
        both = pa.array(known)
        same[known] = _equal(new.filter(both), old.take(pa.array(at[known])))
    left = before[~_found(before, ids)[1]]
    tally.new += int((~known).sum())
    tally.changed += int((known & ~same).sum())
    tally.same += int(same.sum())
    tally.gone += len(left)
    other = pa.array(~same)
    if tally.proof is None:
        fresh = salted(new.filter(other))
    else:
        kept = old.column("salt").take(pa.array(at, mask=~same))
        fresh = salted(new, tally.proof, kept).filter(other)
    if not len(left):
        return fresh
    patch = pa.Table.from_batches([fresh, gone(left)], row_schema()).combine_chunks()
    order = np.argsort(patch.column("image_id").to_numpy())
    return pa.concat_batches(patch.take(pa.array(order)).to_batches())


def _found(
    ids: NDArray[np.int64], among: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each of `ids` is in `among`, and whether it is; both ascending."""
    at = np.searchsorted(among, ids)
    there = at < len(among)
    there[there] = among[at[there]] == ids[there]
    return at, there


def _equal(new: Any, old: Any) -> np.ndarray[Any, Any]:
    """Row by row, whether they say the same; a redacted row says nothing."""
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    same: np.ndarray[Any, Any] = old.column("state").to_numpy() == State.PRESENT
    for name in CONTENT:
        left, right = new.column(name), old.column(name)
        equal = pc.fill_null(pc.equal(left, right), False)  # noqa: FBT003  # what a null counts as
        neither = pc.and_(pc.is_null(left), pc.is_null(right))
        same &= pc.or_(equal, neither).to_numpy(zero_copy_only=False)
    for name in LISTS:
        same &= equal_lists(new.column(name), old.column(name))
    return same


def equal_lists(left: Any, right: Any) -> np.ndarray[Any, Any]:
    """Row by row, whether two columns of lists say the same."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    sizes, others = (
        pc.fill_null(pc.list_value_length(each), -1).to_numpy() for each in (left, right)
    )
    same: np.ndarray[Any, Any] = sizes == others
    comparable = same & (sizes > 0)
    values, other = (
        pc.list_flatten(each.filter(pa.array(comparable))).to_numpy() for each in (left, right)
    )
    owners = np.repeat(np.flatnonzero(comparable), sizes[comparable])
    same[owners[values != other]] = False
    return same
