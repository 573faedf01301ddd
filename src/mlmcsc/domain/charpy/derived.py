"""Temperatures at which a transition curve passes agreed levels, such as FATT at 50 % shear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmcsc.domain.charpy.quantities import Quantity
from mlmcsc.domain.charpy.tanh_model import Array, Problem
from mlmcsc.domain.charpy.uncertainty import Uncertainty
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class Temperature(Record):
    """A transition temperature.

    Attributes:
        name: FATT, T28J, T41J or T0.89mm.
        level: Where the curve passes, in the property's unit.
        value: In °C; None where the curve never passes the level.
        low: Lower confidence limit, °C; None where it has none.
        high: Upper confidence limit, °C; None where it has none.
        extrapolated: Whether it lies outside the tested temperatures.
        note: Why there is no number, or why not to trust it.
    """

    name: str
    level: float
    value: float | None
    low: float | None
    high: float | None
    extrapolated: bool
    note: str | None


def derived_temperatures(
    problem: Problem, known: Uncertainty, quantity: Quantity
) -> tuple[Temperature, ...]:
    """The temperature at each of the property's levels."""
    return tuple(_at(problem, known, quantity, name, level) for name, level in quantity.levels)


def passing(level: float, parameters: Array) -> Array:
    """Where the curve passes `level`, in °C, `float64[1]`; infinite where it never does."""
    low, high, t50, c = parameters
    u = 2 * (level - low) / (high - low) - 1
    if not -1 < u < 1:
        return np.array([np.copysign(np.inf, u)])
    return np.array([t50 + c * np.arctanh(u)])


def _slope(level: float, parameters: Array) -> Array:
    """How that temperature changes with each parameter, `float64[1, 4]`."""
    low, high, _, c = parameters
    u = 2 * (level - low) / (high - low) - 1
    by_u = c / (1 - u**2) / (high - low)
    return np.array([[-(1 - u) * by_u, -(1 + u) * by_u, 1.0, np.arctanh(u)]])


def _at(
    problem: Problem, known: Uncertainty, quantity: Quantity, name: str, level: float
) -> Temperature:
    value = float(passing(level, known.estimate)[0])
    if not np.isfinite(value):
        low_shelf, high_shelf = known.estimate[:2]
        below = level <= low_shelf
        shelf, where = (low_shelf, "below the lower") if below else (high_shelf, "above the upper")
        note = (
            f"unknown: {level:g} {quantity.unit} lies {where} shelf of {shelf:.3g} {quantity.unit}"
        )
        return Temperature(name, level, None, None, None, extrapolated=False, note=note)
    low, high = known.interval(lambda p: passing(level, p), _slope(level, known.estimate))
    coldest, warmest = float(problem.temperatures.min()), float(problem.temperatures.max())
    outside = not coldest <= value <= warmest
    note_ = (
        f"lies outside the tested range of {coldest:g} to {warmest:g} °C: extrapolated"
        if outside
        else None
    )
    return Temperature(
        name, level, value, _finite(low[0]), _finite(high[0]), extrapolated=outside, note=note_
    )


def _finite(limit: float) -> float | None:
    return float(limit) if np.isfinite(limit) else None
