"""One value for each item from labels of several raters, the reliable ones counting more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlmcsc.domain.agreement.arrays import (
    Floats,
    Labels,
    Name,
    added_up,
    floats,
    long_form,
    name_of,
    number,
    same_length,
)
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.reliability import Cells, Reliability, reliability
from mlmcsc.domain.agreement.rounding import step_of
from mlmcsc.errors import ValidationError


@dataclass(frozen=True, slots=True)
class RaterReliability(Result):
    """What the consensus made of one rater, in the unit of the labels.

    Attributes:
        rater: Id of the rater.
        items: Items this rater labelled.
        shared: Of these, items that another rater (or the reference) tells of too.
        bias: Taken off the rater's labels; 0 where nothing is shared.
        bias_uncertainty: Its standard uncertainty.
        sigma: Standard deviation of the rater's labels about what they should be.
        borrowed: Share, 0 to 1, of `sigma` that comes from all raters together because this one
            shared so few items.
    """

    rater: Name
    items: int
    shared: int
    bias: float
    bias_uncertainty: float
    sigma: float
    borrowed: float


@dataclass(frozen=True, slots=True)
class Consensus:
    """Consensus values of all items.

    Attributes:
        items: Ids, ascending, shape `(n,)`.
        values: Consensus values, float64.
        uncertainties: Standard uncertainty u of each (GUM).
        raters_per_item: How many raters each item has, int64.
        raters: What was made of each rater, in the order of their ids.
        iterations: Rounds until nothing moved.
        converged: Whether that was before the last round allowed.
        gold: Images with a gold value that told what all biases have in common; 0: too few.
        wild: Gold values left out, as they are far from what all others tell.
        resolution: Step of the labels, told or found; no u is below resolution/√12.
    """

    items: NDArray[Any]
    values: Floats
    uncertainties: Floats
    raters_per_item: NDArray[np.int64]
    raters: tuple[RaterReliability, ...]
    iterations: int
    converged: bool
    gold: int
    wild: int
    resolution: float


def consensus(
    values: ArrayLike,
    items: ArrayLike,
    raters: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    correct_bias: bool = True,
    resolution: float | None = None,
) -> Consensus:
    """Reliability-weighted consensus with standard uncertainty.

    Each label is item + bias of the rater + noise with the rater's own variance. Variances by
    iterated restricted maximum likelihood, drawn towards the pooled one as by four labels more;
    biases are random effects about 0. The value of an item is the mean, weighted by 1/variance,
    of its labels less their rater's bias. u² is the larger of the internal 1/Σw and the external
    (Birge 1932) Σw·residual²/((m-1)Σw) variance, plus what the biases leave open, one by one and
    in common (the spread of biases over the number of raters, unless gold tells). Rounding bounds
    u from below (GUM, JCGM 100:2008, F.2.2.1). An item with one rater has that rater's scatter. A
    rater's labels of one item count as one, their mean.
    See docs/explanation/agreement.md.

    Args:
        values: Labels, shape `(L,)`.
        items: Id of each label's item, shape `(L,)`.
        raters: Id of each label's rater, shape `(L,)`.
        reference: Known true value (gold) of each label's item, shape `(L,)`, NaN where there is
            none: raters are then judged against it, if five items have one that is not wild.
            It is not mixed into the values.
        correct_bias: Whether to take raters' biases off; without, they count as scatter.
        resolution: Step in which labels are given, at least 0: neither rater nor consensus is
            taken for more precise than its rounding, resolution/√12. Found in the labels by
            default.

    Raises:
        ValidationError: No item tells two raters apart: none has two raters or a reference; or
            the resolution is below 0.
    """
    labels = long_form(values, items, raters)
    step = step_of(labels.values) if resolution is None else number(resolution, "resolution")
    if not 0 <= step < float("inf"):
        raise ValidationError(f"resolution={resolution}: must be at least 0, and finite.")
    gold = None
    if reference is not None:
        gold = floats(reference, "reference", dimensions=1, missing=True)
        same_length(values=labels.values, reference=gold)
    cells, centre = _cells(labels, gold)
    found = reliability(cells, correct_bias=correct_bias, floor=step**2 / 12)
    value, variance, count = _combined(cells, found)
    return Consensus(
        items=labels.items, values=value + centre,
        uncertainties=np.sqrt(np.maximum(variance, step**2 / 12)),
        raters_per_item=count, raters=_raters(labels, cells, found),
        iterations=found.iterations, converged=found.converged,
        gold=found.gold, wild=found.wild, resolution=step,
    )  # fmt: skip


def _cells(labels: Labels, gold: Floats | None) -> tuple[Cells, float]:
    """One value of each rater for each item, about the mean of all so that sums lose no digits."""
    centre = float(labels.values.mean())
    width = len(labels.raters)
    found, cell = np.unique(labels.item * width + labels.rater, return_inverse=True)
    value = np.bincount(cell, labels.values - centre) / np.bincount(cell)
    known = np.full(len(labels.items), np.nan)
    if gold is not None:
        known[labels.item] = gold - centre
    return Cells(value, found // width, found % width, len(labels.items), width, known), centre


def _combined(cells: Cells, found: Reliability) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Value, variance u² and number of raters of each item."""
    item, size = cells.item, cells.items
    weight = 1 / found.variance[cells.rater]
    total = added_up(item, weight, size)
    unbiased = cells.value - found.bias[cells.rater]
    value = added_up(item, weight * unbiased, size) / total
    count = np.bincount(item, minlength=size)
    internal = 1 / total
    squares = added_up(item, weight * (unbiased - value[item]) ** 2, size)
    external = squares / total / np.maximum(count - 1, 1)
    share = weight / total[item]
    of_bias = added_up(item, share**2 * found.bias_variance[cells.rater], size)
    variance = np.maximum(internal * found.scale, external) + of_bias + found.level_variance
    return value, variance, count.astype(np.int64)


def _raters(labels: Labels, cells: Cells, found: Reliability) -> tuple[RaterReliability, ...]:
    items = np.bincount(cells.rater, minlength=cells.raters)
    return tuple(
        RaterReliability(
            rater=name_of(rater),
            items=int(items[at]),
            shared=int(found.shared[at]),
            bias=float(found.bias[at]),
            bias_uncertainty=float((found.bias_variance[at] + found.level_variance) ** 0.5),
            sigma=float((found.variance[at] * found.scale) ** 0.5),
            borrowed=float(found.borrowed[at]),
        )
        for at, rater in enumerate(labels.raters)
    )
