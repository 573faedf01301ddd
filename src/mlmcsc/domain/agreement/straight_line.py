"""A straight line through points, by least squares."""

from __future__ import annotations

from scipy.special import stdtrit

from mlmcsc.domain.agreement.arrays import Floats, Indices
from mlmcsc.domain.agreement.clustering import half_width

FEWEST = 3
"""Two points leave no residual, so no interval."""
SAME = 1e-24
"""Squared spread of x, relative to its size, that is but rounding."""


def line(
    x: Floats, y: Floats, confidence: float, clusters: Indices | None = None
) -> tuple[float, float, float] | None:
    """Slope of y on x and its interval by Student's t; None below three points or without spread.

    Args:
        x: Shape `(n,)`.
        y: Shape `(n,)`.
        confidence: Level of the interval.
        clusters: Number of each point's cluster; None: points are taken as independent.
    """
    n = len(x)
    if n < FEWEST:
        return None
    away, up = x - x.mean(), y - y.mean()
    spread = float(away @ away)
    if spread <= SAME * float(x @ x):
        return None
    slope = float(away @ up) / spread
    left = up - slope * away
    half = float(stdtrit(n - 2, (1 + confidence) / 2))
    half *= (float(left @ left) / (n - 2) / spread) ** 0.5
    half = half_width(n * left * away / spread, half, clusters, confidence)
    return slope, slope - half, slope + half
