"""Who measured what, arranged for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
MOST_IMAGES, MOST_CELLS = 20_000, 2_000_000
"""Of a table with a column per rater: what it tells is known well enough from so many."""
MOST_RATERS = 30
"""Raters among whom a complete block is sought: those with most labels."""


class Kind(IntEnum):
    """How a label came about."""

    BLIND = 0
    """Measured without seeing a prediction."""
    ASSISTED = 1
    """A prediction was shown."""
    GOLD = 2
    CONSENSUS = 3
    OTHER = 4
    """A laboratory's own word, or assisted by a prediction that nobody kept."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Labels, ascending by id; arrays of shape `(L,)`.

    Attributes:
        label_ids: int64.
        images: int64, image ids.
        raters: int64, technicians' database ids.
        values: float64, as they are now, in the unit of the label range.
        firsts: float64, as they were before corrections.
        shown: float64, the prediction that the rater saw; NaN for none.
        kinds: int8, values of `Kind`.
        revisions: int64, 1 for a label that was never corrected.
    """

    label_ids: Ids
    images: Ids
    raters: Ids
    values: Floats
    firsts: Floats
    shown: Floats
    kinds: NDArray[np.int8]
    revisions: Ids

    def __len__(self) -> int:
        """Number of labels."""
        return len(self.label_ids)

    def where(self, keep: Mask) -> Measurements:
        """These labels only."""
        if keep.all():
            return self  # a million labels are not copied for nothing
        return replace(self, **{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    def of_kind(self, *kinds: Kind) -> Measurements:
        """The labels of these kinds."""
        return self.where(np.isin(self.kinds, kinds))

    def first_of_each(self) -> Measurements:
        """Each rater's first label of each image."""
        _, rows = np.unique(_pairs(self.images, self.raters), return_index=True)
        return self.where(_at(rows, len(self)))

    def last_of_each(self) -> Measurements:
        """Each rater's last label of each image: one vote a person."""
        backwards = _pairs(self.images, self.raters)[::-1]
        _, rows = np.unique(backwards, return_index=True)
        return self.where(_at(len(self) - 1 - rows, len(self)))

    def of_images_with(self, raters: int) -> Measurements:
        """The labels of images with at least so many labels; give one label per rater."""
        _, image, sizes = np.unique(self.images, return_inverse=True, return_counts=True)
        return self.where(sizes[image] >= raters)


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """Predictions of model versions, one per image and version; arrays of shape `(P,)`.

    Attributes:
        images: int64, image ids.
        models: int64, ids of the versions.
        values: float64, in the unit of the label range.
        names: The versions by id.
    """

    images: Ids
    models: Ids
    values: Floats
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Block:
    """Images that the same raters all measured, as often.

    Attributes:
        images: int64, shape `(n,)`, ascending.
        raters: int64, shape `(k,)`, ascending.
        values: float64, shape `(n, k, r)`: image, rater, repeat.
    """

    images: Ids
    raters: Ids
    values: Floats


def reference_of(found: Measurements, kind: Kind = Kind.GOLD) -> tuple[Ids, Floats, Ids]:
    """Images that have a reference, ascending, its value, and who set it: the newest of each."""
    gold = found.of_kind(kind)
    images, rows = np.unique(gold.images[::-1], return_index=True)
    at = len(gold) - 1 - rows
    return images, gold.values[at], gold.raters[at]


def looked_up(images: Ids, known: Ids, values: Floats) -> Floats:
    """The value of each image, NaN where there is none; `known` is ascending."""
    if not len(known):
        return np.full(len(images), np.nan)
    at = np.minimum(np.searchsorted(known, images), len(known) - 1)
    return np.where(known[at] == images, values[at], np.nan)


def packed(found: Measurements) -> Floats:
    """Ratings as `(images, most raters of one image)`, NaN at the end of short rows.

    For statistics to which it does not matter who gave a rating: a column per rater would be
    mostly empty where many people share the work.
    """
    _, image, sizes = np.unique(found.images, return_inverse=True, return_counts=True)
    order = np.argsort(image, kind="stable")
    starts = np.cumsum(sizes) - sizes
    table = np.full((len(sizes), int(sizes.max(initial=0))), np.nan)
    table[image[order], np.arange(len(order)) - starts[image[order]]] = found.firsts[order]
    return table


def rated_table(found: Measurements, seed: int = 0) -> tuple[Ids, Ids, Floats]:
    """Ratings as a table of images by raters; of very many images some are drawn at random.

    Returns:
        Image ids `(n,)` and rater ids `(k,)`, ascending, and the values `(n, k)`, NaN for none.
    """
    images = np.unique(found.images)
    most = min(MOST_IMAGES, MOST_CELLS // max(len(np.unique(found.raters)), 1))
    if len(images) > most:
        drawn = np.random.default_rng(seed).choice(images, most, replace=False)
        images = np.sort(drawn)
        found = found.where(np.isin(found.images, images))
    raters = np.unique(found.raters)
    table = np.full((len(images), len(raters)), np.nan)
    at = np.searchsorted(images, found.images), np.searchsorted(raters, found.raters)
    table[at] = found.firsts
    return images, raters, table


def complete_block(found: Measurements, *, repeats: int = 1, fewest_images: int) -> Block | None:
    """The largest set of images and raters without a gap, or None.

    Raters join one by one, each time the one who leaves most images; of these sets the one with
    most degrees of freedom, (images - 1)(raters - 1), is taken.

    Args:
        found: First measurements; with `repeats` above 1, all of them.
        repeats: Labels of one image that each rater must have made.
        fewest_images: Smaller sets are not considered.
    """
    people, made = np.unique(found.raters, return_counts=True)
    busiest = people[np.argsort(-made, kind="stable")[:MOST_RATERS]]
    found = found.where(np.isin(found.raters, busiest))
    images, image = np.unique(found.images, return_inverse=True)
    raters, rater = np.unique(found.raters, return_inverse=True)
    if len(raters) < 2:  # noqa: PLR2004  # one rater agrees with nobody
        return None
    cells, times = np.unique(image * len(raters) + rater, return_counts=True)
    done = np.zeros((len(images), len(raters)), dtype=bool)
    done.flat[cells[times >= repeats]] = True
    chosen, kept = _grown(done, fewest_images)
    if len(chosen) < 2:  # noqa: PLR2004
        return None
    return _filled(found, images[kept], raters[np.sort(chosen)], repeats)


def _grown(done: Mask, fewest: int) -> tuple[Ids, Ids]:
    """Columns of the best set, and the rows that they share."""
    columns = range(done.shape[1])
    overlap = {
        (a, b): int((done[:, a] & done[:, b]).sum()) for a in columns for b in columns[a + 1 :]
    }
    closest: tuple[int, int] = max(overlap, key=lambda pair: overlap[pair])
    chosen = [*closest]
    shared = done[:, chosen].all(axis=1)
    best, best_score = (list[int](), shared), -1
    while (n := int(shared.sum())) >= fewest:
        score = (n - 1) * (len(chosen) - 1)
        if score > best_score:
            best, best_score = ([*chosen], shared), score
        others = [column for column in columns if column not in chosen]
        if not others:
            break
        joins = max(others, key=lambda column: int((shared & done[:, column]).sum()))
        chosen.append(joins)
        shared = shared & done[:, joins]
    return np.array(best[0], dtype=np.int64), np.flatnonzero(best[1])


def _filled(found: Measurements, images: Ids, raters: Ids, repeats: int) -> Block:
    inside = found.where(np.isin(found.images, images) & np.isin(found.raters, raters))
    cell = np.searchsorted(images, inside.images) * len(raters)
    cell += np.searchsorted(raters, inside.raters)
    order = np.argsort(cell, kind="stable")
    sizes = np.bincount(cell, minlength=len(images) * len(raters))
    starts = np.cumsum(sizes) - sizes
    rows = order[starts[:, None] + np.arange(repeats)]
    values = inside.firsts[rows].reshape(len(images), len(raters), repeats)
    return Block(images, raters, values)


def most_overlapping(found: Measurements, limit: int, with_: int | None) -> list[tuple[int, int]]:
    """Pairs of raters by the number of images that both measured, most first.

    Args:
        found: First measurements.
        limit: At most so many pairs.
        with_: Only pairs with this rater, who comes first.
    """
    counts = _overlaps(found)
    pairs = [pair for pair in counts if with_ is None or with_ in pair]
    pairs.sort(key=lambda pair: (-counts[pair], pair))
    return [(b, a) if b == with_ else (a, b) for a, b in pairs[:limit]]


def _overlaps(found: Measurements) -> dict[tuple[int, int], int]:
    """How many images each pair of raters shares; pairs that share none are left out."""
    order = np.lexsort((found.raters, found.images))
    image, rater = found.images[order], found.raters[order]
    counts: dict[tuple[int, int], int] = {}
    step = 1
    while step < len(image):
        same = image[step:] == image[:-step]
        if not same.any():
            break
        met = np.stack([rater[:-step][same], rater[step:][same]], axis=1)
        pairs, times = np.unique(met, axis=0, return_counts=True)
        for (a, b), n in zip(pairs.tolist(), times.tolist(), strict=True):
            counts[a, b] = counts.get((a, b), 0) + n
        step += 1
    return counts


def in_pairs(found: Measurements, first: int, second: int) -> tuple[Ids, Floats, Floats]:
    """The images that two raters both measured, and the first measurement of each: `(n,)`."""
    one, two = found.where(found.raters == first), found.where(found.raters == second)
    both, at, also = np.intersect1d(one.images, two.images, assume_unique=True, return_indices=True)
    return both, one.firsts[at], two.firsts[also]


def _pairs(images: Ids, raters: Ids) -> Ids:
    """One number for each image and rater."""
    people, rater = np.unique(raters, return_inverse=True)
    _, image = np.unique(images, return_inverse=True)
    return image.astype(np.int64) * max(len(people), 1) + rater


def _at(rows: NDArray[np.intp], size: int) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
