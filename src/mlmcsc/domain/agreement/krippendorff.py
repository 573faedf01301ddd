"""Krippendorff's alpha: agreement of any number of raters, with ratings missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.domain.agreement.arrays import Floats, at_least, check_confidence, floats
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.resampling import (
    by_cluster,
    check_resamples,
    cluster_numbers,
    percentiles,
    resampled,
)
from mlmcsc.errors import ValidationError

RELIABLE, TENTATIVE = 0.8, 0.667
"""From where on Krippendorff relies on data, and draws tentative conclusions."""


@dataclass(frozen=True, slots=True)
class Alpha(Result):
    """Krippendorff's alpha for values on an interval scale.

    Attributes:
        value: 1 is perfect agreement, 0 what chance would give, below 0 systematic disagreement.
        low: Lower end of the bootstrap interval; None without one.
        high: Upper end.
        confidence: Level of the interval.
        units: Units rated twice or more; the others tell nothing of agreement.
        raters: Raters who rated one of these.
        values: Ratings of these units.
        left_out: Units rated once or never.
        resamples: Of the bootstrap; 0: none.
        seed: Of its random numbers.
    """

    value: float
    low: float | None
    high: float | None
    confidence: float
    units: int
    raters: int
    values: int
    left_out: int
    resamples: int
    seed: int

    @property
    def band(self) -> str:
        """Krippendorff's words, judged on the lower end of the interval where there is one."""
        judged = self.value if self.low is None else self.low
        if judged >= RELIABLE:
            return "reliable"
        return "tentative" if judged >= TENTATIVE else "not reliable"


def alpha(
    ratings: ArrayLike,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
    clusters: ArrayLike | None = None,
) -> Alpha:
    """Krippendorff's alpha with the interval metric, in time proportional to the ratings.

    Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability"; the sum over pairs of
    squared differences within m values is 2m times their sum of squares about their mean. The
    interval is of a percentile bootstrap over units.

    Args:
        ratings: Shape `(n, k)`, units by raters, NaN for a missing one.
        confidence: Level of the interval, above 0 and below 1.
        resamples: Bootstrap samples, 100 to 1,000,000; 0 for none.
        seed: Of the random numbers.
        clusters: Id of each unit's cluster (the specimen of an image), shape `(n,)`: these are
            drawn instead; without, units are taken as independent.

    Raises:
        ValidationError: No unit rated twice, or no two values differ.
    """
    level = check_confidence(confidence)
    table = floats(ratings, "ratings", dimensions=2, missing=True)
    known = ~np.isnan(table)
    kept = known.sum(axis=1) >= 2  # noqa: PLR2004  # one value makes no pair
    at_least(int(kept.sum()), 1, "units rated by two raters or more")
    sums = _sums(table[kept], known[kept])
    value = float(_statistic(sums.sum(axis=0)[None, :])[0])
    if not np.isfinite(value):
        raise ValidationError(
            f"every one of the {int(sums[:, 0].sum())} ratings is the same: without spread there "
            "is no chance disagreement to compare with; add units that differ."
        )
    low = high = None
    own = cluster_numbers(clusters, len(table))
    groups = sums if own is None else by_cluster(sums, own[kept])
    wanted = resamples if resamples == 0 else check_resamples(resamples)
    if wanted and len(groups) > 1:
        drawn = resampled(groups, _statistic, resamples=wanted, seed=seed)
        low, high = percentiles(drawn, level)
    return Alpha(
        value=value, low=low, high=high, confidence=level,
        units=len(sums), raters=int(known[kept].any(axis=0).sum()),
        values=int(sums[:, 0].sum()), left_out=len(table) - len(sums),
        resamples=wanted if low is not None else 0, seed=seed,
    )  # fmt: skip


def _sums(table: Floats, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Of each unit: number of values, their sum, of squares, and what it adds to disagreement."""
    filled = np.where(known, table - table[known].mean(), 0.0)
    count = known.sum(axis=1).astype(np.float64)
    total = filled.sum(axis=1)
    about_mean = np.where(known, filled - (total / count)[:, None], 0.0)
    within = (about_mean**2).sum(axis=1)
    return np.stack([count, total, (filled**2).sum(axis=1), count / (count - 1) * within], axis=1)


def _statistic(sums: Floats) -> Floats:
    count, total, squares, disagreement = sums.T
    spread = squares - total**2 / count
    spread = np.where(spread > np.finfo(np.float64).eps * squares, spread, np.nan)
    result: Floats = 1 - (disagreement / count) / (spread / (count - 1))
    return result
