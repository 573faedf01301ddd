"""How far labels are from what colleagues, models and similar images say, in robust units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

FORMULA: Final = "suspicion/1"
MAD_TO_SD: Final = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution (Huber 1981)."""
FLOOR: Final = 0.01
"""Smallest scatter assumed, as a part of the label range: labels are written in such steps."""
CAP: Final = 8.0
"""No single witness counts more than so many standard deviations."""
ENOUGH: Final = 20
"""Differences from which on a person's or a witness's own scatter is estimated."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one kind of witness says of N labels; NaN where it says nothing.

    Attributes:
        expected: What it expects, shape `(N,)`, float64.
        z: Standardised differences, shape `(N,)`, float64.
        witnesses: How many speak, shape `(N,)`, int64.
    """

    expected: Floats
    z: Floats
    witnesses: Ids

    @classmethod
    def nothing(cls, size: int) -> Said:
        """No evidence at all."""
        return cls(np.full(size, np.nan), np.full(size, np.nan), np.zeros(size, np.int64))


def by_colleagues(images: Ids, people: Ids, values: Floats, span: float) -> Said:
    """Each label against the median of the others' labels of the same image.

    z = (x - m - b) / √(s² + v·k/n): m is the median of the n others, b the person's usual
    difference (median) and s the person's scatter; v is the mean of the others' s² and k = π/2,
    what a median loses against a mean (1 for fewer than three). A person's s is the robust
    standard deviation of the person's differences, divided by √(1 + k/n); the scatter of all
    stands in where there are fewer than `ENOUGH`.

    Args:
        images: Image of each label, shape `(N,)`.
        people: Who made it, likewise; each person at most once an image.
        values: The labels, finite.
        span: Width of the label range.
    """
    size = len(values)
    said = Said.nothing(size)
    order = np.lexsort((values, images))
    _, start, count = np.unique(images[order], return_index=True, return_counts=True)
    several = np.repeat(count > 1, count)
    begin, group = np.repeat(start, count)[several], np.repeat(count, count)[several]
    rows, places = order[several], np.flatnonzero(several)
    if not len(rows):
        return said
    median = _median_of_others(values[order], places, begin, group)
    others = group - 1
    loss = np.where(others > 2, np.pi / 2, 1.0) / others  # noqa: PLR2004  # the median is the mean
    difference = values[rows] - median
    usual, scatter = _habits(people[rows], difference, np.sqrt(1 + loss), span)
    variance = scatter**2
    image = np.cumsum(np.r_[True, begin[1:] != begin[:-1]]) - 1
    total = np.bincount(image, weights=variance)[image]
    theirs = (total - variance) / others
    said.expected[rows] = median
    said.z[rows] = (difference - usual) / np.sqrt(variance + theirs * loss)
    said.witnesses[rows] = others
    return said


def _median_of_others(ascending: Floats, places: Ids, begin: Ids, group: Ids) -> Floats:
    """Of each place in its image's ascending values, the median of all but its own."""
    own, others = places - begin, group - 1

    def at(rank: Ids) -> Floats:
        found: Floats = ascending[begin + rank + (rank >= own)]
        return found

    median: Floats = (at((others - 1) // 2) + at(others // 2)) / 2
    return median


def _habits(people: Ids, difference: Floats, width: Floats, span: float) -> tuple[Floats, Floats]:
    """Usual difference and scatter of who made each label."""
    names, who = np.unique(people, return_inverse=True)
    everybody = _scatter(difference / width, span)
    usual, scatter = np.zeros(len(names)), np.full(len(names), everybody)
    order = np.argsort(who, kind="stable")
    for person, rows in enumerate(np.split(order, np.cumsum(np.bincount(who))[:-1])):
        if len(rows) >= ENOUGH:
            usual[person] = np.median(difference[rows])
            scatter[person] = _scatter((difference[rows] - usual[person]) / width[rows], span)
    return usual[who], scatter[who]


def _scatter(differences: Floats, span: float) -> float:
    """Robust standard deviation, never less than the floor."""
    apart = np.abs(differences - np.median(differences))
    return max(float(MAD_TO_SD * np.median(apart)), FLOOR * span)


def against(values: Floats, expected: Floats, witnesses: Ids, span: float) -> Said:
    """Each label against one expectation: z = (d - median d) / (1.4826 · MAD of d), d = x - e.

    Nothing is said where fewer than `ENOUGH` labels have an expectation: the usual difference
    would not be known.

    Args:
        values: The labels, shape `(N,)`.
        expected: Likewise; NaN where nothing is expected.
        witnesses: How many speak, likewise.
        span: Width of the label range.
    """
    known = np.isfinite(expected)
    if np.count_nonzero(known) < ENOUGH:
        return Said.nothing(len(values))
    difference = values - expected
    usual = np.median(difference[known])
    z = (difference - usual) / _scatter(difference[known], span)
    return Said(expected, z, np.where(known, witnesses, 0))


def scores(*said: Said) -> Floats:
    """Minus log10 of the chance of so large z if all was right; NaN where nobody speaks.

    The sum of the squares of k independent standard normal z has a χ² distribution with k degrees
    of freedom; each is capped at `CAP`. Who says nothing is not counted: missing is not zero.
    """
    z = np.stack([each.z for each in said])
    speaks = np.isfinite(z)
    squares = np.where(speaks, np.minimum(np.abs(z), CAP) ** 2, 0.0).sum(axis=0)
    count = speaks.sum(axis=0)
    chance = chdtrc(np.maximum(count, 1), squares)
    found: Floats = np.where(count > 0, -np.log10(np.maximum(chance, 1e-300)), np.nan)
    return found
