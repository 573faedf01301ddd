"""How well a fit knows its parameters, and what is computed from them.

By the delta method: the covariance s² (JᵀJ)⁻¹ of the parameters, carried through the gradient of
whatever is asked, and Student's t with n - p degrees of freedom. By the bootstrap: percentiles
over fits to specimens drawn with replacement (Efron and Tibshirani 1993, ch. 13). Neither where
the residuals tell no scatter: see `why_no_intervals`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlmcsc.domain.charpy.tanh_model import Array, Problem, curve, gradient, refine
from mlmcsc.errors import ValidationError

FEWEST_SPARE: Final = 2
"""Specimens above the number of parameters. One residual may well be next to 0 by luck."""
EXACT: Final = 1e-16
"""Share of the variance left over by a fit through every point: rounding of floating numbers."""
ENOUGH: Final = 0.8
"""Share of bootstrap samples that must have enough temperatures."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What intervals are made of.

    Attributes:
        estimate: Parameters, `float64[4]`.
        covariance: Of the parameters, `float64[4, 4]`; zero where fixed.
        quantile: Student's t for the two-sided confidence.
        confidence: Of every interval, 0 to 1.
        draws: Parameters of bootstrap fits, `float64[B, 4]`, or None for the delta method.
    """

    estimate: Array
    covariance: Array
    quantile: float
    confidence: float
    draws: Array | None

    def half_widths(self, slope: Array) -> Array:
        """Half of the symmetric interval of K quantities by the delta method, `float64[K]`.

        Args:
            slope: Their gradient at the estimate, `float64[K, 4]`.
        """
        variance = np.einsum("ki,ij,kj->k", slope, self.covariance, slope)
        found: Array = self.quantile * np.sqrt(np.maximum(variance, 0.0))
        return found

    @property
    def established(self) -> bool:
        """Whether both the width of the transition and the rise differ from 0."""
        low, high, _, c = self.estimate
        slopes = np.array([[-1.0, 1, 0, 0], [0, 0, 0, 1.0]])
        return bool((self.half_widths(slopes) < [high - low, c]).all())

    def interval(self, of: Callable[[Array], Array], slope: Array) -> tuple[Array, Array]:
        """Lower and upper confidence limits of K quantities, both `float64[K]`.

        Args:
            of: The quantities from parameters.
            slope: Their gradient at the estimate, `float64[K, 4]`.
        """
        if self.draws is None:
            half = self.half_widths(slope)
            return of(self.estimate) - half, of(self.estimate) + half
        tail = (1 - self.confidence) / 2
        drawn = np.stack([of(parameters) for parameters in self.draws])
        # Where a drawn curve does not reach a level, its temperature is infinite, not unknown.
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0, method="closest_observation")
        return low, high


def is_exact(problem: Problem, parameters: Array) -> bool:
    """Whether the curve passes through every point, up to rounding."""
    residuals = problem.values - curve(problem.temperatures, parameters)
    total = float(np.sum((problem.values - problem.values.mean()) ** 2))
    return float(residuals @ residuals) <= EXACT * total


def why_no_intervals(problem: Problem, parameters: Array) -> str | None:
    """Why the points tell nothing of the scatter; None where they do."""
    if problem.spare < FEWEST_SPARE:
        p = int(problem.free.sum())
        return (
            f"no confidence intervals: {len(problem.values)} specimens for {p} parameters do not "
            f"tell the scatter; at least {p + FEWEST_SPARE} do"
        )
    if is_exact(problem, parameters):
        return (
            "no confidence intervals: the curve passes through every point, as values that were "
            "rounded or computed do; they do not tell the scatter"
        )
    return None


def covariance(problem: Problem, parameters: Array, scale: float | None) -> tuple[Array, float]:
    """Covariance of the parameters, `float64[4, 4]`, and the residual standard deviation.

    Args:
        problem: The points.
        parameters: Fitted to them.
        scale: Of the soft L1 loss; then the covariance is that of an M-estimator,
            s² n/(n-p) mean(ψ²)/mean(ψ')² (JᵀJ)⁻¹ (Huber 1981, section 7.6).
    """
    free = problem.free
    n, p = len(problem.values), int(free.sum())
    residuals = problem.values - curve(problem.temperatures, parameters)
    if scale is None:
        variance = float(residuals @ residuals) / (n - p)
    else:
        z = residuals / scale
        psi, slope = z / np.sqrt(1 + z**2), (1 + z**2) ** -1.5
        variance = scale**2 * n / (n - p) * float(np.mean(psi**2) / np.mean(slope) ** 2)
    columns = gradient(problem.temperatures, parameters)[:, free]
    _, upper = np.linalg.qr(columns)
    inverse = np.linalg.inv(upper)
    whole = np.zeros((4, 4))
    whole[np.ix_(free, free)] = variance * inverse @ inverse.T
    return whole, float(np.sqrt(variance))


def leverages(problem: Problem, parameters: Array) -> Array:
    """How much each point draws the curve to itself, `float64[N]`, 0 to 1."""
    q, _ = np.linalg.qr(gradient(problem.temperatures, parameters)[:, problem.free])
    found: Array = np.minimum(np.sum(q**2, axis=1), 1.0)
    return found


def bootstrap(
    problem: Problem, parameters: Array, samples: int, seed: int, scale: float | None
) -> Array:
    """Parameters fitted to samples of the specimens, `float64[B, 4]`; B is at most `samples`.

    Raises:
        ValidationError: Too many samples have too few temperatures.
    """
    generator = np.random.default_rng(seed)
    needed, size = int(problem.free.sum()), len(problem.values)
    drawn = []
    for rows in generator.integers(0, size, (samples, size)):
        sample = problem.sample(rows)
        if len(np.unique(sample.temperatures)) >= needed:
            drawn.append(refine(sample, parameters, scale=scale))
    if len(drawn) < ENOUGH * samples:
        raise ValidationError(
            f"Only {len(drawn)} of {samples} bootstrap samples have the {needed} temperatures that "
            "a fit needs: there are too few specimens. Leave the bootstrap out."
        )
    return np.stack(drawn)
