"""Why a mean moved: the parts of its change, with words."""

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
    joint,
    kitagawa,
    ordered,
)

UNTOLD: Final = 0.999
"""From this share of rows on, a factor's levels are those of one period only."""

WORTH_A_WORD: Final = 0.01


@dataclass(frozen=True, slots=True)
class Factor:
    """One possible cause.

    Attributes:
        name: Such as `specimen mix`.
        detail: What its levels are, or how they changed.
        part: How much of the change comes from it, given all other factors.
        low: Lower end of the 95 % interval; None where it was not asked for.
        high: Its upper end.
        shapley: Its part, averaged over all orders in which factors can be considered.
        smallest: Least over these orders.
        largest: Most.
        alone: Kitagawa's components, looking at this factor only.
    """

    name: str
    detail: str
    part: float
    low: float
    high: float
    shapley: float
    smallest: float
    largest: float
    alone: Kitagawa

    @property
    def confounded(self) -> bool:
        """Whether no level is in both periods: what came with it cannot be told from it."""
        return min(self.alone.only_reference, self.alone.only_current) >= UNTOLD


@dataclass(frozen=True, slots=True)
class Attribution:
    """The change of a mean and where it comes from; parts and rest sum to the total.

    Attributes:
        of: `labels` or `predictions`.
        reference_mean: Mean of the reference.
        current_mean: Mean of the current period.
        total: Their difference.
        interval: 95 % interval of the total, by resampled specimens.
        factors: The causes.
        unexplained: Change within levels: the same specimens, raters … and another value.
        unexplained_interval: 95 % interval.
        reason: Why there is none; None where there is.
    """

    of: str
    reference_mean: float | None = None
    current_mean: float | None = None
    total: float | None = None
    interval: tuple[float, float] | None = None
    factors: tuple[Factor, ...] = ()
    unexplained: float | None = None
    unexplained_interval: tuple[float, float] | None = None
    reason: str | None = None

    @property
    def words(self) -> str:
        """One or more sentences."""
        if self.total is None or self.reference_mean is None or self.unexplained is None:
            return f"{self.of}: no attribution, as {self.reason}."
        verb = "rose" if self.total > 0 else "fell"
        parts = [
            f"{_signed(f.part, self.total)} from {f.name}" + (f" ({f.detail})" if f.detail else "")
            for f in sorted(self.factors, key=lambda each: -abs(each.part))
        ]
        means = f"{self.reference_mean:.3g} to {self.current_mean:.3g}"
        rest = _signed(self.unexplained, self.total)
        said = [
            f"The mean of {self.of} {verb} by {abs(self.total):.3g}, from {means}:",
            f"{'; '.join(parts)}; {rest} is unexplained.",
        ]
        said += [_only_then(f) for f in self.factors if f.confounded]
        said += [_without_counterpart(f) for f in self.factors if not f.confounded]
        return " ".join(filter(None, said))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        found = asdict(self) | {"words": self.words}
        for told, factor in zip(found["factors"], self.factors, strict=True):
            told["confounded"] = factor.confounded
        return found


def _only_then(factor: Factor) -> str:
    return (
        f"No {factor.name} is in both periods: its part cannot be told from other changes of "
        "that time."
    )


def _without_counterpart(factor: Factor) -> str:
    lone = (factor.alone.only_current, factor.alone.only_reference)
    if max(lone) < WORTH_A_WORD:
        return ""
    return (
        f"{factor.name.capitalize()}: {lone[0]:.0%} of the current and {lone[1]:.0%} of the "
        "reference rows have no counterpart in the other period."
    )


def _signed(part: float, total: float) -> str:
    """A part in the direction of the change; with a minus where it goes against it."""
    along = part if total > 0 else -part
    return f"{along:.3f}" if round(along, 3) else "0.000"


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
    shares, extremes = ordered(found, n)
    low, high = bootstrapped(found, n, seed)
    factors = tuple(
        Factor(
            name=name,
            detail=detail,
            part=float(parts[at]),
            low=float(low[at + 1]),
            high=float(high[at + 1]),
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
        total=total,
        interval=(float(low[0]), float(high[0])),
        factors=factors,
        unexplained=total - float(parts.sum()),
        unexplained_interval=(float(low[-1]), float(high[-1])),
    )
