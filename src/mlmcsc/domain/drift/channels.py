"""One thing that may drift: how it was tested, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.clusters import (
    Pair,
    Two,
    effective_of_categories,
    effective_of_numbers,
)
from mlmcsc.domain.drift.kernel import discrepancy
from mlmcsc.domain.drift.measures import (
    Shares,
    binned,
    chance_psi,
    chi_square_p,
    distances,
    equal_edges,
    kolmogorov_p,
    psi,
    quantile_edges,
)

Kind = Literal["numbers", "categories", "vectors"]
LEAST: Final = 30
"""Values per side below which nothing is tested."""
LEAST_EFFECTIVE: Final = 10.0
"""Independent values that these must be worth, and clusters of vectors."""
MODERATE: Final = {"psi": 0.1, "shift": 0.2, "unlike": 0.02}
"""PSI beyond chance; W1 in reference SDs; share by which vectors are less alike."""
LARGEST: Final = 1e30
"""Numbers beyond are no measurements, and their squares would no longer be numbers."""
LARGE: Final = 2.5
"""Large is from so many times moderate: PSI 0.25, half an SD, 5 %."""


@dataclass(frozen=True, slots=True)
class Name:
    """Which channel: its group, and its name in it."""

    group: str
    channel: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and how it changed.

    Attributes:
        group: `inputs`, `instrument`, `predictions`, `labels` or `raters`.
        channel: Its name.
        kind: Numbers, categories or vectors.
        n_reference: Values.
        n_current: Values.
        effective_reference: How many independent values these are worth.
        effective_current: Likewise.
        reference_mean: Of numbers.
        current_mean: Of numbers.
        psi: Population stability index.
        chance_psi: What it is on average without any change.
        ks: Kolmogorov-Smirnov distance, 0 to 1.
        wasserstein: W1, in the unit of the values.
        shift: W1 in standard deviations of the reference; None where it has none.
        mmd2: Unbiased MMD².
        unlike: Share by which vectors of different periods are less alike.
        effect: The largest of PSI beyond chance, shift and unlike, each over what counts as
            moderate: 1 is moderate, 2.5 is large.
        p: Probability of such a difference without any change.
        adjusted_p: So adjusted that few of all alarms are false.
        drifted: Whether effect is at least 1 and `adjusted_p` at most alpha.
        reason: Why it was not tested; None where it was.
        shares: How both sides spread over quantile bins of the reference, or categories.
        drawn: What to draw of numbers: how both sides spread over bins of equal width.
    """

    group: str
    channel: str
    kind: Kind
    n_reference: int
    n_current: int
    effective_reference: float | None = None
    effective_current: float | None = None
    reference_mean: float | None = None
    current_mean: float | None = None
    psi: float | None = None
    chance_psi: float | None = None
    ks: float | None = None
    wasserstein: float | None = None
    shift: float | None = None
    mmd2: float | None = None
    unlike: float | None = None
    effect: float | None = None
    p: float | None = None
    adjusted_p: float | None = None
    drifted: bool = False
    reason: str | None = None
    shares: Shares | None = None
    drawn: Shares | None = None

    @property
    def verdict(self) -> str:
        """For people: how much drift, `not certain` (far enough, but p is not small), `steady`."""
        if self.drifted:
            return f"{self.level} drift"
        return {"none": "steady", "not tested": "not tested"}.get(self.level, "not certain")

    @property
    def level(self) -> str:
        """`none`, `moderate` or `large` by effect alone; `not tested`."""
        if self.effect is None:
            return "not tested"
        return "large" if self.effect >= LARGE else "moderate" if self.effect >= 1 else "none"

    def judged(self, adjusted_p: float, alpha: float) -> Channel:
        """With its adjusted p-value, and the verdict: both probability and effect count."""
        drifted = adjusted_p <= alpha and (self.effect or 0.0) >= 1
        return replace(self, adjusted_p=adjusted_p, drifted=drifted)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        found = asdict(self) | {"level": self.level}
        for name, shares in (("shares", self.shares), ("drawn", self.drawn)):
            found[name] = None if shares is None else shares.to_dict()
        return found


def untested(name: Name, kind: Kind, sizes: tuple[int, int], reason: str) -> Channel:
    """A channel that is told of, with why it says nothing."""
    return Channel(name.group, name.channel, kind, *sizes, reason=reason)


def of_numbers(name: Name, both: Two, *, beside: Two | None = None) -> Channel:
    """Test whether numbers are distributed as before.

    Args:
        name: Of the channel.
        both: The numbers of each side.
        beside: What the numbers were counted from, where that was estimated: it makes them less
            certain, as a difference of two means is less certain than one.
    """
    sizes = (len(both[0]), len(both[1]))
    if (reason := too_few(sizes) or _useless(both)) is not None:
        return untested(name, "numbers", sizes, reason)
    effective = effective_of_numbers(both)
    if (reason := _too_clustered(both, effective)) is not None:
        return untested(name, "numbers", sizes, reason)
    if beside is not None:
        other = effective_of_numbers(beside)
        effective = (_together(effective[0], other[0]), _together(effective[1], other[1]))
    a, b = (np.sort(each.values) for each in both)
    shares = binned(a, b, quantile_edges(a))
    index, chance = _psi(shares, effective)
    distance, moved = distances(a, b)
    spread = float(a.std(dtype=np.float64, ddof=1))
    shift = moved / spread if spread > 0 else None
    return Channel(
        name.group,
        name.channel,
        "numbers",
        *sizes,
        *effective,
        reference_mean=float(a.mean(dtype=np.float64)),
        current_mean=float(b.mean(dtype=np.float64)),
        psi=index,
        chance_psi=chance,
        ks=distance,
        wasserstein=moved,
        shift=shift,
        effect=max(_beyond(index, chance), (shift or 0.0) / MODERATE["shift"]),
        p=kolmogorov_p(distance, effective),
        shares=shares,
        drawn=binned(a, b, equal_edges(a, b)),
    )


def _together(own: float, other: float) -> float:
    """Independent values whose mean is as uncertain as a difference of two means."""
    return 1 / (1 / own + 1 / other)


def _useless(both: Two) -> str | None:
    """Why these numbers say nothing, whatever their number."""
    low = min(float(each.values.min()) for each in both)
    high = max(float(each.values.max()) for each in both)
    if low == high:
        return f"always {low:.4g}"
    beyond = sum(int((np.abs(each.values) > LARGEST).sum()) for each in both)
    if beyond:
        return f"{beyond} values are beyond {LARGEST:g}, which no measurement is; correct them"
    return None


def of_categories(name: Name, both: Two, names: Sequence[str]) -> Channel:
    """Test whether categories have the shares that they had; values are places in `names`."""
    sizes = (len(both[0]), len(both[1]))
    if (reason := too_few(sizes)) is not None:
        return untested(name, "categories", sizes, reason)
    counts = [np.bincount(each.values, minlength=len(names)) for each in both]
    there = np.flatnonzero(counts[0] + counts[1])
    if len(there) == 1:
        return untested(name, "categories", sizes, f"always {names[there[0]]}")
    effective = effective_of_categories(both, len(names))
    if (reason := _too_clustered(both, effective)) is not None:
        return untested(name, "categories", sizes, reason)
    shares = _joined_rare(Shares(None, tuple(names), *counts), effective)
    index, chance = _psi(shares, effective)
    return Channel(
        name.group,
        name.channel,
        "categories",
        *sizes,
        *effective,
        psi=index,
        chance_psi=chance,
        effect=_beyond(index, chance),
        p=chi_square_p(shares, effective),
        shares=shares,
    )


Vectors = tuple[NDArray[np.float32], NDArray[np.int64]]


def of_vectors(name: Name, both: tuple[Vectors, Vectors], *, seed: int) -> Channel:
    """Test whether feature vectors, `(N, D)` with their clusters, are distributed as before."""
    sizes = (len(both[0][0]), len(both[1][0]))
    if (reason := too_few(sizes)) is not None:
        return untested(name, "vectors", sizes, reason)
    clusters = (float(len(np.unique(both[0][1]))), float(len(np.unique(both[1][1]))))
    if (reason := _worth_too_little(clusters)) is not None:
        return untested(name, "vectors", sizes, reason)
    found = discrepancy(*both, seed=seed)
    return Channel(
        name.group,
        name.channel,
        "vectors",
        *sizes,
        *clusters,
        mmd2=found.mmd2,
        unlike=found.unlike,
        effect=found.unlike / MODERATE["unlike"],
        p=found.p,
    )


def too_few(sizes: tuple[int, int]) -> str | None:
    """Why samples of these sizes are not tested."""
    for n, period in zip(sizes, ("reference", "current"), strict=True):
        if n < LEAST:
            return f"{n} values in the {period}; needs {LEAST}"
    return None


def _too_clustered(both: Two, effective: Pair) -> str | None:
    """Few specimens are too few even where their images differ: who knows what others are like."""
    first, second = (float(len(np.unique(each.clusters))) for each in both)
    return _worth_too_little((min(first, effective[0]), min(second, effective[1])))


def _worth_too_little(effective: Pair) -> str | None:
    for n, period in zip(effective, ("reference", "current"), strict=True):
        if n < LEAST_EFFECTIVE:
            return (
                f"the {period} is worth {n:.1f} independent values, as its images are of few "
                f"specimens; needs {LEAST_EFFECTIVE:g}"
            )
    return None


def _psi(shares: Shares, effective: Pair) -> Pair:
    used = int(((shares.reference + shares.current) > 0).sum())
    return psi(shares.reference, shares.current), chance_psi(used, effective)


def _beyond(index: float, chance: float) -> float:
    return max(0.0, index - chance) / MODERATE["psi"]


def _joined_rare(shares: Shares, effective: Pair) -> Shares:
    """Categories expected fewer than 5 times on a side are one: chi-square needs as many."""
    together = (shares.reference + shares.current) / (shares.reference + shares.current).sum()
    rare = together * min(effective) < 5  # noqa: PLR2004  # Cochran's rule (Biometrics 10, 1954)
    names = np.asarray(shares.names, dtype=object)
    if rare.sum() < 2:  # noqa: PLR2004  # one is joined with nothing
        return shares
    counts = [
        np.append(each[~rare], each[rare].sum()) for each in (shares.reference, shares.current)
    ]
    return Shares(None, (*names[~rare].tolist(), f"{int(rare.sum())} others"), *counts)
