"""Bias, scatter and scale of each rater, against gold or against the others."""

from __future__ import annotations

from dataclasses import dataclass

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
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.straight_line import line

GOLD, OTHERS = "gold", "others"
FEWEST_FOR_SLOPE = 3


@dataclass(frozen=True, slots=True)
class RaterEffect(Result):
    """How one rater labels, in the unit of the labels; what few labels cannot tell is None.

    Attributes:
        rater: Id of the rater.
        n: Items compared.
        against: `gold` or `others` (the mean of the other raters of the same item).
        bias: Mean of rater minus reference; None with no item to compare.
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
        """Whether the bias's interval leaves 0 out; None without one."""
        if self.bias_low is None or self.bias_high is None:
            return None
        return self.bias_low > 0 or self.bias_high < 0


def rater_effects(
    values: ArrayLike,
    items: ArrayLike,
    raters: ArrayLike,
    reference: ArrayLike | None = None,
    confidence: float = 0.95,
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

    Raises:
        ValidationError: No label, lengths that differ, or an infinite value.
    """
    level = check_confidence(confidence)
    labels = long_form(values, items, raters)
    gold = None
    if reference is not None:
        gold = floats(reference, "reference", dimensions=1, missing=True)
        same_length(values=labels.values, reference=gold)
    rater, value, against = _compared(labels, gold)
    order = np.argsort(rater, kind="stable")
    cuts = np.searchsorted(rater[order], np.arange(len(labels.raters) + 1))
    kind = OTHERS if gold is None else GOLD
    return tuple(
        _effect(name_of(labels.raters[at]), kind, value[chosen], against[chosen], level)
        for at, chosen in enumerate(np.split(order, cuts[1:-1]))
    )


def _compared(labels: Labels, gold: Floats | None) -> tuple[Indices, Floats, Floats]:
    """Rater, value and reference of each cell that has one."""
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
    return rater[known], value[known], against[known]


def _effect(rater: Name, kind: str, value: Floats, against: Floats, level: float) -> RaterEffect:
    difference = value - against
    n = len(difference)
    bias = low = high = scatter = mae = largest = None
    slope = slope_low = slope_high = None
    reason = f"{n} items to compare with {kind}: {FEWEST_FOR_SLOPE} are needed"
    if n:
        bias = float(difference.mean())
        mae, largest = float(np.abs(difference).mean()), float(np.abs(difference).max())
    if bias is not None and n > 1:
        scatter = float(difference.std(ddof=1))
        half = float(stdtrit(n - 1, (1 + level) / 2)) * scatter / n**0.5
        low, high = bias - half, bias + half
    if n >= FEWEST_FOR_SLOPE:
        reason = ""
        fitted = line(against, value, level)
        if fitted is None:
            reason = "the items compared all have one reference value: a slope needs different ones"
        else:
            slope, slope_low, slope_high = fitted
    return RaterEffect(
        rater=rater, n=n, against=kind, bias=bias, bias_low=low, bias_high=high, scatter=scatter,
        slope=slope, slope_low=slope_low, slope_high=slope_high, mae=mae, largest=largest,
        confidence=level, reason=reason,
    )  # fmt: skip
