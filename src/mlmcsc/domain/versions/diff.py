"""What differs between two frozen datasets, worked out on arrays.

Two versions of one database usually share their lowest layers. Only images that a layer above
those names can differ, so all else is left out before anything is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.records import Record
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import ValidationError

Ids = NDArray[np.int64]

MOST_BINS: Final = 20
STEPS: Final = (1.0, 2.0, 5.0)
"""Mantissas of the widths that a bin may have."""


class Change(StrEnum):
    """What may have become of an image from one version to the other."""

    ADDED = "added"
    REMOVED = "removed"
    RELABELLED = "relabelled"
    MOVED = "moved"
    """To another split."""
    DETAILS = "details"
    """Its content, path, specimen, size, annotation or boxes are others; or, with the same label,
    the labels that decided it."""
    REDACTED = "redacted"
    """It cannot be compared: what it said was erased from one version or from both."""


BITS: Final[dict[Change, int]] = {change: 1 << at for at, change in enumerate(Change)}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a version or of a layer, ascending by image; arrays of shape (N,).

    Attributes:
        ids: int64, image ids.
        states: int8, values of `State`.
        labels: float64, NaN where redacted or gone.
        splits: int8, values of `Split`.
        marks: int64, the beginning of the salt, or of the leaf where redacted: rows of two versions
            that have the same are the same row.
    """

    ids: Ids
    states: NDArray[np.int8]
    labels: NDArray[np.float64]
    splits: NDArray[np.int8]
    marks: NDArray[np.int64]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        """Some of the rows, by mask or by place."""
        return Rows(*(getattr(self, name)[which] for name in self.__slots__))

    def of(self, images: Ids) -> Rows:
        """The rows of these images, which are ascending and each there once."""
        return self.take(_member(images, self.ids))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one behind the other."""
    return Rows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__slots__)
    )


def overlaid(layers: Sequence[Rows]) -> Rows:
    """Of each image its row in the highest layer, unless it is gone."""
    rows = joined(layers)
    order = np.argsort(rows.ids, kind="stable")  # layers stay in order
    ids = rows.ids[order]
    last = np.ones(len(ids), dtype=bool)
    last[:-1] = ids[1:] != ids[:-1]
    found = rows.take(order[last])
    return found.take(found.states != State.GONE)


@dataclass(frozen=True, slots=True)
class Changes:
    """The images that differ, ascending by id; arrays of shape (N,).

    Attributes:
        ids: int64.
        kinds: uint8, sums of `BITS`.
        old_labels: float64, NaN where there is none.
        new_labels: float64, likewise.
        old_splits: int8, -1 where the image is not in the version.
        new_splits: int8, likewise.
    """

    ids: Ids
    kinds: NDArray[np.uint8]
    old_labels: NDArray[np.float64]
    new_labels: NDArray[np.float64]
    old_splits: NDArray[np.int8]
    new_splits: NDArray[np.int8]

    def count(self, change: Change) -> int:
        """How many images changed so."""
        return int(np.count_nonzero(self.kinds & BITS[change]))

    def only(self, change: Change | None) -> Changes:
        """Those that changed so; None: all."""
        return self if change is None else self._take((self.kinds & BITS[change]) != 0)

    def after(self, image_id: int, limit: int) -> Changes:
        """The next `limit` by id."""
        start = int(np.searchsorted(self.ids, image_id, side="right"))
        return self._take(np.arange(start, min(start + limit, len(self.ids))))

    def differences(self) -> NDArray[np.float64]:
        """New label minus old one of each relabelled image."""
        relabelled = self.only(Change.RELABELLED)
        return relabelled.new_labels - relabelled.old_labels

    def without_details(self, images: Ids) -> Changes:
        """These images, ascending, turned out to have the same details in both versions."""
        kinds = self.kinds.copy()
        kinds[_member(images, self.ids)] &= ~np.uint8(BITS[Change.DETAILS])
        return replace(self, kinds=kinds)._take(kinds != 0)  # noqa: SLF001  # our own class

    def _take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Changes:
        return Changes(
            self.ids[which],
            self.kinds[which],
            self.old_labels[which],
            self.new_labels[which],
            self.old_splits[which],
            self.new_splits[which],
        )


def compare(old: Rows, new: Rows) -> Changes:
    """What differs between two versions' rows, of which none is gone.

    Rows that were written anew are said to differ in their details; see `Changes.without_details`.
    """
    ids = np.union1d(old.ids, new.ids)
    before, after = _spread(old, ids), _spread(new, ids)
    there, here = before.splits >= 0, after.splits >= 0
    both, anew = there & here, before.marks != after.marks
    erased = (before.states == State.REDACTED) | (after.states == State.REDACTED)
    redacted, known = both & erased & anew, both & ~erased
    kinds = np.zeros(len(ids), dtype=np.uint8)
    kinds[here & ~there] = BITS[Change.ADDED]
    kinds[there & ~here] = BITS[Change.REMOVED]
    kinds[redacted] = BITS[Change.REDACTED]
    kinds[known & anew] = BITS[Change.DETAILS]
    kinds[known & (before.labels != after.labels)] |= BITS[Change.RELABELLED]
    kinds[known & (before.splits != after.splits)] |= BITS[Change.MOVED]
    every = Changes(ids, kinds, before.labels, after.labels, before.splits, after.splits)
    return every._take(kinds != 0)  # noqa: SLF001  # our own class


def _spread(rows: Rows, ids: Ids) -> Rows:
    """The rows with a place for each of `ids`; split -1 where there is none."""
    at, size = np.searchsorted(ids, rows.ids), len(ids)
    wide = Rows(
        ids,
        np.full(size, State.GONE, np.int8),
        np.full(size, np.nan),
        np.full(size, -1, np.int8),
        np.zeros(size, np.int64),
    )
    for name in ("states", "labels", "splits", "marks"):
        getattr(wide, name)[at] = getattr(rows, name)
    return wide


def _member(images: Ids, ids: Ids) -> NDArray[np.bool_]:
    """Which of `ids` are among `images`, both ascending."""
    if not len(images):
        return np.zeros(len(ids), dtype=bool)
    at = np.searchsorted(images, ids).clip(max=len(images) - 1)
    found: NDArray[np.bool_] = images[at] == ids
    return found


@dataclass(frozen=True, slots=True)
class Bin(Record):
    """One bar of the histogram of label differences: `low` up to `high`, and how many."""

    low: float
    high: float
    count: int


def histogram(differences: NDArray[np.float64]) -> tuple[Bin, ...]:
    """Label differences in at most some twenty bins of a round width; 0 is always an edge.

    Args:
        differences: float64, shape (N,), none of them 0 or not finite.
    """
    if not len(differences):
        return ()
    low, high = min(0.0, float(differences.min())), max(0.0, float(differences.max()))
    width = _round_width((high - low) / MOST_BINS)
    first, last = int(np.floor(low / width)), int(np.ceil(high / width))
    edges = np.arange(first, last + 1) * width
    counts, _ = np.histogram(differences, bins=edges)
    return tuple(
        Bin(round(float(a), 12), round(float(b), 12), int(n))
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    )


def _round_width(least: float) -> float:
    power = 10.0 ** np.floor(np.log10(least))
    return float(next((s * power for s in STEPS if s * power >= least), 10 * power))


def checked_change(word: str | None) -> Change | None:
    """The change that a caller asks for.

    Raises:
        ValidationError: There is none of that name.
    """
    if word is None:
        return None
    try:
        return Change(word)
    except ValueError:
        raise ValidationError(f"only={word!r}: must be one of {', '.join(Change)}.") from None
