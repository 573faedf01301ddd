"""Crossed gauge repeatability and reproducibility study, AIAG's analysis of variance."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.special import fdtrc

from mlmcsc.domain.agreement.arrays import Floats, at_least, floats
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.errors import ValidationError

POOL_ABOVE = 0.25
"""An interaction with a larger p value is pooled with repeatability (AIAG MSA, 4th edition)."""
CATEGORIES = 1.41
ACCEPTABLE, MARGINAL = 10.0, 30.0
"""Percent of total variation up to which a gauge is acceptable, and may be."""


@dataclass(frozen=True, slots=True)
class Component(Result):
    """One source of variation.

    Attributes:
        name: repeatability, operator, interaction, reproducibility, gauge, part or total.
        variance: In the label's unit squared, at least 0.
        sd: Its root.
        percent_contribution: 100 times its share of the total variance.
        percent_variation: 100 times its share of the total standard deviation (these do not
            add up to 100).
        set_to_zero: Whether the estimate was negative and became 0.
    """

    name: str
    variance: float
    sd: float
    percent_contribution: float
    percent_variation: float
    set_to_zero: bool


@dataclass(frozen=True, slots=True)
class GaugeRR(Result):
    """What share of the variation is of measuring.

    Attributes:
        parts: Parts (images).
        operators: Operators (raters).
        replicates: Labels of each operator for each part.
        components: Repeatability, operator, interaction, reproducibility, gauge, part, total.
        interaction_f: F of part by operator; infinite without any scatter within cells.
        interaction_p: Its p value.
        pooled: Whether the interaction was pooled with repeatability, as its p is above 0.25.
        percent_grr: 100 times gauge over total standard deviation.
        ndc: Number of distinct categories, truncated, at least 1; None for a gauge without any
            variation, which tells infinitely many.
        verdict: acceptable (under 10 %), marginal (10 to 30 %) or unacceptable.
    """

    parts: int
    operators: int
    replicates: int
    components: tuple[Component, ...]
    interaction_f: float
    interaction_p: float
    pooled: bool
    percent_grr: float
    ndc: int | None
    verdict: str

    def component(self, name: str) -> Component:
        """The component of that name."""
        return next(each for each in self.components if each.name == name)


def gauge_rr(measurements: ArrayLike) -> GaugeRR:
    """Variance components of parts, operators, their interaction and repetition.

    AIAG, Measurement Systems Analysis, 4th edition (2010), chapter III, section B, ANOVA method.

    Args:
        measurements: Shape `(parts, operators, replicates)`, every cell filled.

    Raises:
        ValidationError: Fewer than two of any, a missing value, or no variation at all.
    """
    cube = floats(measurements, "measurements", dimensions=3)
    for size, what in zip(cube.shape, ("parts", "operators", "replicates of a cell"), strict=True):
        at_least(size, 2, what)
    p, o, r = cube.shape
    part, operator, both, error = _squares(cube)
    df_both, df_error = (p - 1) * (o - 1), p * o * (r - 1)
    ms_both, ms_error = both / df_both, error / df_error
    f, chance = _test(ms_both, ms_error, df_both, df_error)
    pooled = chance > POOL_ABOVE
    if pooled:
        ms_error = ms_both = (both + error) / (df_both + df_error)
    ms_part, ms_operator = part / (p - 1), operator / (o - 1)
    raw = {
        "repeatability": ms_error,
        "operator": (ms_operator - ms_both) / (p * r),
        "interaction": 0.0 if pooled else (ms_both - ms_error) / r,
        "part": (ms_part - ms_both) / (o * r),
    }
    components = _components(raw)
    gauge, of_part = components["gauge"], components["part"]
    percent = gauge.percent_variation
    return GaugeRR(
        parts=p, operators=o, replicates=r, components=tuple(components.values()),
        interaction_f=f, interaction_p=chance, pooled=pooled, percent_grr=percent,
        ndc=max(1, int(CATEGORIES * of_part.sd / gauge.sd)) if gauge.sd else None,
        verdict=_verdict(percent),
    )  # fmt: skip


def _squares(cube: Floats) -> tuple[float, float, float, float]:
    """Sums of squares of parts, operators, their interaction, and within cells."""
    p, o, r = cube.shape
    centred = cube - cube.mean()
    cell = centred.mean(axis=2)
    part, operator = cell.mean(axis=1, keepdims=True), cell.mean(axis=0, keepdims=True)
    found = (
        o * r * float((part**2).sum()),
        p * r * float((operator**2).sum()),
        r * float(((cell - part - operator) ** 2).sum()),
        float(((centred - cell[:, :, None]) ** 2).sum()),
    )
    dust = 1e-28 * float((cube**2).sum())  # what rounding leaves of values that are the same
    whole, between, both, error = (0.0 if each <= dust else each for each in found)
    return whole, between, both, error


def _test(ms_both: float, ms_error: float, df_both: int, df_error: int) -> tuple[float, float]:
    if ms_error == 0:
        return (float("inf"), 0.0) if ms_both > 0 else (0.0, 1.0)
    f = ms_both / ms_error
    return f, float(fdtrc(df_both, df_error, f))


def _components(raw: dict[str, float]) -> dict[str, Component]:
    kept = {name: max(variance, 0.0) for name, variance in raw.items()}
    reproducibility = kept["operator"] + kept["interaction"]
    gauge = kept["repeatability"] + reproducibility
    total = gauge + kept["part"]
    if total <= 0:
        raise ValidationError(
            "every measurement is the same: without variation there is nothing to divide; "
            "add parts that differ."
        )
    variances = {
        "repeatability": kept["repeatability"],
        "operator": kept["operator"],
        "interaction": kept["interaction"],
        "reproducibility": reproducibility,
        "gauge": gauge,
        "part": kept["part"],
        "total": total,
    }
    return {
        name: Component(
            name=name,
            variance=variance,
            sd=variance**0.5,
            percent_contribution=100 * variance / total,
            percent_variation=100 * (variance / total) ** 0.5,
            set_to_zero=raw.get(name, 0.0) < 0,
        )
        for name, variance in variances.items()
    }


def _verdict(percent: float) -> str:
    if percent < ACCEPTABLE:
        return "acceptable"
    return "marginal" if percent <= MARGINAL else "unacceptable"
