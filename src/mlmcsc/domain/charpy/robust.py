"""A fit that gross errors do not draw to themselves.

The soft L1 loss is rho(z) = 2 (sqrt(1 + z²) - 1) of residuals over their scale: squares near the
curve, absolute values far from it. Starts are curves of least absolute residuals, as one gross
error may turn the ordinary fit into a flat line.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mlmcsc.domain.charpy import tanh_model
from mlmcsc.domain.charpy.tanh_model import Array, Problem

MAD_TO_SD: Final = 1.4826
"""Of a normal distribution."""
FINEST: Final = 1e-3
"""Least scale, as a share of the range of the values: no reading is finer."""
STARTS: Final = 3
ROUNDS: Final = 12
"""Of reweighting; the shelves of a start need not be exact."""


def solve(problem: Problem) -> tuple[Array, float]:
    """The parameters with the least soft L1 loss, `float64[4]`, and the scale of the residuals."""
    steep = [_least_absolute(problem, found) for found in tanh_model.grid(problem)]
    starts = sorted(steep, key=lambda found: _absolute(problem, found))[:STARTS]
    found = [_refined(problem, start) for start in (*starts, tanh_model.solve(problem))]
    best = min(found, key=lambda each: _absolute(problem, each))
    return best, spread(problem, best)


def spread(problem: Problem, parameters: Array) -> float:
    """Standard deviation of the residuals as their median absolute value tells it.

    The p - 1 smallest are left out, as p parameters bring about as many residuals to 0.
    """
    residuals = np.sort(np.abs(_residuals(problem, parameters)))[int(problem.free.sum()) - 1 :]
    return max(float(MAD_TO_SD * np.median(residuals)), _least(problem))


def middle(values: Array, scale: float) -> float:
    """The constant with the least soft L1 loss, by reweighting."""
    found = float(np.median(values))
    for _ in range(4 * ROUNDS):
        weights = 1 / np.sqrt(1 + ((values - found) / scale) ** 2)
        found = float(weights @ values / weights.sum())
    return found


def tau(flat: Array, residuals: Array, more: int) -> float:
    """The F statistic of `more` parameters on the robust loss, from standardised residuals."""
    psi, slope = residuals / np.sqrt(1 + residuals**2), (1 + residuals**2) ** -1.5
    gained = float(np.sum(np.sqrt(1 + flat**2) - np.sqrt(1 + residuals**2)))
    return 2 * gained / more / float(np.mean(psi**2) / np.mean(slope))


def _least_absolute(problem: Problem, start: Array) -> Array:
    """The same T50 and C with shelves of about the least absolute residuals."""
    found, least = start, _least(problem)
    for _ in range(ROUNDS):
        weights = 1 / np.maximum(np.abs(_residuals(problem, found)), least)
        found = tanh_model.with_shelves(problem, start[2], start[3], weights)
    return found


def _refined(problem: Problem, start: Array) -> Array:
    first = tanh_model.refine(problem, start, scale=spread(problem, start))
    return tanh_model.refine(problem, first, scale=spread(problem, first))


def _least(problem: Problem) -> float:
    return FINEST * float(np.ptp(problem.values)) or 1.0


def _residuals(problem: Problem, parameters: Array) -> Array:
    found: Array = problem.values - tanh_model.curve(problem.temperatures, parameters)
    return found


def _absolute(problem: Problem, parameters: Array) -> float:
    return float(np.sum(np.abs(_residuals(problem, parameters))))
