"""How far two samples of numbers or of categories lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
BINS: Final = 10
"""Quantile bins of the reference: the usual deciles."""
DRAWN: Final = 20
"""Bins of equal width that are drawn."""
_STRETCH: Final = 100_000
EMPTY: Final = 0.5
"""What an empty bin counts as, in observations: its logarithm must be finite."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How two samples spread over the same bins or categories.

    Attributes:
        edges: Inner limits of the bins, ascending, shape `(B - 1,)`; None of categories.
        names: Names of the categories, `B` of them; None of bins.
        reference: Counts, shape `(B,)`, int64.
        current: Likewise.
    """

    edges: NDArray[np.float64] | None
    names: tuple[str, ...] | None
    reference: NDArray[np.int64]
    current: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "edges": None if self.edges is None else self.edges.tolist(),
            "names": self.names,
            "reference": self.reference.tolist(),
            "current": self.current.tolist(),
        }


def quantile_edges(reference: Numbers, bins: int = BINS) -> NDArray[np.float64]:
    """Limits of bins that each hold about as many reference values, shape `(<= bins + 1,)`.

    A reference of few distinct values (magnifications, voltages) gets a bin for each of them and
    one on either side, so that a value never seen before shows.
    """
    distinct = _few_distinct(reference, bins)
    if distinct is not None:
        below, above = np.nextafter(distinct[0], -np.inf), distinct[-1]
        return np.asarray([below, *((distinct[1:] + distinct[:-1]) / 2), above], dtype=np.float64)
    places = np.linspace(0, 1, bins + 1)[1:-1]
    return np.unique(np.quantile(reference, places).astype(np.float64))


def equal_edges(reference: Numbers, current: Numbers) -> NDArray[np.float64]:
    """Limits of bins of equal width over all but the outermost 1 % at either end; both ascending.

    Few distinct values get a bin each, as in `quantile_edges`. The outer bins are open.
    """
    both = np.concatenate(
        [reference[:: len(reference) // 1000 + 1], current[:: len(current) // 1000 + 1]]
    )
    distinct = _few_distinct(both, BINS)
    if distinct is not None:
        return np.asarray((distinct[1:] + distinct[:-1]) / 2, dtype=np.float64)
    low, high = np.quantile(both, [0.01, 0.99]).astype(np.float64)
    return np.unique(np.linspace(low, high, DRAWN + 1))


def _few_distinct(values: Numbers, most: int) -> NDArray[np.float64] | None:
    """The distinct values where there are no more than `most`; ascending."""
    if len(np.unique(values[: 20 * most])) > most:  # the rule: no need to sort a million values
        return None
    distinct = np.unique(values).astype(np.float64)
    return distinct if len(distinct) <= most else None


def binned(reference: Numbers, current: Numbers, edges: NDArray[np.float64]) -> Shares:
    """Counts per bin of ascending values; a bin is open below and closed above."""
    counts = (
        np.diff(np.searchsorted(each, edges, side="right"), prepend=0, append=len(each))
        for each in (reference, current)
    )
    return Shares(edges, None, *counts)


def psi(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Population stability index: sum of (p - q)·ln(p / q) over bins.

    The symmetrised divergence of Kullback and Leibler (1951), as it is used in credit scoring
    (Siddiqi, Credit Risk Scorecards, 2006: from 0.1 moderate, from 0.25 large). A bin that is
    empty on one side counts as half an observation there; nothing is added to the others.

    Args:
        reference: Counts per bin, shape `(B,)`.
        current: Likewise.
    """
    some = (reference + current) > 0
    p, q = (
        np.where(each[some] > 0, each[some], EMPTY) / each.sum() for each in (current, reference)
    )
    return float(((p - q) * np.log(p / q)).sum())


def chance_psi(bins: int, effective: tuple[float, float]) -> float:
    """What PSI is on average though nothing changed: (B - 1)·(1/n + 1/m).

    PSI / (1/n + 1/m) is about chi-square with B - 1 degrees of freedom then (Yurdakul,
    Statistical Properties of Population Stability Index, 2018).
    """
    return (bins - 1) * (1 / effective[0] + 1 / effective[1])


def kolmogorov_p(distance: float, effective: tuple[float, float]) -> float:
    """How probable such a distance is without any change, by the asymptotic distribution.

    Kolmogorov (1933) and Smirnov (1939): Q(sqrt(n·m / (n + m))·D). Ties and small samples make it
    cautious.
    """
    from scipy.special import kolmogorov  # noqa: PLC0415  # not for --help

    n, m = effective
    return float(kolmogorov(np.sqrt(n * m / (n + m)) * distance))


def distances(reference: Numbers, current: Numbers) -> tuple[float, float]:
    """Kolmogorov-Smirnov and Wasserstein distance (W1) of two ascending samples.

    The first is the largest distance of the two empirical distribution functions, 0 to 1. The
    second is the area between them: the mean distance that values must be moved to turn one
    sample into the other, in their unit.
    """
    both = np.concatenate([reference, current])
    both.sort()
    largest = area = 0.0
    for at in range(0, len(both), _STRETCH):  # places of a million values are 8 MB each
        points = both[at : at + _STRETCH + 1]  # and where the next stretch begins
        gap = np.searchsorted(reference, points, "right") / len(reference)
        gap -= np.searchsorted(current, points, "right") / len(current)
        np.abs(gap, out=gap)
        largest = max(largest, float(gap.max()))
        area += float((gap[:-1] * np.diff(points).astype(np.float64)).sum())
    return largest, area


def chi_square_p(shares: Shares, effective: tuple[float, float]) -> float:
    """How probable such different shares are without any change.

    Pearson's chi-square of a table with two rows, at the sizes that clustered samples are worth:
    the first-order correction of Rao and Scott (Annals of Statistics 12, 1984).
    """
    from scipy.special import chdtrc  # noqa: PLC0415  # not for --help

    p, q = (each / each.sum() for each in (shares.reference, shares.current))
    n, m = effective
    together = (n * p + m * q) / (n + m)
    there = together > 0
    if there.sum() < 2:  # noqa: PLR2004  # one category only: nothing can differ
        return 1.0
    away = (n * (p - together) ** 2 + m * (q - together) ** 2)[there] / together[there]
    return float(chdtrc(there.sum() - 1, away.sum()))
