"""Bias, scatter and scale of each rater, against gold or against the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mlmcsc.domain.agreement.arrays import (
    Floats,
    Indices,
    Labels,
    Name,
    check_confidence,
    floats,
    long_form,
    name_of,
    same_length,
)
from mlmcsc.domain.agreement.clustering import half_width
from mlmcsc.domain.agreement.consensus import consensus
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.resampling import cluster_numbers
from mlmcsc.domain.agreement.straight_line import line

GOLD, OTHERS = "gold", "others"
FEWEST_FOR_SLOPE = 3
DUST = 1e-12
FEWEST_FOR_MODEL = 3
"""Raters from whom on biases are told apart: of two each is the other's mirror image."""


@dataclass(frozen=True, slots=True)
class RaterEffect(Result):
    """How one rater labels, in the unit of the labels; what few labels cannot tell is None.

    Attributes:
        rater: Id of the rater.
        n: Items compared.
        against: `gold` or `others` (the mean of the other raters of the same item).
        bias: Mean of rater minus reference; None with no item to compare. Against others, with
            three raters or more, the one of the consensus model, in which one rater who is off
            does not pull all others the other way.
        bias_low: Lower end of its interval; None below two items.
        bias_high: Upper end.
        scatter: Standard deviation after taking the bias off; None below two items. Against
            others it holds the noise of their mean too.
        slope: Of the rater's value on the reference: below 1 compresses the scale, above 1
            stretches it; None below three items or when their references do not differ.
            Against others their noise makes it somewhat smaller than it is.
        slope_low: Lower end of its interval.
        slope_high: Upper end.
        mae: Mean absolute difference.
        largest: Largest absolute difference.
        confidence: Level of the intervals.
        reason: What is missing for the numbers that are None; empty if nothing is.
    """

    rater: Name
    n: int
    against: str
    bias: float | None
    bias_low: float | None
    bias_high: float | None
    scatter: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    mae: float | None
    largest: float | None
    confidence: float
    reason: str

    @property
    def biased(self) -> bool | None:
        """Whether the interval of the bias against gold leaves 0 out; None without gold."""
        return self._off() if self.against == GOLD else None

    @property
    def differs(self) -> bool | None:
        """Whether the interval of the bias against others leaves 0 out; None against gold.

        A rater who differs need not be wrong: the others may be.
        """
        return self._off() if self.against == OTHERS else None

    def _off(self) -> bool | None:
        if self.bias_low is None or self.bias_high is None:
            return None
        return self.bias_low > 0 or self.bias_high < 0


def rater_effects(
    values: ArrayLike,
    items: ArrayLike,
    raters: ArrayLike,
    reference: ArrayLike | None = None,
    confidence: float = 0.95,
    clusters: ArrayLike | None = None,
) -> tuple[RaterEffect, ...]:
    """The effect of every rater, in the order of their ids.

    A rater's labels of one item count as one, their mean: repeats would otherwise pretend to
    more evidence than there is.

    Args:
        values: Labels, shape `(L,)`.
        items: Id of each label's item, shape `(L,)`.
        raters: Id of each label's rater, shape `(L,)`.
        reference: Gold value of each label's item, shape `(L,)`, NaN where it has none: such
            labels are left out. Without it the mean of the item's other raters serves.
        confidence: Level of the intervals, above 0 and below 1.
        clusters: Id of the cluster of each label's item (the specimen of an image), shape `(L,)`:
            intervals are then cluster-robust, never narrower; without, items are taken as
            independent.

    Raises:
        ValidationError: No label, lengths that differ, or an infinite value.
    """
    level = check_confidence(confidence)
    labels = long_form(values, items, raters)
    gold = None
    if reference is not None:
        gold = floats(reference, "reference", dimensions=1, missing=True)
        same_length(values=labels.values, reference=gold)
    group = cluster_numbers(clusters, len(labels.values))
    if group is not None:  # from labels to items
        group = group[np.unique(labels.item, return_index=True)[1]]
    item, rater, value, against = _compared(labels, gold)
    order = np.argsort(rater, kind="stable")
    cuts = np.searchsorted(rater[order], np.arange(len(labels.raters) + 1))
    kind = OTHERS if gold is None else GOLD
    found = [
        _effect(
            name_of(labels.raters[at]), kind, value[chosen], against[chosen], level,
            None if group is None else group[item[chosen]],
        )
        for at, chosen in enumerate(np.split(order, cuts[1:-1]))
    ]  # fmt: skip
    if gold is None and len(found) >= FEWEST_FOR_MODEL and any(each.n for each in found):
        found = _of_model(found, labels)
    return tuple(found)


def _of_model(found: list[RaterEffect], labels: Labels) -> list[RaterEffect]:
    """The biases of the consensus model, with intervals no narrower than those of the means."""
    raters = consensus(labels.values, labels.item, labels.rater, resolution=0.0).raters
    result = []
    for each, of in zip(found, raters, strict=True):
        if each.bias is None or each.bias_low is None or each.scatter is None:
            result.append(each)
            continue
        t = float(stdtrit(each.n - 1, (1 + each.confidence) / 2))
        half = max(each.bias - each.bias_low, t * of.sigma / each.n**0.5)
        bias = float(_without_dust(np.array([of.bias]), labels.values)[0])
        result.append(replace(each, bias=bias, bias_low=bias - half, bias_high=bias + half))
    return result


def _compared(labels: Labels, gold: Floats | None) -> tuple[Indices, Indices, Floats, Floats]:
    """Item, rater, value and reference of each cell that has one."""
    width, size = len(labels.raters), len(labels.items)
    found, cell = np.unique(labels.item * width + labels.rater, return_inverse=True)
    value = np.bincount(cell, labels.values) / np.bincount(cell)
    item, rater = found // width, found % width
    if gold is None:
        others = np.bincount(item, minlength=size)[item] - 1
        middle = value.mean()  # taken off and put back: sums then lose no digits
        total = np.bincount(item, value - middle, size)[item] - (value - middle)
        against = middle + total / np.where(others > 0, others, np.nan)
    else:
        against = np.bincount(cell, gold) / np.bincount(cell)
    known = ~np.isnan(against)
    return item[known], rater[known], value[known], against[known]


def _without_dust(difference: Floats, value: Floats) -> Floats:
    """0 in place of what rounding of float64 leaves of equal numbers: nobody differs by that."""
    return np.where(np.abs(difference) > DUST * np.abs(value).max(initial=0.0), difference, 0.0)


def _effect(
    rater: Name, kind: str, value: Floats, against: Floats, level: float, group: Indices | None
) -> RaterEffect:
    n = len(value)
    difference = _without_dust(value - against, value)
    bias = low = high = scatter = mae = largest = None
    slope = slope_low = slope_high = None
    reason = f"{n} items to compare with {kind}: {FEWEST_FOR_SLOPE} are needed"
    if n:
        bias = float(difference.mean())
        mae, largest = float(np.abs(difference).mean()), float(np.abs(difference).max())
    if bias is not None and n > 1:
        scatter = float(difference.std(ddof=1))
        half = float(stdtrit(n - 1, (1 + level) / 2)) * scatter / n**0.5
        half = half_width(difference - bias, half, group, level)
        low, high = bias - half, bias + half
    if n >= FEWEST_FOR_SLOPE:
        reason = ""
        fitted = line(against, value, level, group)
        if fitted is None:
            reason = "the items compared all have one reference value: a slope needs different ones"
        else:
            slope, slope_low, slope_high = fitted
    return RaterEffect(
        rater=rater, n=n, against=kind, bias=bias, bias_low=low, bias_high=high, scatter=scatter,
        slope=slope, slope_low=slope_low, slope_high=slope_high, mae=mae, largest=largest,
        confidence=level, reason=reason,
    )  # fmt: skip
