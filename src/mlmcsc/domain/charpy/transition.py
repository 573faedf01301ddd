"""Transition curves: a tanh curve through KV, LE or SFA against test temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mlmcsc.domain.charpy import asking, refusing, robust, tanh_model
from mlmcsc.domain.charpy.derived import derived_temperatures
from mlmcsc.domain.charpy.estimates import band_of, estimates_of
from mlmcsc.domain.charpy.fitted import Point, TransitionFit
from mlmcsc.domain.charpy.outliers import points_of
from mlmcsc.domain.charpy.quantities import Property, Quantity
from mlmcsc.domain.charpy.tanh_model import Array, Problem, Shelves
from mlmcsc.domain.charpy.uncertainty import Uncertainty, bootstrap, covariance, why_no_intervals
from mlmcsc.errors import ValidationError

FORMULA: Final = "Y(T) = LS + (US - LS)/2 [1 + tanh((T - T50)/C)] (ASTM E2215)"
REACHED: Final = 0.9
"""Share of the way to a shelf that tests must go for the shelf to count as tested."""

MOST_NAMED: Final = 3
"""Specimens in a message."""


@dataclass(frozen=True, slots=True)
class _Solved:
    """The points, the curve through them, and the scale of a robust fit."""

    problem: Problem
    parameters: Array
    scale: float | None
    held: tuple[str, ...] = ()


def fit(
    temperatures: Sequence[float] | Array,
    values: Sequence[float] | Array,
    kind: Property | str = Property.KV,
    *,
    specimens: Sequence[str] | None = None,
    shelves: Shelves | None = None,
    robust: bool = False,
    confidence: float = 0.95,
    samples: int = 0,
    seed: int = 0,
) -> TransitionFit:
    """Fit a transition curve by least squares.

    A shelf that would come out where the quantity cannot be (below 0 J) is held at that limit.

    Args:
        temperatures: In °C, `float[N]`.
        values: KV in J, LE in mm or SFA in percent, `float[N]`.
        kind: Which of them: `kv`, `le` or `sfa`.
        specimens: Their numbers, by which points are told; else their places, from 1.
        shelves: Values at which the lower and the upper shelf are fixed, None where one is free;
            left out, 0 and 100 for SFA, both free for KV and LE.
        robust: Weigh outliers down (soft L1 loss).
        confidence: Of intervals and band, above 0.5 and below 1.
        samples: Of a bootstrap over specimens, 100 to 10,000; 0 for the delta method.
        seed: Of the bootstrap.

    Raises:
        ValidationError: A value is wrong, or outside what the quantity can be; there are too few
            temperatures (as many as free parameters are needed) or too few specimens (one more
            than those); or there is no transition within the tested range.
    """
    quantity = asking.quantity_of(kind)
    asking.check_options(confidence, samples, seed)
    problem = asking.problem_of(temperatures, values, quantity, shelves)
    names = asking.names_of(specimens, len(problem.values))
    solved = _solve(problem, quantity, names, robust_=robust)
    problem, found, scale = solved.problem, solved.parameters, solved.scale
    missing = why_no_intervals(problem, found)
    spread, residual_sd = covariance(problem, found, scale)
    draws = bootstrap(problem, found, samples, seed, scale) if samples and not missing else None
    known = Uncertainty(found, spread, _t(problem, confidence), confidence, draws)
    derived = derived_temperatures(problem, known, quantity, limits=missing is None)
    established = missing is None and known.established
    told = [f"{each.name}: {each.note}" for each in derived if each.note is not None]
    told += _fewer(draws, samples)
    return TransitionFit(
        kind=quantity.name,
        unit=quantity.unit,
        formula=FORMULA,
        n=len(problem.values),
        temperatures=len(np.unique(problem.temperatures)),
        coldest_c=float(problem.temperatures.min()),
        warmest_c=float(problem.temperatures.max()),
        parameters=estimates_of(problem, known, quantity, limits=established),
        derived=derived,
        residual_sd=residual_sd,
        r_squared=None if scale is not None else _r_squared(problem, found),
        confidence=confidence,
        intervals="none" if missing else "delta method" if draws is None else "bootstrap",
        established=established,
        bootstrap=0 if draws is None else len(draws),
        seed=None if draws is None else seed,
        robust=robust,
        band=band_of(problem, known, quantity, limits=missing is None),
        points=points_of(problem, found, names, scale),
        warnings=(*_doubts(known, quantity, missing), *_cautions(solved, quantity), *told),
    )


def _solve(problem: Problem, quantity: Quantity, names: Sequence[str], *, robust_: bool) -> _Solved:
    """The curve, with no shelf where the quantity cannot be.

    Raises:
        ValidationError: There are too few temperatures, or no transition; it names a specimen that
            hides one.
    """
    refusing.require_temperatures(problem, quantity.title)
    refusing.require_more_than_a_shelf(problem, quantity.title)
    solved = _bounded(problem, quantity, robust_=robust_)
    try:
        refusing.require_transition(solved.problem, solved.parameters, quantity.title, solved.scale)
    except refusing.NoTransitionError as refused:
        hiding = [] if robust_ else _hiding(problem, quantity, names)
        if not hiding:
            raise
        raise ValidationError(
            f"{refused} Or the transition is hidden by {_listed(hiding)}: a robust fit finds one. "
            "Check the value, or fit with robust=True (--robust)."
        ) from None
    return solved


def _bounded(problem: Problem, quantity: Quantity, *, robust_: bool) -> _Solved:
    held: list[str] = []
    while True:
        if robust_:
            found, scale = robust.solve(problem)
        else:
            found, scale = tanh_model.solve(problem), None
        rising = found[1] > found[0]
        if rising and problem.shelves[0] is None and found[0] < quantity.lowest:
            side, value, limit = "lower", found[0], quantity.lowest
            fixed: Shelves = (limit, problem.shelves[1])
        elif rising and problem.shelves[1] is None and found[1] > quantity.highest:
            side, value, limit = "upper", found[1], quantity.highest
            fixed = (problem.shelves[0], limit)
        else:
            return _Solved(problem, found, scale, tuple(held))
        unit = quantity.unit
        held.append(
            f"the {side} shelf would be {value:.3g} {unit}, which cannot be: held at {limit:g}"
        )
        problem = replace(problem, shelves=fixed)


def _hiding(problem: Problem, quantity: Quantity, names: Sequence[str]) -> list[Point]:
    """Outliers of a robust fit that finds a transition."""
    solved = _bounded(problem, quantity, robust_=True)
    found, scale = solved.parameters, solved.scale
    try:
        refusing.require_transition(solved.problem, found, quantity.title, scale)
    except ValidationError:
        return []
    return [each for each in points_of(solved.problem, found, names, scale) if each.outlier]


def _listed(points: Sequence[Point]) -> str:
    shown = [f"{each.specimen_id} ({each.value:g} at {each.temperature_c:g} °C)" for each in points]
    more = [f"{len(shown) - MOST_NAMED} more"] if len(shown) > MOST_NAMED else []
    return " and ".join(shown[:MOST_NAMED] + more)


def _doubts(known: Uncertainty, quantity: Quantity, missing: str | None) -> list[str]:
    """Why there is no interval, or none of parameters."""
    if missing is not None:
        return [missing]
    if known.established:
        return []
    low, high, _, c = known.estimate
    rise, width = known.half_widths(np.array([[-1.0, 1, 0, 0], [0, 0, 0, 1.0]])).tolist()
    told = f"{high - low:.3g} ± {rise:.3g} {quantity.unit}; no parameter has an interval"
    width_told = f"C is {c:.3g} ± {width:.3g} °C"
    return [
        f"the transition is not established: {width_told} and the rise from shelf to shelf {told}"
    ]


def _fewer(draws: Array | None, samples: int) -> list[str]:
    if draws is None or len(draws) == samples:
        return []
    lost = f"{samples - len(draws)} of {samples} bootstrap samples"
    return [f"{lost} had too few temperatures for a fit and were left out"]


def _t(problem: Problem, confidence: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415  # slow to import

    return float(stdtrit(problem.spare, 0.5 + confidence / 2))


def _r_squared(problem: Problem, parameters: Array) -> float | None:
    total = float(np.sum((problem.values - problem.values.mean()) ** 2))
    rest = problem.values - tanh_model.curve(problem.temperatures, parameters)
    return 1 - float(rest @ rest) / total if total > 0 else None


def _cautions(solved: _Solved, quantity: Quantity) -> list[str]:
    """What the tested temperatures leave open."""
    problem, parameters = solved.problem, solved.parameters
    steep = refusing.within(problem, parameters)
    lonely = f"only one tested temperature, {steep[0]:g} °C, lies within the transition"
    ends = np.array([problem.temperatures.min(), problem.temperatures.max()])
    share = (1 + np.tanh((ends - parameters[2]) / parameters[3])) / 2
    near = (share[0] <= 1 - REACHED, share[1] >= REACHED)
    said = [*solved.held, *([lonely] if len(steep) == 1 else [])]
    return said + [
        f"the {side} shelf of {value:.3g} {quantity.unit} is extrapolated: no test came near it"
        for side, value, reached, shelf in zip(
            ("lower", "upper"), parameters[:2], near, problem.shelves, strict=True
        )
        if shelf is None and not reached
    ]
