"""Control chart of single values: has a rater, or an instrument, changed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from mlmcsc.domain.agreement.arrays import Floats, at_least, floats, number, whole
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.errors import ValidationError

D2 = 1.128
"""Expected range of two values from a normal distribution, in standard deviations."""
D4 = 3.267
"""Upper limit of a moving range of two, in mean moving ranges."""
FEWEST = 3
DUST = 1e-9
"""Share of the largest value below which differences are rounding of float64, not scatter."""
RULES = {
    1: "one value beyond 3 sigma",
    2: "two of three beyond 2 sigma on one side",
    3: "four of five beyond 1 sigma on one side",
    4: "eight in a row on one side of the centre",
    5: "moving range above its limit",
}
RUNS = {1: (1, 1, 3.0), 2: (2, 3, 2.0), 3: (4, 5, 1.0), 4: (8, 8, 0.0)}
"""Of each of the Western Electric rules: how many, of how many, beyond how many sigma."""


@dataclass(frozen=True, slots=True)
class Signal(Result):
    """A point where a rule broke.

    Attributes:
        at: Index of the point, in order of time; the last one of a run.
        time: When.
        value: Its value; the moving range for rule 5.
        rule: 1 to 4 of Western Electric; 5: moving range above its limit.
        text: The rule in words.
    """

    at: int
    time: datetime | float
    value: float
    rule: int
    text: str


@dataclass(frozen=True, slots=True)
class ControlChart(Result):
    """Individuals and moving ranges, in order of time.

    Attributes:
        times: Of each value, ascending.
        values: The values (label minus gold).
        moving_ranges: Absolute difference of each value from the one before; one fewer.
        baseline: How many of the first values the limits come from.
        centre: Mean of these, or what the caller gave.
        sigma: Mean moving range of these over 1.128, at least that of the resolution.
        resolution: Step in which labels are given, as the caller told; 0 if not told.
        lower: Lower control limit, centre - 3 sigma.
        upper: Upper control limit, centre + 3 sigma.
        range_centre: Mean moving range.
        range_upper: Its upper control limit, 3.267 times the mean.
        signals: Where which rule broke, in order of time.
    """

    times: tuple[datetime, ...] | tuple[float, ...]
    values: tuple[float, ...]
    moving_ranges: tuple[float, ...]
    baseline: int
    centre: float
    sigma: float
    resolution: float
    lower: float
    upper: float
    range_centre: float
    range_upper: float
    signals: tuple[Signal, ...]

    @property
    def in_control(self) -> bool:
        """Whether no rule broke."""
        return not self.signals


def control_chart(
    times: Sequence[datetime] | Sequence[float] | NDArray[Any],
    values: ArrayLike,
    *,
    baseline: int | None = None,
    centre: float | None = None,
    resolution: float = 0.0,
) -> ControlChart:
    """Individuals and moving range chart with the Western Electric run rules.

    Montgomery, Introduction to Statistical Quality Control, "Shewhart control chart for
    individual measurements"; rules: Western Electric (1956), Statistical Quality Control
    Handbook.

    Args:
        times: When each value was measured, datetimes or numbers, in any order; of equal times
            the order given counts.
        values: Differences from gold, shape `(n,)`.
        baseline: Take the limits from the first so many values (a time known to be good); all
            by default.
        centre: Centre line, as 0 for a rater who ought to have no bias; the mean by default.
        resolution: Step in which labels are given, at least 0: sigma is at least resolution/√6,
            the scatter of the difference of two rounded values (GUM, JCGM 100:2008, F.2.2.1).

    Raises:
        ValidationError: Fewer than three values, lengths or times that do not fit, or no moving
            range but the rounding of float64.
    """
    measured = floats(values, "values", dimensions=1)
    if not isinstance(times, Sequence | np.ndarray):
        raise ValidationError(f"times={times!r}: must be one time for each value.")
    moments: list[Any] = times.tolist() if isinstance(times, np.ndarray) else list(times)
    if len(moments) != len(measured):
        raise ValidationError(
            f"{len(moments)} times for {len(measured)} values: each value needs its time."
        )
    at_least(len(measured), FEWEST, "values for a control chart")
    first = len(measured) if baseline is None else whole(baseline, "baseline", 0)
    step = number(resolution, "resolution")
    if not 0 <= step < float("inf"):
        raise ValidationError(f"resolution={resolution}: must be at least 0, and finite.")
    if not FEWEST <= first <= len(measured):
        raise ValidationError(f"baseline={first!r}: must be {FEWEST} to {len(measured)} (values).")
    order = _in_time(moments)
    ordered, moments = measured[order], [moments[at] for at in order]
    ranges = np.abs(np.diff(ordered))
    mean_range = float(ranges[: first - 1].mean())
    if not _more_than_dust(mean_range, ordered):
        raise ValidationError(
            f"the first {first} values are all {ordered[0]:g}: limits need values that vary; "
            "wait for more, or take a longer baseline."
        )
    middle = float(
        ordered[:first].mean() if centre is None else floats(centre, "centre", dimensions=0)
    )
    sigma = max(mean_range / D2, step / 6**0.5)
    mean_range = sigma * D2
    return ControlChart(
        times=tuple(moments), values=tuple(ordered.tolist()), moving_ranges=tuple(ranges.tolist()),
        baseline=first, centre=middle, sigma=sigma, resolution=step,
        lower=middle - 3 * sigma, upper=middle + 3 * sigma,
        range_centre=mean_range, range_upper=D4 * mean_range,
        signals=_signals(moments, ordered, (ordered - middle) / sigma, ranges, D4 * mean_range),
    )  # fmt: skip


def _in_time(moments: list[Any]) -> list[int]:
    if any(moment != moment for moment in moments):  # noqa: PLR0124  # NaN, and NaT, differ
        raise ValidationError("times: one is not a number; every value needs its time.")
    try:
        return sorted(range(len(moments)), key=lambda at: moments[at])
    except TypeError as error:
        raise ValidationError(f"times: cannot be put in order ({error}).") from None


def varies(values: Floats) -> bool:
    """Whether values differ from one to the next by more than the rounding of float64."""
    return len(values) > 1 and _more_than_dust(float(np.abs(np.diff(values)).mean()), values)


def _more_than_dust(mean_range: float, values: Floats) -> bool:
    return mean_range > DUST * float(np.abs(values).max())


def _signals(
    times: Sequence[Any], values: Floats, away: Floats, ranges: Floats, most: float
) -> tuple[Signal, ...]:
    found = [
        Signal(at, times[at], float(values[at]), rule, RULES[rule])
        for rule in RUNS
        for at in _broken(away, rule)
    ]
    found += [
        Signal(at + 1, times[at + 1], float(ranges[at]), 5, RULES[5])
        for at in np.flatnonzero(ranges > most).tolist()
    ]
    return tuple(sorted(found, key=lambda each: (each.at, each.rule)))


def _broken(away: Floats, rule: int) -> list[int]:
    """Points at which a run of the rule ends; the point itself lies beyond, too."""
    many, of, limit = RUNS[rule]
    if len(away) < of:
        return []
    ends: set[int] = set()
    for side in (away, -away):
        beyond = side > limit
        count = sliding_window_view(beyond, of).sum(axis=1)
        ends.update(int(at) + of - 1 for at in np.flatnonzero((count >= many) & beyond[of - 1 :]))
    return sorted(ends)
