"""When a transition curve is not drawn: too few temperatures, or no transition among them."""

from __future__ import annotations

from typing import Final

import numpy as np

from mlmcsc.domain.charpy import robust
from mlmcsc.domain.charpy.tanh_model import FLATTEST, Array, Problem, curve, gradient
from mlmcsc.errors import ValidationError

NEAR_SHELF: Final = 0.05
"""Share of the way between fixed shelves that still counts as on the shelf."""
WITHIN: Final = 0.01
"""Share of the way between the shelves from which on a temperature is within the transition."""
SIGNIFICANCE: Final = 0.05
"""Of the F test against values that do not change at all."""
SINGULAR: Final = 1e-7
"""Ratio of the singular values of the gradient below which parameters cannot be told apart."""


class NoTransitionError(ValidationError):
    """The values do not leave a shelf."""


def require_temperatures(problem: Problem, what: str) -> None:
    """Refuse points that cannot tell the parameters.

    Raises:
        ValidationError: Naming how many distinct temperatures and points there are and are needed.
    """
    needed = int(problem.free.sum())
    there, points = len(np.unique(problem.temperatures)), len(problem.values)
    if there < needed or points <= needed:
        raise ValidationError(
            f"{what}: the curve has {needed} parameters and needs at least {needed} distinct "
            f"temperatures and {needed + 1} specimens; there are {there} and {points}. "
            "Test at more temperatures."
        )


def require_more_than_a_shelf(problem: Problem, what: str) -> None:
    """Refuse values that all lie on one fixed shelf.

    Raises:
        ValidationError: Naming the shelf, and on which side of the tested range T50 must lie.
    """
    low, high = problem.shelves
    if low is None or high is None:
        return
    share = (problem.values - low) / (high - low)
    coldest, warmest = problem.temperatures.min(), problem.temperatures.max()
    for shelf, on_it, where, do in (
        ("lower", share <= NEAR_SHELF, f"above {warmest:g}", "warmer"),
        ("upper", share >= 1 - NEAR_SHELF, f"below {coldest:g}", "colder"),
    ):
        if on_it.all():
            raise ValidationError(
                f"{what}: the values never leave the {shelf} shelf, so the transition temperature "
                f"lies outside the tested range, {where} °C. Test {do}."
            )


def require_transition(
    problem: Problem, parameters: Array, what: str, scale: float | None = None
) -> None:
    """Refuse a fit that found no transition, or could lay it anywhere.

    Args:
        problem: The points.
        parameters: Fitted to them, `float64[4]`.
        what: The property, for the message.
        scale: Of a robust fit.

    Raises:
        NoTransitionError: The values do not leave a shelf.
        ValidationError: Saying what else was found.
    """
    span, c = problem.span, parameters[3]
    tested = f"from {problem.temperatures.min():g} to {problem.temperatures.max():g} °C"
    if c >= 0.99 * FLATTEST * span or _is_constant(problem, parameters, scale):
        raise NoTransitionError(
            f"{what}: the values show no transition {tested}: they do not leave a shelf, and the "
            "transition temperature may lie outside the tested range. Test at further temperatures."
        )
    if parameters[1] <= parameters[0]:
        raise ValidationError(
            f"{what}: the values fall as it gets warmer, {tested}; a transition rises. Check "
            "temperatures and values."
        )
    if not len(within(problem, parameters)) or _is_singular(problem, parameters):
        raise ValidationError(
            f"{what}: {_bracket(problem, parameters)} so the curve could lie anywhere between. "
            "Test at temperatures within the transition."
        )


def within(problem: Problem, parameters: Array) -> Array:
    """The distinct tested temperatures at which the curve is on neither shelf."""
    tested: Array = np.unique(problem.temperatures)
    share = (1 + np.tanh((tested - parameters[2]) / parameters[3])) / 2
    found: Array = tested[(share >= WITHIN) & (share <= 1 - WITHIN)]
    return found


def _is_constant(problem: Problem, parameters: Array, scale: float | None) -> bool:
    """Whether the curve explains no more than a constant does; told where a shelf is free.

    By the F test on squares or, of a robust fit, by the tau test, which is the F test on the robust
    loss (Hampel, Ronchetti, Rousseeuw and Stahel 1986, section 7.2).
    """
    from scipy.special import fdtrc  # noqa: PLC0415  # slow to import

    if None not in problem.shelves:
        return False
    residuals = problem.values - curve(problem.temperatures, parameters)
    flat = problem.values - (
        problem.values.mean() if scale is None else robust.middle(problem.values, scale)
    )
    total, rss = float(flat @ flat), float(residuals @ residuals)
    more = int(problem.free.sum()) - 1
    if total <= 1e-12 * max(1.0, float(np.sum(problem.values**2))):
        return True
    if rss <= 1e-12 * total:
        return False
    if scale is None:
        f = (total - rss) / more / (rss / problem.spare)
    else:
        f = robust.tau(flat / scale, residuals / scale, more)
    return bool(f <= 0 or fdtrc(more, problem.spare, f) > SIGNIFICANCE)


def _is_singular(problem: Problem, parameters: Array) -> bool:
    rise, span = abs(parameters[1] - parameters[0]), problem.span
    scale = np.array([1.0, 1.0, span / rise, span / rise])
    columns = (gradient(problem.temperatures, parameters) * scale)[:, problem.free]
    values = np.linalg.svd(columns, compute_uv=False)
    return bool(values[-1] <= SINGULAR * values[0])


def _bracket(problem: Problem, parameters: Array) -> str:
    cold = problem.temperatures[problem.temperatures < parameters[2]]
    warm = problem.temperatures[problem.temperatures >= parameters[2]]
    if len(cold) and len(warm):
        between = f"it lies between {cold.max():g} and {warm.min():g} °C,"
        return f"no specimen broke within the transition; {between}"
    return "the transition lies outside the tested range,"
