"""How far labels are from those of colleagues, each colleague as reliable as shown by all labels.

A difference is no evidence by itself: between two careful people it says much, beside a careless
one little. So bias and variance of each person are estimated together from all images that several
labelled (`mlmcsc.domain.agreement.consensus`), and each label is compared with the others' only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.agreement.consensus import consensus
from mlmcsc.domain.suspicion.evidence import ENOUGH, FLOOR, Floats, Ids, Said, scatter

GROSS: Final = 4.0
"""Robust standard deviations beyond which a label is no measure of its maker's usual scatter."""
TELLING: Final = 20_000
"""Images of several people that people are known by; of more, so many evenly spread ones."""
PAIR: Final = 2
"""Up to so many others the centre is their weighted mean; of more, their weighted median."""
TIE: Final = 1e-6
"""Relative difference of sums of weights that counts as none."""


@dataclass(frozen=True, slots=True)
class _Groups:
    """Labels of images that several people labelled, by image; arrays of equal length.

    Attributes:
        value: The labels.
        person: Number of who made each.
        begin: Place of the first label of each label's image.
        count: How many labels its image has.
    """

    value: Floats
    person: Ids
    begin: Ids
    count: Ids


def by_colleagues(images: Ids, people: Ids, values: Floats, span: float) -> Said:
    """Each label against the others' labels of the same image.

    z = (x - b - m) / √(v + k/Σw): m is the centre of the others' labels less their biases, each
    weighted by w = 1/v, the mean of one or two (k = 1) and the median of more (k = π/2, what a
    median loses against a mean); b and v are bias and variance of who made the label. Labels that
    are more than `GROSS` robust standard deviations off do not tell of their makers. Fewer than
    `ENOUGH` labels tell nothing of single people: all have the same scatter, and no bias.

    Args:
        images: Image of each label, shape `(N,)`.
        people: Who made it, likewise; each person at most once an image.
        values: The labels, finite.
        span: Width of the label range.
    """
    said = Said.nothing(len(values))
    order = np.argsort(images, kind="stable")
    _, count = np.unique(images[order], return_counts=True)
    several = np.repeat(count > 1, count)
    rows, count = order[several], count[count > 1]
    if not len(rows):
        return said
    _, person = np.unique(people[rows], return_inverse=True)
    begin = np.repeat(np.cumsum(count) - count, count)
    found = _Groups(values[rows], person, begin, np.repeat(count, count))
    bias, variance = _habits(found, span)
    open_ = found.value - bias[person]
    centre, uncertain = _centre_of_others(found, open_, 1 / variance[person])
    said.expected[rows] = centre
    said.z[rows] = (open_ - centre) / np.sqrt(variance[person] + uncertain)
    said.witnesses[rows] = found.count - 1
    return said


def _habits(found: _Groups, span: float) -> tuple[Floats, Floats]:
    """Bias and variance of each person."""
    size = int(found.person.max()) + 1
    middle, loss = _centre_of_others(found, found.value, np.ones(len(found.value)))
    difference = found.value - middle
    rough = scatter(difference / np.sqrt(1 + loss), span)
    bias, variance = np.zeros(size), np.full(size, rough**2)
    if len(difference) < ENOUGH:
        return bias, variance
    telling = _ordinary(found.person, difference, span) & _some(found.begin)
    beside = np.bincount(found.begin[telling], minlength=len(telling))[found.begin] > 1
    telling &= beside
    if telling.any():
        resolution = FLOOR * span * 12**0.5  # its standard deviation is the floor
        known = consensus(
            found.value[telling], found.begin[telling], found.person[telling], resolution=resolution
        )
        at = np.asarray([each.rater for each in known.raters], dtype=np.int64)
        bias[at] = [each.bias for each in known.raters]
        variance[at] = [each.sigma**2 for each in known.raters]
    return bias, variance


def _ordinary(person: Ids, difference: Floats, span: float) -> NDArray[np.bool_]:
    """Labels that are about as far from others' as their maker's usually are."""
    ordinary = np.ones(len(person), dtype=bool)
    order = np.argsort(person, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(person))[:-1]):
        off = difference[rows] - np.median(difference[rows])
        ordinary[rows] = np.abs(off) <= GROSS * scatter(off, span)
    return ordinary


def _some(begin: Ids) -> NDArray[np.bool_]:
    """Labels of at most `TELLING` images, evenly spread over all."""
    starts = np.unique(begin)
    if len(starts) <= TELLING:
        return np.ones(len(begin), dtype=bool)
    spread = np.linspace(0, len(starts) - 1, TELLING).astype(np.int64)
    return np.isin(begin, starts[spread])


def _centre_of_others(found: _Groups, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Centre of the others' values of each label's image, and k/Σw."""
    order = np.lexsort((values, found.begin))  # images stay where they are
    value, weight = values[order], weights[order]
    begin, count = found.begin, found.count
    of_image = np.bincount(begin, weight, len(begin))[begin]
    products = np.bincount(begin, weight * value, len(begin))[begin]
    others = of_image - weight
    mean = (products - weight * value) / others
    median = _median_of_others(value, weight, others, begin)
    few = count - 1 <= PAIR
    centre, uncertain = np.empty(len(value)), np.empty(len(value))
    centre[order] = np.where(few, mean, median)
    uncertain[order] = np.where(few, 1.0, np.pi / 2) / others
    return centre, uncertain


def _median_of_others(value: Floats, weight: Floats, others: Floats, begin: Ids) -> Floats:
    """Weighted median of all but the own value; values ascend within each image."""
    total = np.cumsum(weight)
    before = (total - weight)[begin]
    own = np.arange(len(value))

    def at(half: Floats) -> Floats:
        place = np.searchsorted(total, before + half)
        behind = np.searchsorted(total, before + half + weight)
        chosen: Floats = value[np.where(place < own, place, behind)]
        return chosen

    middle: Floats = (at(others / 2 * (1 - TIE)) + at(others / 2 * (1 + TIE))) / 2
    return middle
