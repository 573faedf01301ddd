"""The hyperbolic tangent curve of a ductile-to-brittle transition, and its least squares fit.

    Y(T) = LS + (US - LS)/2 [1 + tanh((T - T50)/C)]          (as in ASTM E2215)

LS and US are the lower and the upper shelf, T50 the temperature midway between them, and 2 C the
width of the steep part. Parameters stand in the order of `NAMES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shelves = tuple[float | None, float | None]

NAMES: Final = ("lower_shelf", "upper_shelf", "t50", "c")
STEEPEST, FLATTEST = 1e-3, 20.0
"""Limits of C, in spans of the tested temperatures."""
BEYOND: Final = 3.0
"""How many spans outside the tested temperatures T50 may be looked for."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Points to fit: temperatures in °C and values, both `float64[N]`, and the fixed shelves."""

    temperatures: Array
    values: Array
    shelves: Shelves

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which of the four parameters are estimated, `bool[4]`."""
        return np.array([shelf is None for shelf in self.shelves] + [True, True])

    @property
    def spare(self) -> int:
        """Degrees of freedom: specimens less free parameters."""
        return len(self.values) - int(self.free.sum())

    @property
    def span(self) -> float:
        """From the coldest to the warmest, in °C."""
        return float(np.ptp(self.temperatures))

    def sample(self, rows: NDArray[np.int64]) -> Problem:
        """Some of the points."""
        return Problem(self.temperatures[rows], self.values[rows], self.shelves)


def curve(temperatures: Array, parameters: Array) -> Array:
    """The curve's values, `float64[N]`."""
    low, high, t50, c = parameters
    found: Array = low + (high - low) / 2 * (1 + np.tanh((temperatures - t50) / c))
    return found


def gradient(temperatures: Array, parameters: Array) -> Array:
    """How the curve's values change with each parameter, `float64[N, 4]`."""
    low, high, t50, c = parameters
    z = (temperatures - t50) / c
    s = np.tanh(z)
    steep = -(high - low) / 2 * (1 - s**2) / c
    return np.column_stack([(1 - s) / 2, (1 + s) / 2, steep, steep * z])


def solve(problem: Problem) -> Array:
    """The parameters with the least sum of squares, `float64[4]`, from the best of many starts."""
    starts = sorted(grid(problem), key=lambda found: _rss(problem, found))[:2]
    return min((refine(problem, start) for start in starts), key=lambda found: _rss(problem, found))


def refine(problem: Problem, start: Array, *, scale: float | None = None) -> Array:
    """The minimum next to `start`; with a `scale`, that of the soft L1 loss."""
    from scipy.optimize import least_squares  # noqa: PLC0415  # slow to import

    free, span = problem.free, problem.span
    rise = float(np.ptp(problem.values)) or 1.0

    def whole(some: Array) -> Array:
        parameters = start.copy()
        parameters[free] = some
        return parameters

    t = problem.temperatures
    lowest = np.array([-np.inf, -np.inf, t.min() - BEYOND * span, STEEPEST * span])
    highest = np.array([np.inf, np.inf, t.max() + BEYOND * span, FLATTEST * span])
    found = least_squares(
        lambda some: curve(t, whole(some)) - problem.values,
        start[free],
        jac=lambda some: gradient(t, whole(some))[:, free],
        bounds=(lowest[free], highest[free]),
        x_scale=np.array([rise, rise, span, span])[free],
        loss="linear" if scale is None else "soft_l1",
        f_scale=scale or 1.0,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    return whole(found.x)


def grid(problem: Problem) -> list[Array]:
    """Curves of many T50 and C, each with its best shelves, which are linear."""
    t, span = problem.temperatures, problem.span
    return [
        with_shelves(problem, float(t50), c * span)
        for t50 in np.linspace(t.min() - span / 4, t.max() + span / 4, 13)
        for c in (0.03, 0.1, 0.25, 0.6)
    ]


def with_shelves(problem: Problem, t50: float, c: float, weights: Array | None = None) -> Array:
    """The curve of this T50 and C with the shelves of least squares, `float64[4]`.

    Args:
        problem: The points.
        t50: In °C.
        c: In °C.
        weights: Of the points, `float64[N]`; None where all weigh the same.
    """
    share = (1 + np.tanh((problem.temperatures - t50) / c)) / 2
    columns = np.column_stack([1 - share, share])
    fixed = np.array([np.nan if shelf is None else shelf for shelf in problem.shelves])
    open_ = np.isnan(fixed)
    if open_.any():
        rest = problem.values - columns[:, ~open_] @ fixed[~open_]
        root = np.ones_like(rest) if weights is None else np.sqrt(weights)
        a, b = root[:, None] * columns[:, open_], root * rest
        fixed[open_] = np.linalg.lstsq(a, b, rcond=None)[0]
    return np.array([*fixed, t50, c])


def _rss(problem: Problem, parameters: Array) -> float:
    return float(np.sum((problem.values - curve(problem.temperatures, parameters)) ** 2))
