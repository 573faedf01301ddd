"""Temperatures at which a transition curve passes agreed levels, such as FATT at 50 % shear.

The limits of such a temperature are where the curve's pointwise confidence limits pass the level
(inverse regression, as Fieller 1954 has it for a ratio): every temperature at which the curve could
be at that level. So an interval is asymmetric where the curve is flatter on one side, and has no
end where the shelf itself might be beyond the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.charpy.quantities import Quantity
from mlmcsc.domain.charpy.tanh_model import BEYOND, Array, Problem, curve, gradient
from mlmcsc.domain.charpy.uncertainty import Uncertainty
from mlmcsc.domain.records import Record

STEPS: Final = 200
HALVINGS: Final = 40


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
        note: Why there is no number or no limit, or why not to trust it.
    """

    name: str
    level: float
    value: float | None
    low: float | None
    high: float | None
    extrapolated: bool
    note: str | None


def derived_temperatures(
    problem: Problem, known: Uncertainty, quantity: Quantity, *, limits: bool
) -> tuple[Temperature, ...]:
    """The temperature at each of the property's levels, with confidence limits if wanted."""
    return tuple(
        _at(problem, known, quantity, name, level, limits=limits) for name, level in quantity.levels
    )


def passing(level: float, parameters: Array) -> float:
    """Where the curve passes `level`, in °C; infinite where it never does."""
    low, high, t50, c = parameters
    u = 2 * (level - low) / (high - low) - 1
    if not -1 < u < 1:
        return float(np.copysign(np.inf, u))
    return float(t50 + c * np.arctanh(u))


def _at(
    problem: Problem,
    known: Uncertainty,
    quantity: Quantity,
    name: str,
    level: float,
    *,
    limits: bool,
) -> Temperature:
    value = passing(level, known.estimate)
    at_level = f"{level:g} {quantity.unit}"
    if not np.isfinite(value):
        low_shelf, high_shelf = known.estimate[:2]
        below = level <= low_shelf
        shelf, where = (low_shelf, "below the lower") if below else (high_shelf, "above the upper")
        note = f"unknown: {at_level} lies {where} shelf of {shelf:.3g} {quantity.unit}"
        return Temperature(name, level, None, None, None, extrapolated=False, note=note)
    coldest, warmest = float(problem.temperatures.min()), float(problem.temperatures.max())
    outside = not coldest <= value <= warmest
    said = (
        [f"lies outside the tested range of {coldest:g} to {warmest:g} °C: extrapolated"]
        if outside
        else []
    )
    low = high = None
    if limits and known.draws is not None:
        low, high, missed = _drawn(known, known.draws, level, at_level)
        said += missed
    elif limits:
        low, high = (_limit(problem, known, level, value, side) for side in (-1, 1))
        said += [
            f"has no {end} limit: the tests do not show that the curve {goes} {at_level}"
            for end, goes, limit in (("lower", "falls below", low), ("upper", "rises above", high))
            if limit is None
        ]
    note_ = "; ".join(said) or None
    return Temperature(name, level, value, low, high, extrapolated=outside, note=note_)


def _limit(
    problem: Problem, known: Uncertainty, level: float, value: float, side: int
) -> float | None:
    """How far the level stays within the curve's limits to one side; None: without end."""

    def beyond(t: Array) -> NDArray[np.bool_]:
        off = np.abs(curve(t, known.estimate) - level)
        found: NDArray[np.bool_] = off > known.half_widths(gradient(t, known.estimate))
        return found

    reach = BEYOND * problem.span + abs(value - float(np.median(problem.temperatures)))
    steps = np.concatenate([[0.0], np.geomspace(1e-6 * reach, reach, STEPS)])
    out = np.flatnonzero(beyond(value + side * steps))
    if not len(out):
        return None
    inner, outer = float(steps[max(out[0] - 1, 0)]), float(steps[out[0]])
    for _ in range(HALVINGS):
        half = (inner + outer) / 2
        if beyond(np.array([value + side * half]))[0]:
            outer = half
        else:
            inner = half
    return value + side * inner


def _drawn(
    known: Uncertainty, draws: Array, level: float, at_level: str
) -> tuple[float | None, float | None, list[str]]:
    """Percentiles of the bootstrap, and how many samples have no such temperature."""
    found = np.array([passing(level, parameters) for parameters in draws])
    tail = (1 - known.confidence) / 2
    # Where a drawn curve does not reach a level, its temperature is infinite, not unknown.
    low, high = np.quantile(found, [tail, 1 - tail], method="closest_observation").tolist()
    said = [
        f"{count} of {len(draws)} bootstrap samples have none: their {shelf} shelf is {beyond} "
        f"{at_level}"
        for shelf, beyond, count in (
            ("lower", "above", int(np.sum(found == -np.inf))),
            ("upper", "below", int(np.sum(found == np.inf))),
        )
        if count
    ]
    return low if np.isfinite(low) else None, high if np.isfinite(high) else None, said
