"""Bootstrap of statistics that are functions of sums over items, quick for any number of items."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.domain.agreement.arrays import Floats, Indices, numbered, whole
from mlmcsc.errors import ValidationError

MOST_GROUPS = 2_000
"""Above as many items they are put into as many groups at random, and groups are drawn."""
AT_ONCE = 250
"""Resamples worked on together: 250 x 2,000 counts are 4 MB."""
FEWEST = 100
MOST = 1_000_000


def check_resamples(resamples: int) -> int:
    """The number of resamples; ValidationError below 100 or above a million."""
    return whole(resamples, "resamples", FEWEST, MOST)


def random_numbers(seed: int) -> np.random.Generator:
    """The generator of a seed, a whole number of at least 0; ValidationError otherwise."""
    return np.random.default_rng(whole(seed, "seed", 0))


def resampled(
    sums: Floats, statistic: Callable[[Floats], Floats], *, resamples: int, seed: int
) -> Floats:
    """The statistic in each of many samples of items drawn with replacement.

    Items are drawn whole, so labels of one item stay together. Sums over random groups of items
    are drawn in place of single ones when there are many: as independent as the items, and the
    sum of a drawn sample varies the same.

    Args:
        sums: Shape `(n, q)`: what each item adds to each of q sums.
        statistic: From sums of shape `(B, q)` to values of shape `(B, ...)`.
        resamples: How many samples.
        seed: Of the generator: the same seed gives the same numbers.

    Returns:
        Shape `(resamples, ...)`; NaN where the statistic does not exist for a sample.
    """
    generator = random_numbers(seed)
    groups = _grouped(sums, generator)
    count = len(groups)
    found = []
    for start in range(0, resamples, AT_ONCE):
        rows = min(AT_ONCE, resamples - start)
        drawn = generator.integers(count, size=(rows, count))
        offset = drawn + np.arange(rows)[:, None] * count
        times = np.bincount(offset.ravel(), minlength=rows * count).reshape(rows, count)
        found.append(statistic(times.astype(np.float64) @ groups))
    return np.concatenate(found)


def by_cluster(sums: Floats, clusters: ArrayLike | None) -> Floats:
    """The sums of clusters of items, as images of one specimen: then these are drawn, whole.

    Args:
        sums: Shape `(n, q)`.
        clusters: Id of the cluster of each item, shape `(n,)`; None: each item is its own.

    Raises:
        ValidationError: Not one id for each item.
    """
    group = cluster_numbers(clusters, len(sums))
    if group is None:
        return sums
    size = int(group.max(initial=-1)) + 1
    return np.stack([np.bincount(group, column, size) for column in sums.T], axis=1)


def cluster_numbers(clusters: ArrayLike | None, n: int) -> Indices | None:
    """Clusters numbered from 0, shape `(n,)`; ValidationError unless one id for each of n items."""
    if clusters is None:
        return None
    ids = np.asarray(clusters)
    if ids.shape != (n,):
        raise ValidationError(f"clusters: shape {ids.shape} for {n} items: each needs one id.")
    return numbered(ids, "clusters")[1]


def percentiles(values: Floats, confidence: float) -> tuple[float, float]:
    """The percentile interval of a bootstrap, leaving out samples without a value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _grouped(sums: Floats, generator: np.random.Generator) -> Floats:
    if len(sums) <= MOST_GROUPS:
        return sums
    group = generator.permutation(len(sums)) % MOST_GROUPS
    return np.stack([np.bincount(group, column, MOST_GROUPS) for column in sums.T], axis=1)
