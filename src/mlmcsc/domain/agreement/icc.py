"""Intraclass correlation of raters who all judged the same items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtri

from mlmcsc.domain.agreement.arrays import Floats, at_least, check_confidence, floats
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.errors import ValidationError

BANDS = ((0.5, "poor"), (0.75, "moderate"), (0.9, "good"))
"""Below which value which word serves (Koo & Li 2016); from the last on it is excellent."""
BEST = "excellent"


@dataclass(frozen=True, slots=True)
class Icc(Result):
    """Two-way random effects, absolute agreement.

    Attributes:
        n: Items.
        k: Raters.
        confidence: Level of the intervals.
        single: ICC(2,1), the reliability of one rater; at most 1, below 0 when raters disagree
            more within an item than items differ.
        single_low: Lower end of its confidence interval.
        single_high: Upper end of its confidence interval.
        average: ICC(2,k), the reliability of the mean of the k raters.
        average_low: Lower end of its confidence interval.
        average_high: Upper end of its confidence interval.
        ms_items: Mean square between items.
        ms_raters: Mean square between raters.
        ms_error: Residual mean square.
    """

    n: int
    k: int
    confidence: float
    single: float
    single_low: float
    single_high: float
    average: float
    average_low: float
    average_high: float
    ms_items: float
    ms_raters: float
    ms_error: float

    @property
    def single_band(self) -> str:
        """Words for one rater's reliability, judged on the interval."""
        return band(self.single_low, self.single_high)

    @property
    def average_band(self) -> str:
        """Words for the reliability of the mean, judged on the interval."""
        return band(self.average_low, self.average_high)


def icc(ratings: ArrayLike, confidence: float = 0.95) -> Icc:
    """ICC(2,1) and ICC(2,k) with confidence intervals.

    Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428, cases 2; their interval, which is
    that of ICC(A,1) in McGraw & Wong (1996), Psychological Methods 1, 30-46; the one of the mean
    follows from it by Spearman and Brown's formula.

    Args:
        ratings: Shape `(n, k)`, items by raters, without missing values.
        confidence: Level of the intervals, above 0 and below 1.

    Raises:
        ValidationError: Fewer than two items or raters, a missing value, or no spread at all.
    """
    level = check_confidence(confidence)
    table = floats(ratings, "ratings", dimensions=2)
    n, k = table.shape
    at_least(n, 2, "items judged by all raters")
    at_least(k, 2, "raters")
    items, raters, error = mean_squares(table)
    spread = n * items + k * raters + (n * k - n - k) * error
    if spread <= 0:
        raise ValidationError(
            f"every one of the {n * k} ratings is {table[0, 0]:g}: without spread between items "
            "there is no intraclass correlation; add items that differ."
        )
    single = n * (items - error) / spread
    low, high = _interval(n, k, (items, raters, error), level)
    return Icc(
        n=n, k=k, confidence=level,
        single=single, single_low=low, single_high=high,
        average=stepped_up(single, k),
        average_low=stepped_up(low, k), average_high=stepped_up(high, k),
        ms_items=items, ms_raters=raters, ms_error=error,
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


def stepped_up(single: float, k: int) -> float:
    """The reliability of the mean of k from that of one (Spearman and Brown)."""
    below = 1 + (k - 1) * single
    return k * single / below if below > 0 else -np.inf


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
    upper_tail = 1 - (1 - level) / 2
    f_low = float(fdtri(n - 1, df, upper_tail))
    f_high = float(fdtri(df, n - 1, upper_tail))
    noise = k * raters + (n * k - n - k) * error
    low = n * (items - f_low * error) / (f_low * noise + n * items)
    high = n * (f_high * items - error) / (noise + n * f_high * items)
    return low, high
