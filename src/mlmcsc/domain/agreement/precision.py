"""Repeatability and reproducibility of labels, ISO 5725-2, with unequal numbers of labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.domain.agreement.arrays import Floats, Indices, Labels, long_form
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.errors import ValidationError

LIMIT = 2.8
"""1.96 times the root of 2: two results differ by more than this many s in 5 % of cases."""
NOT_TWICE = (
    "nobody labelled an image twice: repeatability needs at least one image that the same rater "
    "labelled two times"
)
NO_TWO = (
    "no image has labels of two raters: reproducibility needs at least one image that two raters "
    "labelled"
)


@dataclass(frozen=True, slots=True)
class Precision(Result):
    """Standard deviations in the unit of the labels; None where `reason` says why.

    Attributes:
        labels: Labels used.
        items: Items they are of.
        raters: Raters they are from.
        repeated: Labels beyond the first of a rater for an item: degrees of freedom of s_r.
        shared: Items labelled by two raters or more.
        s_r: Repeatability: one rater, the same item again.
        s_l: Between raters, what repeating does not explain; 0 where that came out negative.
        s_reproducibility: Reproducibility s_R: another rater, the same item.
        limit_r: Repeatability limit r = 2.8 s_r.
        limit_reproducibility: Reproducibility limit R = 2.8 s_R.
        negative_set_to_zero: Whether the variance between raters was negative and became 0.
        reason: What is missing for the numbers that are None; empty if nothing is.
    """

    labels: int
    items: int
    raters: int
    repeated: int
    shared: int
    s_r: float | None
    s_l: float | None
    s_reproducibility: float | None
    limit_r: float | None
    limit_reproducibility: float | None
    negative_set_to_zero: bool
    reason: str


def precision(values: ArrayLike, items: ArrayLike, raters: ArrayLike) -> Precision:
    """Repeatability and reproducibility, each item a level of ISO 5725-2:2019, 7.4, then pooled.

    The sum of squares between the raters of an item has the expectation
    (p - 1) s_r² + (N - Σ n²/N) s_L² for p raters with n labels each, N together; sums over items
    are solved for s_L². With one item this is the standard's own estimate. Without repeated
    labels only s_R² = s_r² + s_L² can be told, not its parts.

    Args:
        values: Labels, shape `(L,)`.
        items: Id of each label's item, shape `(L,)`.
        raters: Id of each label's rater, shape `(L,)`.

    Raises:
        ValidationError: No item labelled twice, by one rater or by two.
    """
    labels = long_form(values, items, raters)
    cells = _cells(labels)
    repeated = len(labels.values) - len(cells.count)
    per_item = np.bincount(cells.item, minlength=len(labels.items))
    shared = int((per_item > 1).sum())
    if not repeated and not shared:
        raise ValidationError(f"{len(labels.values)} labels: {NOT_TWICE}; {NO_TWO}.")
    variance_r = cells.within / repeated if repeated else None
    between, per_variance = _between_raters(cells, per_item)
    of_raters = float((per_item - 1).sum())
    raw = variance_l = variance_all = None
    if shared and variance_r is not None:
        raw = (between - of_raters * variance_r) / per_variance
        variance_l = max(raw, 0.0)
        variance_all = variance_r + variance_l
    elif shared:
        variance_all = between / of_raters
    reasons = [*([] if repeated else [NOT_TWICE]), *([] if shared else [NO_TWO])]
    return Precision(
        labels=len(labels.values), items=len(labels.items), raters=len(labels.raters),
        repeated=repeated, shared=shared,
        s_r=_root(variance_r), s_l=_root(variance_l), s_reproducibility=_root(variance_all),
        limit_r=_root(variance_r, LIMIT), limit_reproducibility=_root(variance_all, LIMIT),
        negative_set_to_zero=raw is not None and raw < 0, reason="; ".join(reasons),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cells:
    """Labels of one rater for one item: their number, mean, item, and all squares about means."""

    item: Indices
    count: Floats
    mean: Floats
    within: float


def _cells(labels: Labels) -> _Cells:
    key = labels.item * len(labels.raters) + labels.rater
    found, cell = np.unique(key, return_inverse=True)
    centred = labels.values - labels.values.mean()
    count = np.bincount(cell).astype(np.float64)
    mean = np.bincount(cell, centred) / count
    within = float(((centred - mean[cell]) ** 2).sum())
    return _Cells(found // len(labels.raters), count, mean, within)


def _between_raters(cells: _Cells, per_item: Indices) -> tuple[float, float]:
    """Squares of the cells' means about the item's, and how often they hold s_L²."""
    size = len(per_item)
    total = np.bincount(cells.item, cells.count, size)
    centre = np.bincount(cells.item, cells.count * cells.mean, size) / total
    between = float((cells.count * (cells.mean - centre[cells.item]) ** 2).sum())
    times = total - np.bincount(cells.item, cells.count**2, size) / total
    return between, float(times.sum())


def _root(variance: float | None, times: float = 1.0) -> float | None:
    return None if variance is None else times * float(variance) ** 0.5
