"""Specimens far from a transition curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.charpy import tanh_model
from mlmcsc.domain.charpy.fitted import Point
from mlmcsc.domain.charpy.tanh_model import Array, Problem
from mlmcsc.domain.charpy.uncertainty import is_exact, leverages

ALONE: Final = 1e-9
"""What is left of a residual's variance at a point that alone decides the curve."""


def points_of(
    problem: Problem, parameters: Array, names: Sequence[str], scale: float | None
) -> tuple[Point, ...]:
    """The specimens with their residuals, and which of them are outliers.

    Args:
        problem: The points.
        parameters: Fitted to them, `float64[4]`.
        names: Of the specimens.
        scale: Of a robust fit.
    """
    from scipy.special import stdtrit  # noqa: PLC0415  # slow to import

    n, spare = len(names), problem.spare - 1
    limit = float(stdtrit(spare, 1 - 0.05 / (2 * n))) if spare > 0 else np.inf
    studentised = _studentised(problem, parameters, spare, scale)
    if scale is not None:
        # A median of few residuals may be small by luck; those of points on the curve tell more.
        on = np.array([s is not None and abs(s) <= limit for s in studentised])
        wider = max(scale, _spread_of(problem, parameters, on))
        studentised = _studentised(problem, parameters, spare, wider)
    rows = zip(names, problem.temperatures, problem.values, studentised, strict=True)
    return tuple(
        Point(name, float(t), float(y), s, outlier=s is not None and abs(s) > limit)
        for name, t, y, s in rows
    )


def _spread_of(problem: Problem, parameters: Array, on: NDArray[np.bool_]) -> float:
    residuals = (problem.values - tanh_model.curve(problem.temperatures, parameters))[on]
    spare = len(residuals) - int(problem.free.sum())
    return float(np.sqrt(residuals @ residuals / spare)) if spare > 0 else 0.0


def _studentised(
    problem: Problem, parameters: Array, spare: int, scale: float | None
) -> list[float | None]:
    """Externally studentised residuals (Cook and Weisberg 1982, section 2.2).

    Of a robust fit, over its `scale`; None where they say nothing.
    """
    residuals = problem.values - tanh_model.curve(problem.temperatures, parameters)
    if spare < 1 or is_exact(problem, parameters):
        return [None] * len(residuals)
    rest = 1 - leverages(problem, parameters)
    free = rest > ALONE  # else the point alone decides the curve there
    own = np.divide(residuals**2, rest, out=np.zeros_like(rest), where=free)
    squares = float(residuals @ residuals)
    variance = (squares - own) / spare if scale is None else np.full_like(rest, scale**2)
    defined = free & (variance > 0)
    found = residuals / np.sqrt(np.where(defined, variance * rest, 1.0))
    return [float(s) if ok else None for s, ok in zip(found, defined, strict=True)]
