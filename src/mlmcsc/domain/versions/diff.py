"""What differs between two frozen datasets, worked out on arrays.

Two versions of one database usually share their lowest layers. Only images that a layer above
those names can differ, so all else is left out before anything is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.records import Record
from mlmcsc.domain.splits import Split
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
    REDACTED = "redacted"
    """Its label cannot be compared: it was erased from one version or from both."""


BITS: Final = {change: 1 << at for at, change in enumerate(Change)}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a version or of a layer, ascending by image; arrays of shape (N,).

    Attributes:
        ids: int64, image ids.
        states: int8, values of `State`.
        labels: float64, NaN where redacted or gone.
        splits: int8, values of `Split`.
    """

    ids: Ids
    states: NDArray[np.int8]
    labels: NDArray[np.float64]
    splits: NDArray[np.int8]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        """Some of the rows, by mask or by place."""
        return Rows(self.ids[which], self.states[which], self.labels[which], self.splits[which])

    def of(self, images: Ids) -> Rows:
        """The rows of these images, which are ascending and each there once."""
        return self.take(_member(images, self.ids))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one behind the other."""
    return Rows(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.states for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.splits for part in parts]),
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
    """What differs between two versions' rows, of which none is gone."""
    ids = np.union1d(old.ids, new.ids)
    old_labels, old_splits, old_redacted = _spread(old, ids)
    new_labels, new_splits, new_redacted = _spread(new, ids)
    there, here = old_splits >= 0, new_splits >= 0
    both = there & here
    redacted = both & (old_redacted | new_redacted)
    kinds = np.zeros(len(ids), dtype=np.uint8)
    kinds[here & ~there] = BITS[Change.ADDED]
    kinds[there & ~here] = BITS[Change.REMOVED]
    kinds[redacted] |= BITS[Change.REDACTED]
    kinds[both & ~redacted & (old_labels != new_labels)] |= BITS[Change.RELABELLED]
    kinds[both & (old_splits != new_splits)] |= BITS[Change.MOVED]
    every = Changes(ids, kinds, old_labels, new_labels, old_splits, new_splits)
    return every._take(kinds != 0)  # noqa: SLF001  # our own class


def _spread(
    rows: Rows, ids: Ids
) -> tuple[NDArray[np.float64], NDArray[np.int8], NDArray[np.bool_]]:
    """Labels, splits and whether redacted, with a place for each of `ids`."""
    at = np.searchsorted(ids, rows.ids)
    labels = np.full(len(ids), np.nan)
    splits = np.full(len(ids), -1, dtype=np.int8)
    redacted = np.zeros(len(ids), dtype=bool)
    labels[at], splits[at] = rows.labels, rows.splits
    redacted[at] = rows.states == State.REDACTED
    return labels, splits, redacted


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


@dataclass(frozen=True, slots=True)
class Sample(Record):
    """One image that differs.

    Attributes:
        image_id: The image.
        path: Where its file is now; None where the database does not know the image any more.
        changes: Names of what changed, one or two.
        old_label: In the old version; None where there is none, or it was redacted.
        new_label: In the new one, likewise.
        old_split: `train`, `val` or `test`; None where the image is not in the old version.
        new_split: Likewise.
    """

    image_id: int
    path: str | None
    changes: tuple[str, ...]
    old_label: float | None
    new_label: float | None
    old_split: str | None
    new_split: str | None


def sample_rows(found: Changes, paths: dict[int, str]) -> tuple[Sample, ...]:
    """The images that differ, as records."""
    columns = (
        found.ids,
        found.kinds,
        found.old_labels,
        found.new_labels,
        found.old_splits,
        found.new_splits,
    )
    return tuple(
        Sample(
            image_id,
            paths.get(image_id),
            tuple(change.value for change, bit in BITS.items() if kinds & bit),
            None if old_label != old_label else old_label,  # noqa: PLR0124  # NaN
            None if new_label != new_label else new_label,  # noqa: PLR0124  # NaN
            None if old_split < 0 else Split(old_split).name.lower(),
            None if new_split < 0 else Split(new_split).name.lower(),
        )
        for image_id, kinds, old_label, new_label, old_split, new_split in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )


@dataclass(frozen=True, slots=True)
class VersionDiff(Record):
    """What differs between two versions.

    Attributes:
        old: Name of the one.
        new: Name of the other.
        old_rows: Images in the old one.
        new_rows: Images in the new one.
        added: Images in the new one only.
        removed: Images in the old one only.
        relabelled: Images in both, with another label.
        moved: Images in both, in another split.
        redacted: Images in both whose labels cannot be compared, as one was erased.
        mean_difference: Mean of new minus old label over the relabelled; None for none.
        histogram: Those differences, in bins.
        samples: The images that differ, by id: as many as were asked for.
        next_after_id: Where the next page of samples begins; None at the end.
    """

    old: str
    new: str
    old_rows: int
    new_rows: int
    added: int
    removed: int
    relabelled: int
    moved: int
    redacted: int
    mean_difference: float | None
    histogram: tuple[Bin, ...]
    samples: tuple[Sample, ...]
    next_after_id: int | None

    @property
    def identical(self) -> bool:
        """Whether both hold the same images with the same labels in the same splits."""
        return not (self.added or self.removed or self.relabelled or self.moved)


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
