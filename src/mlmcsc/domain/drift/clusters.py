"""What samples are worth whose values come in clusters, as images of a specimen do.

Twenty images of one specimen are not twenty pieces of news. A sample of n values in clusters of
size m is worth n / (1 + (m - 1)·ICC) independent ones (Kish, Survey Sampling, 1965), where ICC is
the intraclass correlation: 0 where images of a specimen differ like any others, 1 where they are
all alike. For unequal clusters m is the mean size that a value sees, sum of m² over n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.measures import Numbers


@dataclass(frozen=True, slots=True)
class Clustered:
    """Values and the clusters that they come in.

    Attributes:
        values: Numbers, or codes of categories; shape `(N,)`, without NaN.
        clusters: Cluster of each, shape `(N,)`; any integers.
    """

    values: NDArray[Any]
    clusters: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)


Two = tuple[Clustered, Clustered]
Pair = tuple[float, float]


def effective_of_numbers(both: Two) -> Pair:
    """What both samples of numbers are worth, in independent values.

    The correlation is that of ranks: it fits the Kolmogorov-Smirnov test and no outlier bends it.
    """
    pooled = np.sort(np.concatenate([each.values for each in both]))
    return _effective(both, pooled)


def effective_of_categories(both: Two, n_categories: int) -> Pair:
    """What both samples of codes below `n_categories` are worth: one correlation for all."""
    return _effective(both, None, n_categories)


def _ranks(ascending: Numbers, values: Numbers) -> NDArray[np.float64]:
    places = np.searchsorted(ascending, values, "left")
    places += np.searchsorted(ascending, values, "right")
    return places / (2.0 * len(ascending))


def _effective(both: Two, pooled: Numbers | None, n_categories: int = 1) -> Pair:
    """Kish's sizes by the ANOVA estimate of the correlation, within periods.

    Within periods, so that a shift between them does not pass for likeness within specimens.
    """
    between = within = 0.0
    n = squares = n_clusters = 0.0
    seen = []
    for each in both:
        cluster = np.searchsorted(np.unique(each.clusters), each.clusters)
        sizes = np.bincount(cluster)
        if pooled is None:
            code = cluster * n_categories + each.values
            sums = np.bincount(code, minlength=len(sizes) * n_categories)
            sums = sums.reshape(-1, n_categories).astype(np.float64)
            total = float(len(each))  # sum of squares of indicators
        else:
            ranks = _ranks(pooled, each.values)
            sums = np.bincount(cluster, weights=ranks)[:, None]
            total = float(ranks @ ranks)
        overall = float((sums.sum(axis=0) ** 2).sum()) / len(each)
        explained = float((sums**2 / sizes[:, None]).sum())
        between += explained - overall
        within += total - explained
        n, n_clusters = n + len(each), n_clusters + len(sizes)
        own = float((sizes.astype(np.float64) ** 2).sum()) / len(each)
        squares += own
        seen.append(own)
    correlation = _correlation(between, within, n, n_clusters, squares)
    effect = [1 + (size - 1) * correlation for size in seen]
    return len(both[0]) / effect[0], len(both[1]) / effect[1]


def _correlation(
    between: float, within: float, n: float, n_clusters: float, squares: float
) -> float:
    """One-way random effects, two periods: (MSB - MSW) / (MSB + (m0 - 1)·MSW), within 0 to 1."""
    if n_clusters <= 2 or n <= n_clusters:  # noqa: PLR2004  # a cluster a period, or none repeats
        return 1.0
    msb, msw = between / (n_clusters - 2), max(within, 0.0) / (n - n_clusters)
    size = (n - squares) / (n_clusters - 2)
    spread = msb + (size - 1) * msw
    return 0.0 if spread <= 0 else float(np.clip((msb - msw) / spread, 0, 1))
