"""What the change of a mean comes with: its parts, with words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from mlmcsc.domain.drift.decomposing import (
    MOST_CELLS,
    Kitagawa,
    Rows,
    bootstrapped,
    cells,
    inseparable,
    joint,
    kitagawa,
    ordered,
)

WORTH_A_WORD: Final = 0.01


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a change.

    Attributes:
        value: How much; in the unit of the mean.
        low: Lower end of its 95 % interval, by resampled specimens.
        high: Its upper end.
    """

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval does not hold 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{_plain(self.value)} ({_plain(self.low)} to {_plain(self.high)})"


@dataclass(frozen=True, slots=True)
class Factor:
    """What a change may be associated with.

    Attributes:
        name: Such as `specimen mix`.
        detail: What its levels are, or how they changed.
        part: How much of the change comes with it, given all other factors.
        confounded: Whether data do not tell its part from that of others: only the joint part of
            all confounded ones means something.
        shapley: Its part, averaged over all orders in which factors can be considered.
        smallest: Least over these orders.
        largest: Most.
        alone: Kitagawa's components, looking at this factor only.
    """

    name: str
    detail: str
    part: Part
    confounded: bool
    shapley: float
    smallest: float
    largest: float
    alone: Kitagawa


@dataclass(frozen=True, slots=True)
class Attribution:
    """The change of a mean and what it comes with; parts and rest sum to the total.

    Attributes:
        of: `labels` or `predictions`.
        reference_mean: Mean of the reference.
        current_mean: Mean of the current side.
        total: Their difference.
        factors: What it may be associated with.
        unexplained: Change within levels: the same specimens, raters … and another value.
        joint: Part of all that cannot be told apart; None where all can.
        with_rest: Whether what is unexplained is among that.
        reason: Why there is none; None where there is.
    """

    of: str
    reference_mean: float | None = None
    current_mean: float | None = None
    total: Part | None = None
    factors: tuple[Factor, ...] = ()
    unexplained: Part | None = None
    joint: Part | None = None
    with_rest: bool = False
    reason: str | None = None

    @property
    def steps(self) -> tuple[tuple[str, Part], ...]:
        """Parts that mean something, by name; they sum to the total."""
        found = [(f.name, f.part) for f in self.factors if not f.confounded]
        found.sort(key=lambda each: -abs(each[1].value))
        if self.joint is not None:
            names = [f.name for f in self.factors if f.confounded]
            names += ["what else came then"] if self.with_rest else []
            found.append((" and ".join(names), self.joint))
        if self.unexplained is not None and not self.with_rest:
            found.append(("unexplained", self.unexplained))
        return tuple(found)

    @property
    def words(self) -> str:
        """One or more sentences; nothing is put down to what may be chance."""
        if self.total is None or self.reference_mean is None:
            return f"{self.of}: no attribution, as {self.reason}."
        verb = "rose" if self.total.value > 0 else "fell"
        means = f"{self.reference_mean:.3g} to {self.current_mean:.3g}"
        change = f"The mean of {self.of} {verb} from {means}: {self.total}"
        if not self.total.certain:
            return f"{change}; that may be chance, so it is put down to nothing."
        told = [f"{part} with {name}" for name, part in self.steps if _told(name, part)]
        rest = [f"{part} is {name}" for name, part in self.steps if name == "unexplained"]
        less = [name for name, part in self.steps if not part.certain and name != "unexplained"]
        said = [f"{change}. Associated: {'; '.join([*told, *rest]) or 'nothing for certain'}."]
        if less:
            said.append(f"Not told from 0: {', '.join(less)}.")
        if self.joint is not None:
            said.append("What is named together changed together and cannot be told apart.")
        said += [f"{f.name.capitalize()}: {f.detail}." for f in self.factors if f.detail]
        said += [_without_counterpart(f) for f in self.factors if not f.confounded]
        return " ".join(filter(None, said))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"words": self.words}


def _told(name: str, part: Part) -> bool:
    return part.certain and name != "unexplained"


def _plain(value: float) -> str:
    if 1e-6 < abs(value) < 5e-4:  # noqa: PLR2004  # three digits would make it 0, which it is not
        return f"{value:.5f}"
    return f"{round(value, 3) + 0.0:.3f}"


def _without_counterpart(factor: Factor) -> str:
    lone = (factor.alone.only_current, factor.alone.only_reference)
    if max(lone) < WORTH_A_WORD:
        return ""
    return (
        f"{factor.name.capitalize()}: {lone[0]:.0%} of the current and {lone[1]:.0%} of the "
        "reference rows have no counterpart on the other side."
    )


def attribute(
    of: str, both: tuple[Rows, Rows], named: Sequence[tuple[str, str]], *, seed: int
) -> Attribution:
    """Decompose the change of a mean.

    Args:
        of: What was measured.
        both: Rows of the reference and of the current period; neither empty.
        named: Name and detail of each factor, in the order of `Rows.codes`.
        seed: Of the bootstrap.
    """
    reference, current = both
    n = len(named)
    found = cells(reference, current)
    if len(found.period) > MOST_CELLS:
        reason = f"there are {len(found.period):,} combinations of levels; at most {MOST_CELLS:,}"
        return Attribution(of, reason=reason)
    total, parts = joint(found, range(n))
    every = np.append(parts, total - parts.sum())
    mixed = inseparable(found)
    shares, extremes = ordered(found, n)
    low, high = bootstrapped(found, n, seed, mixed)
    pieces = [
        Part(float(value), float(a), float(b))
        for value, a, b in zip([total, *every, every[mixed].sum()], low, high, strict=True)
    ]
    factors = tuple(
        Factor(
            name=name,
            detail=detail,
            part=pieces[at + 1],
            confounded=bool(mixed[at]),
            shapley=float(shares[at]),
            smallest=float(extremes[0, at]),
            largest=float(extremes[1, at]),
            alone=kitagawa(reference, current, at),
        )
        for at, (name, detail) in enumerate(named)
    )
    return Attribution(
        of=of,
        reference_mean=float(np.mean(reference.values)),
        current_mean=float(np.mean(current.values)),
        total=pieces[0],
        factors=factors,
        unexplained=pieces[-2],
        joint=pieces[-1] if mixed.any() else None,
        with_rest=bool(mixed[-1]),
    )
