"""How much of a change of a mean comes from which factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

REPLICATES: Final = 200
"""Bootstrap samples behind an interval."""
FREE: Final = 1e-9
TIMED: Final = 1e-6
"""Ridge penalties of factors' effects and of the period's: too small to bend what data tell.

Where data do not tell a factor from the period (a model replaced by another that day) the larger
one decides: the change is put down to the factor, and the report says so.
"""
MOST_CELLS: Final = 5000
MOST_GROUPS: Final = 200
"""Beyond so many specimens a period, random groups of them are resampled: as wide, and quick."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is decomposed, of one period.

    Attributes:
        values: float64, shape `(N,)`.
        clusters: Specimen of each, shape `(N,)`, int64.
        codes: Level of each factor, shape `(N, F)`, int64 from 0.
    """

    values: NDArray[np.float64]
    clusters: NDArray[np.int64]
    codes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kitagawa:
    """A change of a mean, split by one factor alone; the three parts sum to it.

    Attributes:
        composition: Levels became more or less frequent.
        within: Levels of both periods have another mean now.
        exclusive: Levels that only one period has.
        only_reference: Share of the reference rows with such a level.
        only_current: Likewise.
    """

    composition: float
    within: float
    exclusive: float
    only_reference: float
    only_current: float


def kitagawa(reference: Rows, current: Rows, factor: int) -> Kitagawa:
    """Components of a difference between two rates (Kitagawa, J. Am. Stat. Assoc. 50, 1955).

    With means counted from the middle of both periods, so that levels in one period only add
    what they differ from it.
    """
    n_levels = int(max(each.codes[:, factor].max() for each in (reference, current))) + 1
    middle = (reference.values.mean() + current.values.mean()) / 2
    counts, sums = [], []
    for each in (reference, current):
        counts.append(np.bincount(each.codes[:, factor], minlength=n_levels).astype(np.float64))
        weights = each.values - middle
        sums.append(np.bincount(each.codes[:, factor], weights=weights, minlength=n_levels))
    p, q = (each / each.sum() for each in counts)
    low, high = (s / np.maximum(c, 1) for s, c in zip(sums, counts, strict=True))
    both = (p > 0) & (q > 0)
    return Kitagawa(
        composition=float(((q - p) * (low + high) / 2)[both].sum()),
        within=float(((p + q) / 2 * (high - low))[both].sum()),
        exclusive=float((q * high - p * low)[~both].sum()),
        only_reference=float(p[~both].sum()),
        only_current=float(q[~both].sum()),
    )


@dataclass(frozen=True, slots=True)
class Cells:
    """Both periods as weighted cells: every combination of period and levels that occurs.

    Attributes:
        period: 0 or 1, shape `(C,)`.
        codes: Levels, shape `(C, F)`.
        entries: Cell, cluster, rows and sum of values of each entry; clusters are 0 to K - 1, those
            of the reference first.
        clusters: How many each period has.
    """

    period: NDArray[np.int64]
    codes: NDArray[np.int64]
    entries: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
    clusters: tuple[int, int]

    def totals(
        self, weights: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and sum of values of each cell, with a weight for each cluster."""
        cell, cluster, rows, sums = self.entries
        if weights is not None:
            rows, sums = rows * weights[cluster], sums * weights[cluster]
        size = len(self.period)
        found = (np.bincount(cell, each, size).astype(np.float64) for each in (rows, sums))
        return next(found), next(found)


def cells(reference: Rows, current: Rows) -> Cells:
    """Count rows once, so that a bootstrap sample need not read them again."""
    sides = (reference, current)
    sizes = tuple(len(each.values) for each in sides)
    period = np.repeat(np.arange(2), sizes)
    codes = np.concatenate([each.codes for each in sides])
    key = period.copy()
    for factor in range(codes.shape[1]):
        key = key * (int(codes[:, factor].max()) + 1) + codes[:, factor]
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    first_own, second_own = (_grouped(each.clusters) for each in sides)
    n_clusters = (int(first_own.max()) + 1, int(second_own.max()) + 1)
    cluster = np.concatenate([first_own, second_own + n_clusters[0]])
    pairs, entry = np.unique(cell * sum(n_clusters) + cluster, return_inverse=True)
    values = np.concatenate([each.values for each in sides])
    entries = (
        pairs // sum(n_clusters),
        pairs % sum(n_clusters),
        np.bincount(entry).astype(np.float64),
        np.bincount(entry, weights=values).astype(np.float64),
    )
    return Cells(period[first], codes[first], entries, n_clusters)


def _grouped(clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters as codes from 0; dealt into `MOST_GROUPS` at random, always alike, if more."""
    known, code = np.unique(clusters, return_inverse=True)
    if len(known) <= MOST_GROUPS:
        return code.astype(np.int64)
    return np.random.default_rng(len(known)).permutation(len(known))[code] % MOST_GROUPS


def joint(
    found: Cells, factors: Sequence[int], weights: NDArray[np.float64] | None = None
) -> tuple[float, NDArray[np.float64]]:
    """The total change, and the part of each factor given all the others.

    Oaxaca-Blinder with pooled effects and a period term (Jann, Stata Journal 8, 2008): values are
    regressed on the period and the levels of all factors at once; a factor's part is the change of
    its levels' shares times their effects. What is left is the change within levels.

    Args:
        found: The cells.
        factors: Which factors, by column of `codes`.
        weights: Weight of each cluster, shape `(K,)`; all 1 if left out.

    Returns:
        Total; parts, shape `(len(factors),)`.
    """
    rows, sums = found.totals(weights)
    there = rows > 0
    rows, sums, period = rows[there], sums[there], found.period[there]
    codes = [found.codes[there, factor] for factor in factors]
    n = [rows[period == side].sum() for side in (0, 1)]
    means = [sums[period == side].sum() / n[side] for side in (0, 1)]
    sizes = [int(each.max()) + 1 for each in codes]
    starts = np.cumsum([2, *sizes])
    design = np.zeros((len(rows), int(starts[-1])))
    design[:, 0], design[:, 1] = 1, period
    for start, levels in zip(starts, codes, strict=False):
        design[np.arange(len(rows)), start + levels] = 1
    penalty = np.full(design.shape[1], FREE)
    penalty[:2] = 0, TIMED
    weighted = design * (rows / rows.sum())[:, None]
    centred = sums / rows.sum() - rows / rows.sum() * (sums.sum() / rows.sum())
    effects = np.linalg.solve(weighted.T @ design + np.diag(penalty), design.T @ centred)
    change = (design * (np.where(period, rows / n[1], -rows / n[0]))[:, None]).sum(axis=0)
    parts = [
        float((change * effects)[start : start + size].sum())
        for start, size in zip(starts, sizes, strict=False)
    ]
    return float(means[1] - means[0]), np.asarray(parts)


def ordered(found: Cells, n_factors: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each factor's part in every order in which factors can be considered.

    What a set of factors explains is what it takes off the period's effect when it joins the
    regression (Gelbach, J. Labor Economics 34, 2016).

    Returns:
        Shapley values (the mean over orders), shape `(F,)`; smallest and largest over orders,
        shape `(2, F)`.
    """
    explained = {
        frozenset(chosen): float(joint(found, chosen)[1].sum()) if chosen else 0.0
        for size in range(n_factors + 1)
        for chosen in combinations(range(n_factors), size)
    }
    return shapley(explained.__getitem__, n_factors)


def shapley(
    worth: Callable[[frozenset[int]], float], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fair shares of what all bring together (Shapley, 1953): the mean over all orders.

    Returns:
        Shares, shape `(n,)`, that sum to `worth(all) - worth(none)`; the smallest and the largest
        over orders, shape `(2, n)`.
    """
    orders = list(permutations(range(n)))
    steps = np.empty((len(orders), n))
    for row, order in enumerate(orders):
        for place, factor in enumerate(order):
            before = frozenset(order[:place])
            steps[row, factor] = worth(before | {factor}) - worth(before)
    return steps.mean(axis=0), np.stack([steps.min(axis=0), steps.max(axis=0)])


def bootstrapped(found: Cells, n_factors: int, seed: int) -> NDArray[np.float64]:
    """95 % intervals of total, parts and rest, from resampled specimens; shape `(2, F + 2)`.

    Percentiles of `REPLICATES` samples of whole clusters, drawn within each period (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993).
    """
    rng = np.random.default_rng(seed)
    k, m = found.clusters
    samples = np.empty((REPLICATES, n_factors + 2))
    for row in range(REPLICATES):
        drawn = [rng.multinomial(size, np.full(size, 1 / size)) for size in (k, m)]
        total, parts = joint(found, range(n_factors), np.concatenate(drawn).astype(np.float64))
        samples[row] = [total, *parts, total - parts.sum()]
    return np.percentile(samples, [2.5, 97.5], axis=0)
