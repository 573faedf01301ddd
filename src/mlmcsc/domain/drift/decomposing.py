"""How much of a change of a mean comes from which factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

REPLICATES: Final = 200
"""Bootstrap samples behind an interval."""
FREE: Final = 1e-9
TIMED: Final = 1e-6
"""Ridge penalties of factors' effects and of the period's: too small to bend what data tell.

They only keep the equations solvable where data do not tell factors apart, or a factor from the
period: such parts are not told one by one, see `inseparable`.
"""
_NOTHING: Final = 1e-10
_SOME: Final = 1e-7
MOST_CELLS: Final = 5000
MOST_GROUPS: Final = 200
"""Beyond so many specimens a period, random groups of them are resampled: as wide, and quick."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is decomposed, of one period.

    Attributes:
        values: float64, shape `(N,)`.
        clusters: Specimen of each, shape `(N,)`, int64.
        codes: Level of each factor, shape `(N, F)`, whole numbers from 0.
    """

    values: NDArray[np.float64]
    clusters: NDArray[np.int64]
    codes: NDArray[np.integer[Any]]


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
    levels = [
        int(max(each.codes[:, f].max() for each in sides)) + 1
        for f in range(reference.codes.shape[1])
    ]
    parts = [_entries(side, levels) for side in sides]
    n = tuple(int(part[2].max()) + 1 for part in parts)
    keys = [part[0] for part in parts]
    codes = np.concatenate([_levels(key, levels) for key in keys])
    entries = (
        np.concatenate([parts[0][1], parts[1][1] + len(keys[0])]),
        np.concatenate([parts[0][2], parts[1][2] + n[0]]),
        np.concatenate([part[3] for part in parts]),
        np.concatenate([part[4] for part in parts]),
    )
    return Cells(np.repeat(np.arange(2), [len(key) for key in keys]), codes, entries, (n[0], n[1]))


def _entries(side: Rows, levels: Sequence[int]) -> tuple[NDArray[Any], ...]:
    """Keys of cells; then cell, cluster, rows and sum of each entry. Few copies: rows are many."""
    cell = np.zeros(len(side.values), np.int64)
    for factor, size in enumerate(levels):
        cell *= size
        cell += side.codes[:, factor]
    keys = np.unique(cell)
    cell = np.searchsorted(keys, cell)
    group = _grouped(side.clusters)
    n_groups = int(group.max()) + 1
    cell *= n_groups
    cell += group
    pairs = np.unique(cell)
    entry = np.searchsorted(pairs, cell)
    rows = np.bincount(entry).astype(np.float64)
    sums = np.bincount(entry, weights=side.values)
    return keys, pairs // n_groups, pairs % n_groups, rows, sums


def _levels(keys: NDArray[np.int64], levels: Sequence[int]) -> NDArray[np.int64]:
    """Level of each factor, from the number that stands for all of them; shape `(C, F)`."""
    found = np.empty((len(keys), len(levels)), np.int64)
    for factor in reversed(range(len(levels))):
        keys, found[:, factor] = np.divmod(keys, levels[factor])
    return found


def _grouped(clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters as codes from 0; dealt into `MOST_GROUPS` at random, always alike, if more."""
    known = np.unique(clusters)
    code = np.searchsorted(known, clusters)
    if len(known) <= MOST_GROUPS:
        return code
    groups: NDArray[np.int64] = np.random.default_rng(len(known)).permutation(len(known))
    return (groups % MOST_GROUPS)[code]


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
    design, starts = _design(period, found.codes[there][:, list(factors)])
    n = [rows[period == side].sum() for side in (0, 1)]
    means = [sums[period == side].sum() / n[side] for side in (0, 1)]
    penalty = np.full(design.shape[1], FREE)
    penalty[:2] = 0, TIMED
    weighted = design * (rows / rows.sum())[:, None]
    centred = sums / rows.sum() - rows / rows.sum() * (sums.sum() / rows.sum())
    effects = np.linalg.solve(weighted.T @ design + np.diag(penalty), design.T @ centred)
    change = (design * (np.where(period, rows / n[1], -rows / n[0]))[:, None]).sum(axis=0)
    parts = [float((change * effects)[start:end].sum()) for start, end in pairwise(starts)]
    return float(means[1] - means[0]), np.asarray(parts)


def _design(
    period: NDArray[np.int64], codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[int]]:
    """Columns: one, the period, each level; and where each factor's levels begin, and end."""
    starts = [2]
    for column in codes.T:
        starts.append(starts[-1] + int(column.max()) + 1)
    design = np.zeros((len(period), starts[-1]))
    design[:, 0], design[:, 1] = 1, period
    for start, column in zip(starts, codes.T, strict=False):
        design[np.arange(len(period)), start + column] = 1
    return design, starts


def inseparable(found: Cells) -> NDArray[np.bool_]:
    """Which parts data do not tell from others: of each factor, then of the rest; shape `(F + 1,)`.

    A part is a sum of effects times changes of shares. Data give it one value only if these
    changes are a combination of rows of the design (Searle, Linear Models, 1971: estimable
    functions): a model replaced by another at one time is not, as what else came then did the same.
    """
    rows, _ = found.totals()
    design, starts = _design(found.period, found.codes)
    values, vectors = np.linalg.eigh(design.T @ design)
    free = vectors[:, values < _NOTHING * values[-1]]
    shares = [np.where(found.period == side, rows, 0.0) for side in (0, 1)]
    change = shares[1] / shares[1].sum() @ design - shares[0] / shares[0].sum() @ design
    ends = [*pairwise(starts), (1, 2)]
    return np.asarray(
        [bool(np.abs(change[a:b] @ free[a:b]).max(initial=0.0) > _SOME) for a, b in ends]
    )


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


def bootstrapped(
    found: Cells, n_factors: int, seed: int, together: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """95 % intervals from resampled specimens; shape `(2, F + 3)`.

    Of the total, the parts, the rest, and the sum of those parts (and rest) that are `together`.
    Percentiles of `REPLICATES` samples of whole clusters, drawn within each period (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993).
    """
    rng = np.random.default_rng(seed)
    k, m = found.clusters
    samples = np.empty((REPLICATES, n_factors + 3))
    for row in range(REPLICATES):
        drawn = [rng.multinomial(size, np.full(size, 1 / size)) for size in (k, m)]
        total, parts = joint(found, range(n_factors), np.concatenate(drawn).astype(np.float64))
        every = np.append(parts, total - parts.sum())
        samples[row] = [total, *every, every[together].sum()]
    return np.percentile(samples, [2.5, 97.5], axis=0)
