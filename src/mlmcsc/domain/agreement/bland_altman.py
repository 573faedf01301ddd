"""Bland and Altman's comparison of two ways to measure the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from mlmcsc.domain.agreement.arrays import at_least, check_confidence, floats, same_length
from mlmcsc.domain.agreement.clustering import half_width
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.points import shown
from mlmcsc.domain.agreement.resampling import cluster_numbers
from mlmcsc.domain.agreement.straight_line import line

COVERED = 0.95
"""Share of differences that the limits of agreement are to hold."""


@dataclass(frozen=True, slots=True)
class BlandAltman(Result):
    """Bias and limits of agreement of `first` minus `second`, in the unit of the labels.

    Attributes:
        n: Pairs.
        confidence: Level of all intervals.
        bias: Mean difference.
        bias_low: Lower end of its interval.
        bias_high: Upper end of its interval.
        sd: Standard deviation of the differences.
        lower: Lower limit of agreement, bias - 1.96 sd.
        lower_low: Lower end of its interval.
        lower_high: Upper end of its interval.
        upper: Upper limit of agreement, bias + 1.96 sd.
        upper_low: Lower end of its interval.
        upper_high: Upper end of its interval.
        slope: Of the difference on the mean: 0 unless the bias grows with what is measured;
            None where fewer than three pairs or no spread of the means leave it unknown.
        slope_low: Lower end of its interval.
        slope_high: Upper end of its interval.
        means: Of each pair that a plot shows.
        differences: Of the same pairs.
        sampled: Whether there were above 2,000 pairs, of which `means` and `differences` hold
            as many, drawn at random, and always the four outermost; all numbers are of all pairs.
    """

    n: int
    confidence: float
    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    means: tuple[float, ...]
    differences: tuple[float, ...]
    sampled: bool

    @property
    def proportional(self) -> bool | None:
        """Whether the slope's interval leaves 0 out; None without a slope."""
        if self.slope_low is None or self.slope_high is None:
            return None
        return self.slope_low > 0 or self.slope_high < 0


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: ArrayLike | None = None,
) -> BlandAltman:
    """Bias, limits of agreement and their confidence intervals.

    Bland & Altman (1999), Stat. Methods Med. Res. 8, 135-160: limits d ± 1.96 s, the variance of
    a limit s²(1/n + 1.96²/(2(n-1))), Student's t with n - 1 degrees of freedom.

    Args:
        first: Shape `(n,)`; pairs with a NaN in either are left out.
        second: Shape `(n,)`, the same items.
        confidence: Level of the intervals, above 0 and below 1.
        seed: Of the choice of points to draw.
        clusters: Id of each item's cluster (the specimen of an image), shape `(n,)`: intervals are
            then cluster-robust, never narrower; without, items are taken as independent.

    Raises:
        ValidationError: Fewer than two pairs or clusters, or lengths that differ.
    """
    level = check_confidence(confidence)
    one = floats(first, "first", dimensions=1, missing=True)
    two = floats(second, "second", dimensions=1, missing=True)
    same_length(first=one, second=two)
    both = ~(np.isnan(one) | np.isnan(two))
    differences, means = (one - two)[both], (one + two)[both] / 2
    n = len(differences)
    at_least(n, 2, "pairs")
    bias, sd, z = float(differences.mean()), float(differences.std(ddof=1)), float(ndtri(0.975))
    t = float(stdtrit(n - 1, (1 + level) / 2))
    groups = cluster_numbers(clusters, len(one))
    groups = None if groups is None else groups[both]
    if groups is not None:
        at_least(len(np.unique(groups)), 2, "clusters of pairs")
    away = differences - bias
    stretch = (away**2 - float((away**2).mean())) / (2 * sd) if sd else np.zeros(n)
    of_bias = half_width(away, t * sd / n**0.5, groups, level)
    of_limit = t * sd * (1 / n + z**2 / (2 * (n - 1))) ** 0.5
    of_lower = half_width(away - z * stretch, of_limit, groups, level)
    of_upper = half_width(away + z * stretch, of_limit, groups, level)
    slope, slope_low, slope_high = line(means, differences, level, groups) or (None, None, None)
    points = shown(differences, seed)
    return BlandAltman(
        n=n, confidence=level, bias=bias, bias_low=bias - of_bias, bias_high=bias + of_bias, sd=sd,
        lower=bias - z * sd,
        lower_low=bias - z * sd - of_lower, lower_high=bias - z * sd + of_lower,
        upper=bias + z * sd,
        upper_low=bias + z * sd - of_upper, upper_high=bias + z * sd + of_upper,
        slope=slope, slope_low=slope_low, slope_high=slope_high,
        means=tuple(means[points].tolist()), differences=tuple(differences[points].tolist()),
        sampled=len(points) < n,
    )  # fmt: skip
