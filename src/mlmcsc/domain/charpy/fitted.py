"""What a transition fit returns."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.domain.charpy.derived import Temperature
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class Estimate(Record):
    """A parameter; `low` and `high` are its confidence limits.

    They are None where it was fixed, and where there are no intervals; see `TransitionFit`.
    """

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
    """The curve and its pointwise confidence limits, if there are any, at one temperature."""

    temperature_c: float
    value: float
    low: float | None
    high: float | None


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
        r_squared: Share of the variance that the curve explains; None where nothing varies, and of
            a robust fit.
        confidence: Of all intervals and of the band.
        intervals: `delta method`, `bootstrap`, or `none` where the points tell no scatter.
        established: Whether the width of the transition and the rise from shelf to shelf are known
            to differ from 0; otherwise no parameter has an interval.
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
    established: bool
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
