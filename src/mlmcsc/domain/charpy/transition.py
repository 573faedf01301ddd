"""Transition curves: a tanh curve through KV, LE or SFA against test temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlmcsc.domain.charpy import refusing, tanh_model
from mlmcsc.domain.charpy.derived import Temperature, derived_temperatures
from mlmcsc.domain.charpy.quantities import QUANTITIES, Property, Quantity
from mlmcsc.domain.charpy.tanh_model import Array, Problem, Shelves
from mlmcsc.domain.charpy.uncertainty import Uncertainty, bootstrap, covariance, leverages
from mlmcsc.domain.records import Record
from mlmcsc.errors import ValidationError

FORMULA: Final = "Y(T) = LS + (US - LS)/2 [1 + tanh((T - T50)/C)] (ASTM E2215)"
BAND_POINTS: Final = 81
REACHED: Final = 0.9
"""Share of the way to a shelf that tests must go for the shelf to count as tested."""
MOST_SAMPLES: Final = 10_000
EXACT: Final = 1e-18
"""Share of the variance left over by a fit through every point."""
ALONE: Final = 1e-9
"""What is left of a residual's variance at a point that alone decides the curve."""


@dataclass(frozen=True, slots=True)
class Estimate(Record):
    """A parameter; `low` and `high` are its confidence limits, None where it was fixed."""

    name: str
    value: float
    low: float | None
    high: float | None
    fixed: bool


@dataclass(frozen=True, slots=True)
class Point(Record):
    """A specimen.

    Attributes:
        specimen_id: Its number.
        temperature_c: Test temperature.
        value: In the property's unit.
        studentised: Residual over its standard deviation without this point; None where there
            are too few points, or the fit is exact.
        outlier: Beyond Student's t at 5 % over all points (Bonferroni).
    """

    specimen_id: str
    temperature_c: float
    value: float
    studentised: float | None
    outlier: bool


@dataclass(frozen=True, slots=True)
class BandPoint(Record):
    """The curve and its pointwise confidence limits at one temperature."""

    temperature_c: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TransitionFit(Record):
    """A fitted transition curve.

    Attributes:
        kind: What was fitted: kv, le or sfa.
        unit: Of the values: J, mm or %.
        formula: The curve.
        n: Specimens fitted.
        temperatures: Distinct test temperatures among them.
        coldest_c: Lowest test temperature.
        warmest_c: Highest.
        parameters: `lower_shelf`, `upper_shelf`, `t50` and `c` (half the width of the steep part).
        derived: Temperatures at agreed levels, such as FATT.
        residual_sd: Residual standard deviation, in `unit`.
        r_squared: Share of the variance that the curve explains; None where nothing varies.
        confidence: Of all intervals and of the band.
        intervals: `delta method`, or `bootstrap`.
        bootstrap: How many samples; 0 for the delta method.
        seed: Of the bootstrap.
        robust: Whether outliers were weighed down.
        band: The curve with its band, over the tested range only.
        points: The specimens.
        warnings: What to know before using a number.
    """

    kind: str
    unit: str
    formula: str
    n: int
    temperatures: int
    coldest_c: float
    warmest_c: float
    parameters: tuple[Estimate, ...]
    derived: tuple[Temperature, ...]
    residual_sd: float
    r_squared: float | None
    confidence: float
    intervals: str
    bootstrap: int
    seed: int | None
    robust: bool
    band: tuple[BandPoint, ...]
    points: tuple[Point, ...]
    warnings: tuple[str, ...]

    @property
    def outliers(self) -> tuple[Point, ...]:
        """The specimens far from the curve."""
        return tuple(point for point in self.points if point.outlier)

    def parameter(self, name: str) -> Estimate:
        """A parameter by its name."""
        return next(each for each in self.parameters if each.name == name)


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
        ValidationError: A value is wrong; there are too few temperatures (as many as free
            parameters are needed) or too few specimens (one more than those); or there is no
            transition within the tested range.
    """
    quantity = _check(kind, confidence, samples)
    problem = _problem(temperatures, values, quantity, shelves)
    what = quantity.title
    refusing.require_temperatures(problem, what)
    refusing.require_more_than_a_shelf(problem, what)
    found = tanh_model.solve(problem, robust=robust)
    refusing.require_transition(problem, found, what)
    scale = (tanh_model.spread(problem, found) or None) if robust else None
    spread, residual_sd = covariance(problem, found, scale)
    draws = bootstrap(problem, found, samples, seed, scale) if samples else None
    known = Uncertainty(found, spread, _t(problem, confidence), confidence, draws)
    derived = derived_temperatures(problem, known, quantity)
    names = specimens if specimens is not None else [str(n + 1) for n in range(len(problem.values))]
    points = _points(problem, found, names, scale)
    return TransitionFit(
        kind=quantity.name,
        unit=quantity.unit,
        formula=FORMULA,
        n=len(problem.values),
        temperatures=len(np.unique(problem.temperatures)),
        coldest_c=float(problem.temperatures.min()),
        warmest_c=float(problem.temperatures.max()),
        parameters=_estimates(problem, known),
        derived=derived,
        residual_sd=residual_sd,
        r_squared=_r_squared(problem, found),
        confidence=confidence,
        intervals="bootstrap" if samples else "delta method",
        bootstrap=0 if draws is None else len(draws),
        seed=seed if samples else None,
        robust=robust,
        band=_band(problem, known, quantity),
        points=points,
        warnings=(*_cautions(problem, found, quantity), *_told(derived)),
    )


def _check(kind: Property | str, confidence: float, samples: int) -> Quantity:
    if kind not in list(Property):
        raise ValidationError(f"property={kind!r}: choose one of {', '.join(Property)}.")
    if not 0.5 < confidence < 1:  # noqa: PLR2004  # less is no confidence
        raise ValidationError(f"confidence={confidence!r}: must be above 0.5 and below 1, as 0.95.")
    if samples != 0 and not 100 <= samples <= MOST_SAMPLES:  # noqa: PLR2004  # for percentiles
        raise ValidationError(
            f"bootstrap={samples!r}: give 100 to {MOST_SAMPLES:,} samples, or 0 for none."
        )
    return QUANTITIES[Property(kind)]


def _problem(
    temperatures: Sequence[float] | Array,
    values: Sequence[float] | Array,
    quantity: Quantity,
    shelves: Shelves | None,
) -> Problem:
    t, y = np.asarray(temperatures, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape:
        raise ValidationError(f"{t.shape} temperatures for {y.shape} values: one each is needed.")
    if not (np.isfinite(t).all() and np.isfinite(y).all()):
        raise ValidationError("Temperatures and values must be finite numbers; leave others out.")
    if (y < quantity.lowest).any() or (y > quantity.highest).any():
        raise ValidationError(
            f"{quantity.title} goes from {quantity.lowest:g} to {quantity.highest:g} "
            f"{quantity.unit}; there are values from {y.min():g} to {y.max():g}."
        )
    fixed = quantity.shelves if shelves is None else shelves
    if None not in fixed and not float(fixed[0] or 0) < float(fixed[1] or 0):
        raise ValidationError(f"shelves={fixed!r}: the lower one must be below the upper one.")
    return Problem(t, y, fixed)


def _t(problem: Problem, confidence: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415  # slow to import

    spare = len(problem.values) - int(problem.free.sum())
    return float(stdtrit(spare, 0.5 + confidence / 2))


def _estimates(problem: Problem, known: Uncertainty) -> tuple[Estimate, ...]:
    low, high = known.interval(lambda parameters: parameters, np.eye(4))
    return tuple(
        Estimate(
            name,
            float(known.estimate[at]),
            float(low[at]) if free else None,
            float(high[at]) if free else None,
            fixed=not free,
        )
        for at, (name, free) in enumerate(zip(tanh_model.NAMES, problem.free, strict=True))
    )


def _band(problem: Problem, known: Uncertainty, quantity: Quantity) -> tuple[BandPoint, ...]:
    t = np.linspace(problem.temperatures.min(), problem.temperatures.max(), BAND_POINTS)
    slope = tanh_model.gradient(t, known.estimate)
    low, high = known.interval(lambda parameters: tanh_model.curve(t, parameters), slope)
    middle = tanh_model.curve(t, known.estimate)
    # No energy is below 0 and no SFA above 100, whatever a symmetric interval says.
    low, high = (np.clip(limit, quantity.lowest, quantity.highest) for limit in (low, high))
    columns = (t.tolist(), middle.tolist(), low.tolist(), high.tolist())
    return tuple(BandPoint(*row) for row in zip(*columns, strict=True))


def _points(
    problem: Problem, parameters: Array, names: Sequence[str], scale: float | None
) -> tuple[Point, ...]:
    """The specimens with their residuals, and which of them are outliers."""
    from scipy.special import stdtrit  # noqa: PLC0415  # slow to import

    n, spare = len(names), len(problem.values) - int(problem.free.sum()) - 1
    studentised = _studentised(problem, parameters, spare, scale)
    limit = float(stdtrit(spare, 1 - 0.05 / (2 * n))) if spare > 0 else np.inf
    rows = zip(names, problem.temperatures, problem.values, studentised, strict=True)
    return tuple(
        Point(name, float(t), float(y), s, outlier=s is not None and abs(s) > limit)
        for name, t, y, s in rows
    )


def _studentised(
    problem: Problem, parameters: Array, spare: int, scale: float | None
) -> list[float | None]:
    """Externally studentised residuals (Cook and Weisberg 1982, section 2.2).

    Of a robust fit, over its `scale`; None where they say nothing.
    """
    residuals = problem.values - tanh_model.curve(problem.temperatures, parameters)
    rest = 1 - leverages(problem, parameters)
    squares = float(residuals @ residuals)
    exact = squares <= EXACT * float(np.sum((problem.values - problem.values.mean()) ** 2))
    if spare < 1 or exact:
        return [None] * len(residuals)
    free = rest > ALONE  # else the point alone decides the curve there
    own = np.divide(residuals**2, rest, out=np.zeros_like(rest), where=free)
    variance = (squares - own) / spare if scale is None else np.full_like(rest, scale**2)
    defined = free & (variance > 0)
    found = residuals / np.sqrt(np.where(defined, variance * rest, 1.0))
    return [float(s) if ok else None for s, ok in zip(found, defined, strict=True)]


def _r_squared(problem: Problem, parameters: Array) -> float | None:
    total = float(np.sum((problem.values - problem.values.mean()) ** 2))
    rest = problem.values - tanh_model.curve(problem.temperatures, parameters)
    return 1 - float(rest @ rest) / total if total > 0 else None


def _cautions(problem: Problem, parameters: Array, quantity: Quantity) -> list[str]:
    """What the tested temperatures leave open."""
    steep = refusing.within(problem, parameters)
    lonely = f"only one tested temperature, {steep[0]:g} °C, lies within the transition"
    ends = np.array([problem.temperatures.min(), problem.temperatures.max()])
    share = (1 + np.tanh((ends - parameters[2]) / parameters[3])) / 2
    near = (share[0] <= 1 - REACHED, share[1] >= REACHED)
    below = f"the lower shelf of {parameters[0]:.3g} {quantity.unit} cannot be; fix it at a value"
    said = [lonely] if len(steep) == 1 else []
    said += [below] if parameters[0] < quantity.lowest else []
    return said + [
        f"the {side} shelf of {value:.3g} {quantity.unit} is extrapolated: no test came near it"
        for side, value, reached, shelf in zip(
            ("lower", "upper"), parameters[:2], near, problem.shelves, strict=True
        )
        if shelf is None and not reached
    ]


def _told(derived: Sequence[Temperature]) -> list[str]:
    return [f"{each.name}: {each.note}" for each in derived if each.note is not None]
