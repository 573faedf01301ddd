"""Measuring fairly: baseline and product take turns, medians count, ratios are per round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Side = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: Benchmark that made it.
        what: What was done, with sizes.
        product: mlmcsc's figure, in `unit`.
        baseline: The other side's figure, in `unit`.
        unit: E.g. `rows/s`, `ms`.
        against: What the baseline is.
        ratio: Product to baseline (median of the rounds' ratios).
        target: What was promised; empty for information.
        met: Whether it was kept; None for information.
        rounds: The ratio of each round, to show the spread.
    """

    name: str
    what: str
    product: float
    unit: str
    baseline: float | None = None
    against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    rounds: tuple[float, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


def rate(count: int, work: Callable[[], object]) -> float:
    """How many of `count` were done per second."""
    return count / seconds(work)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def take_turns(rounds: int, **sides: Side) -> Mapping[str, list[float]]:
    """Figures of each side, round by round; every other round runs in reverse order."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            found[name].append(sides[name]())
    return found


def compare(
    name: str,
    what: str,
    unit: str,
    product: list[float],
    baseline: list[float],
    *,
    against: str,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """A row with the medians of both sides and of their ratio, judged by a ratio target."""
    ratios = tuple(p / b for p, b in zip(product, baseline, strict=True))
    ratio = statistics.median(ratios)
    target, met = "", None
    if at_least is not None:
        target, met = f"≥ {at_least:g} x", ratio >= at_least
    if at_most is not None:
        target, met = f"≤ {at_most:g} x", ratio <= at_most
    return Row(
        name=name,
        what=what,
        product=statistics.median(product),
        unit=unit,
        baseline=statistics.median(baseline),
        against=against,
        ratio=ratio,
        target=target,
        met=met,
        rounds=ratios,
    )


def judge(name: str, what: str, unit: str, value: float, *, below: float | None = None) -> Row:
    """A row with an absolute limit, or for information."""
    target = "" if below is None else f"< {below:g} {unit}"
    return Row(name, what, value, unit, target=target, met=None if below is None else value < below)
