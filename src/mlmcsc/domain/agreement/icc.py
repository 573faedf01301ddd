"""Intraclass correlation of raters who all judged the same items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from mlmcsc.domain.agreement.arrays import Floats, at_least, check_confidence, floats
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.resampling import (
    by_cluster,
    check_resamples,
    percentiles,
    resampled,
)
from mlmcsc.errors import ValidationError

BANDS = ((0.5, "poor"), (0.75, "moderate"), (0.9, "good"))
"""Below which value which word serves (Koo & Li 2016); from the last on it is excellent."""
BEST = "excellent"
UNKNOWN = "unknown"
ROUNDING = 1e-9
"""What a sum of terms of size 1 may miss 0 by."""
NO_AVERAGE = (
    "raters disagree within images more than images differ: the variance of their means leaves "
    "nothing that would be reliable, and the formula divides by zero or less"
)
NO_INTERVAL = "the interval of ICC(2,1) reaches values at which ICC(2,k) does not exist"


@dataclass(frozen=True, slots=True)
class Icc(Result):
    """Two-way random effects, absolute agreement.

    Attributes:
        n: Items.
        k: Raters.
        confidence: Level of the intervals.
        single: ICC(2,1), the reliability of one rater; at most 1, below 0 when raters disagree
            more within an item than items differ, never below -1/(k - 1): k raters cannot.
        single_low: Lower end of its confidence interval.
        single_high: Upper end of its confidence interval.
        average: ICC(2,k), the reliability of the mean of the k raters; None when it does not
            exist, as `reason` says.
        average_low: Lower end of its confidence interval; None when that has none.
        average_high: Upper end of its confidence interval; None when that has none.
        ms_items: Mean square between items.
        ms_raters: Mean square between raters.
        ms_error: Residual mean square.
        resamples: Of the bootstrap over clusters that made the intervals; 0: by F quantiles, with
            items taken as independent.
        reason: Why there is no ICC(2,k), or no interval of it; empty if there is.
    """

    n: int
    k: int
    confidence: float
    single: float
    single_low: float
    single_high: float
    average: float | None
    average_low: float | None
    average_high: float | None
    ms_items: float
    ms_raters: float
    ms_error: float
    resamples: int
    reason: str

    @property
    def single_band(self) -> str:
        """Words for one rater's reliability, judged on the interval."""
        return band(self.single_low, self.single_high)

    @property
    def average_band(self) -> str:
        """Words for the reliability of the mean, judged on the interval; unknown without one."""
        if self.average_low is None or self.average_high is None:
            return UNKNOWN
        return band(self.average_low, self.average_high)


def icc(
    ratings: ArrayLike,
    confidence: float = 0.95,
    clusters: ArrayLike | None = None,
    resamples: int = 2_000,
    seed: int = 0,
) -> Icc:
    """ICC(2,1) and ICC(2,k) with confidence intervals.

    Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428, cases 2; their interval, which is
    that of ICC(A,1) in McGraw & Wong (1996), Psychological Methods 1, 30-46; the one of the mean
    follows from it by Spearman and Brown's formula. It takes items as independent; with clusters
    given the intervals are of a percentile bootstrap over these.

    Args:
        ratings: Shape `(n, k)`, items by raters, without missing values.
        confidence: Level of the intervals, above 0 and below 1.
        clusters: Id of each item's cluster (the specimen of an image), shape `(n,)`.
        resamples: Bootstrap samples, 100 to 1,000,000; used with clusters only.
        seed: Of the random numbers.

    Raises:
        ValidationError: Fewer than two items, raters or clusters, a missing value, or no spread
            at all.
    """
    level = check_confidence(confidence)
    table = floats(ratings, "ratings", dimensions=2)
    n, k = table.shape
    at_least(n, 2, "items judged by all raters")
    at_least(k, 2, "raters")
    items, raters, error = mean_squares(table)
    if not items and not error and raters:
        raise ValidationError(
            f"each rater gave all {n} items one and the same number: items that nobody tells apart "
            "have no intraclass correlation; add items that differ."
        )
    spread = n * items + k * raters + (n * k - n - k) * error
    if spread <= 0:
        raise ValidationError(
            f"every one of the {n * k} ratings is {table[0, 0]:g}: without spread between items "
            "there is no intraclass correlation; add items that differ."
        )
    single = n * (items - error) / spread
    if clusters is None:
        low, high = _interval(n, k, (items, raters, error), level)
    else:
        low, high = _by_clusters(table, clusters, level, (check_resamples(resamples), seed))
    single, low, high = (max(each, -1 / (k - 1)) for each in (single, low, high))
    average, average_low, average_high = (stepped_up(each, k) for each in (single, low, high))
    reason = NO_AVERAGE if average is None else NO_INTERVAL if average_low is None else ""
    if reason:
        average_low = average_high = None
    return Icc(
        n=n, k=k, confidence=level,
        single=single, single_low=low, single_high=high,
        average=average, average_low=average_low, average_high=average_high,
        ms_items=items, ms_raters=raters, ms_error=error,
        resamples=0 if clusters is None else resamples, reason=reason,
    )  # fmt: skip


def mean_squares(table: Floats) -> tuple[float, float, float]:
    """Mean squares of a two-way layout `(n, k)`: between rows, between columns, residual."""
    n, k = table.shape
    centred = table - table.mean()
    rows, columns = centred.mean(axis=1, keepdims=True), centred.mean(axis=0, keepdims=True)
    residual = centred - rows - columns
    # Rounding leaves about 1e-32 of what cancels: that is agreement, not error.
    dust = np.finfo(np.float64).eps ** 2 * 16 * float((table**2).mean())
    squares = (
        k * float((rows**2).sum()) / (n - 1),
        n * float((columns**2).sum()) / (k - 1),
        float((residual**2).sum()) / ((n - 1) * (k - 1)),
    )
    between_rows, between_columns, left = (0.0 if each <= dust * n else each for each in squares)
    return between_rows, between_columns, left


def stepped_up(single: float, k: int) -> float | None:
    """The reliability of the mean of k from that of one (Spearman and Brown); None without one."""
    below = 1 + (k - 1) * single
    return k * single / below if below > ROUNDING else None


def band(low: float, high: float) -> str:
    """Words of Koo & Li (2016), J. Chiropr. Med. 15, 155-163, for an interval: "moderate to good".

    They ask to judge the confidence interval, never the value alone.

    Args:
        low: Lower end of the confidence interval.
        high: Upper end.
    """
    worst, best = _word(low), _word(high)
    return worst if worst == best else f"{worst} to {best}"


def _word(value: float) -> str:
    return next((word for limit, word in BANDS if value < limit), BEST)


def _interval(
    n: int, k: int, squares: tuple[float, float, float], level: float
) -> tuple[float, float]:
    items, raters, error = squares
    if error == 0 and raters == 0:
        return 1.0, 1.0
    # The degrees of freedom of Satterthwaite's approximation, written without dividing by MSE.
    spread = n * items + k * raters + (n * k - n - k) * error
    rho = n * (items - error) / spread
    a, b = k * rho * raters, (n * (1 + (k - 1) * rho) - k * rho) * error
    df = (a + b) ** 2 / (a**2 / (k - 1) + b**2 / ((n - 1) * (k - 1)))
    if not df > 0:
        return -1 / (k - 1), 1.0  # without degrees of freedom, everything is possible
    upper_tail = 1 - (1 - level) / 2
    f_low = float(fdtri(n - 1, df, upper_tail))
    f_high = float(fdtri(df, n - 1, upper_tail))
    noise = k * raters + (n * k - n - k) * error
    low = n * (items - f_low * error) / (f_low * noise + n * items)
    high = n * (f_high * items - error) / (noise + n * f_high * items)
    return low, high


def _by_clusters(
    table: Floats, clusters: ArrayLike, level: float, sampling: tuple[int, int]
) -> tuple[float, float]:
    """Percentile interval of ICC(2,1), whole clusters of items drawn."""
    n, k = table.shape
    centred = table - table.mean()
    ones, squares = np.ones((n, 1)), (centred**2).sum(axis=1, keepdims=True)
    means = centred.sum(axis=1, keepdims=True) ** 2 / k
    sums = by_cluster(np.hstack([ones, squares, means, centred]), clusters)
    at_least(len(sums), 2, "clusters of items")
    resamples, seed = sampling
    drawn = resampled(sums, _single_of_sums, resamples=resamples, seed=seed)
    return percentiles(drawn, level)


def _single_of_sums(sums: Floats) -> Floats:
    """ICC(2,1) of sums `(B, 3 + k)`: items, squares, squared means of items, each rater's sum."""
    n, squares, rows, columns = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
    k = columns.shape[1]
    middle = columns.sum(axis=1) ** 2 / (n * k)
    of_items, of_raters = rows - middle, (columns**2).sum(axis=1) / n - middle
    of_error = np.maximum(squares - middle - of_items - of_raters, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        items, raters = of_items / (n - 1), of_raters / (k - 1)
        error = of_error / ((n - 1) * (k - 1))
        found: Floats = n * (items - error) / (n * items + k * raters + (n * k - n - k) * error)
    return found
