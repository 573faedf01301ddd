"""Does seeing the model's number pull people towards it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from mlmcsc.domain.agreement.arrays import (
    Floats,
    Indices,
    Mask,
    Name,
    added_up,
    at_least,
    check_confidence,
    floats,
    name_of,
    numbered,
    same_length,
)
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.points import shown
from mlmcsc.domain.agreement.resampling import cluster_numbers
from mlmcsc.errors import ValidationError

FEWEST = 3
FEWEST_RATERS = 5
"""Below as many, how raters differ is not known: intervals are of these raters only."""
FEWEST_TELLING = 5
"""Labels that tell, below which nothing is decided."""
CLEARLY = 0.5
"""A label tells when its prediction is off by at least this many root mean squares of all, as
counted from the median."""
OF_THESE = "HC3, of these raters only"
SAME = 1e-9
"""Difference, relative to the largest number, below which a label is the prediction itself."""
COPIES_FROM, INDEPENDENT_TO = 0.75, 0.25
"""Where the whole interval lies above or below, a rater copies or is independent."""
LEAST_LEFT = 0.1
"""Share of the spread of x that must be left when the consensus's own noise is taken off."""


@dataclass(frozen=True, slots=True)
class RaterAnchoring(Result):
    """The anchoring slope of one rater; None with the reason when it cannot be told.

    Attributes:
        rater: Id of the rater.
        n: Assisted labels used.
        telling: Of these, labels whose prediction was clearly off: they carry the slope.
        copied: Labels that are the prediction shown, digit for digit.
        slope: 0 independent, 1 copying.
        low: Lower end of its interval.
        high: Upper end.
        verdict: As of all raters, or unknown.
        reason: Why there is no slope, or why it stays undecided; empty otherwise.
    """

    rater: Name
    n: int
    telling: int
    copied: int
    slope: float | None
    low: float | None
    high: float | None
    verdict: str
    reason: str

    @property
    def copied_share(self) -> float:
        """Share of labels that are exactly the prediction shown, 0 to 1."""
        return self.copied / self.n


@dataclass(frozen=True, slots=True)
class Anchoring(Result):
    """Slope of (assisted - blind consensus) on (prediction - blind consensus).

    Attributes:
        n: Assisted labels used.
        telling: Of these, labels whose prediction was clearly off: they carry the slope.
        copied: Labels that are the prediction shown, digit for digit. Where the prediction is
            right these are no sign of copying.
        slope: 0 independent, 1 copying.
        low: Lower end of its interval.
        high: Upper end.
        intercept: Of the line: what assisted labels differ where the prediction agrees.
        confidence: Level of the intervals.
        method: How the interval was made: `HC3`, or the wider of it and `by rater`, `by cluster`;
            of these raters only where they are too few to tell of others.
        corrected: Whether the consensus's own uncertainty was taken into account.
        verdict: copies, pulled, independent, pushed away or undecided, judged on the interval.
        reason: Why nothing can be decided; empty otherwise.
        raters: The same of each rater, in the order of their ids; empty if none were given.
        x: Prediction minus blind consensus of each label.
        y: Assisted label minus blind consensus.
        sampled: Whether there were above 2,000 labels, of which `x` and `y` hold as many, drawn at
            random, and always the outermost of x; all numbers are of all labels.
    """

    n: int
    telling: int
    copied: int
    slope: float
    low: float
    high: float
    intercept: float
    confidence: float
    method: str
    corrected: bool
    verdict: str
    reason: str
    raters: tuple[RaterAnchoring, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    sampled: bool

    @property
    def copied_share(self) -> float:
        """Share of labels that are exactly the prediction shown, 0 to 1."""
        return self.copied / self.n


def anchoring(
    assisted: ArrayLike,
    blind_consensus: ArrayLike,
    prediction: ArrayLike,
    raters: ArrayLike | None = None,
    confidence: float = 0.95,
    uncertainty: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> Anchoring:
    """The anchoring slope with a robust interval, of all and of each rater.

    Both differences hold the same consensus, so its noise alone makes a slope. Where its
    standard uncertainty u is given, u² is taken off the covariance and off the variance (errors
    in variables: Fuller 1987, Measurement Error Models, 1.2, with correlated errors). Intervals:
    sandwich with HC3 weights (MacKinnon & White 1985); with five raters (clusters) or more the
    wider of it and the jackknife over raters (clusters; CR3, Bell & McCaffrey 2002, Survey
    Methodology 28, 169) with as many degrees of freedom as weigh alike, less one. Fewer raters
    are taken as they are: the interval speaks of these only. No half width is below 1 - p^(1/m),
    with m labels whose prediction is clearly off and p half the error: of m labels all alike, that
    share may be of the other kind (Clopper & Pearson 1934). So neither one label nor luck decides.

    Args:
        assisted: Labels of people who saw the prediction, shape `(n,)`.
        blind_consensus: Consensus of people who did not, of the same items; never with the
            assisted label's own rater in it, if that can be helped.
        prediction: What they saw.
        raters: Id of each label's rater.
        confidence: Level of the intervals, above 0 and below 1.
        uncertainty: Standard uncertainty of each blind consensus, at least 0.
        clusters: Id of each label's specimen or image; without, labels are taken as independent.

    Raises:
        ValidationError: Fewer than three labels, lengths that differ, NaN, or predictions that
            do not differ from the consensus enough to tell anything.
    """
    level = check_confidence(confidence)
    label = floats(assisted, "assisted", dimensions=1)
    blind = floats(blind_consensus, "blind_consensus", dimensions=1)
    seen = floats(prediction, "prediction", dimensions=1)
    noise = np.zeros_like(blind)
    if uncertainty is not None:
        noise = floats(uncertainty, "uncertainty", dimensions=1)
    ids = np.zeros(label.shape, np.int64) if raters is None else np.asarray(raters)
    same_length(
        assisted=label, blind_consensus=blind, prediction=seen, uncertainty=noise, raters=ids
    )
    if (noise < 0).any():
        raise ValidationError(f"uncertainty={noise.min():g}: none may be below 0.")
    data = _Data(seen - blind, label - blind, noise, _copied(label, seen))
    names, rater = numbered(ids, "raters")
    groups = {"rater": rater, "cluster": cluster_numbers(clusters, len(label))}
    large = {
        f"by {kind}": of
        for kind, of in groups.items()
        if of is not None and of.max(initial=-1) >= FEWEST_RATERS - 1
    }
    fit = _slope(data, large, level)
    method = " or ".join(["HC3", *large])
    if 1 < len(names) < FEWEST_RATERS:
        method = method.replace("HC3", OF_THESE)
    points = shown(data.x, seed=0)
    each = () if raters is None else tuple(
        _of_rater(name_of(name), data.of(rater == at), level) for at, name in enumerate(names)
    )  # fmt: skip
    return Anchoring(
        n=len(label), telling=fit.telling, copied=int(data.copied.sum()),
        slope=fit.slope, low=fit.low, high=fit.high, intercept=fit.intercept, confidence=level,
        method=method, corrected=bool(noise.any()),
        verdict=fit.verdict, reason=fit.reason, raters=each,
        x=tuple(data.x[points].tolist()), y=tuple(data.y[points].tolist()),
        sampled=len(points) < len(label),
    )  # fmt: skip


def verdict(low: float, high: float) -> str:
    """Words for a slope's interval, never for its value alone."""
    if low >= COPIES_FROM:
        return "copies"
    if low > 0:
        return "pulled"
    if high < 0:
        return "pushed away"
    return "independent" if high <= INDEPENDENT_TO else "undecided"


@dataclass(frozen=True, slots=True)
class _Data:
    """Prediction and label less the blind consensus, its noise, and whether the label is a copy."""

    x: Floats
    y: Floats
    noise: Floats
    copied: Mask

    def of(self, own: Mask) -> _Data:
        return _Data(self.x[own], self.y[own], self.noise[own], self.copied[own])


@dataclass(frozen=True, slots=True)
class _Fitted:
    slope: float
    low: float
    high: float
    intercept: float
    telling: int

    @property
    def reason(self) -> str:
        if self.telling >= FEWEST_TELLING:
            return ""
        return (
            f"only {self.telling} labels have a prediction that is clearly off: {FEWEST_TELLING} "
            "are needed to decide; collect assisted labels of more images"
        )

    @property
    def verdict(self) -> str:
        return "undecided" if self.reason else verdict(self.low, self.high)


def _copied(label: Floats, seen: Floats) -> Mask:
    size = np.maximum(np.abs(label), np.abs(seen))
    copied: Mask = np.abs(label - seen) <= SAME * size
    return copied


def _of_rater(name: Name, data: _Data, level: float) -> RaterAnchoring:
    n, copied = len(data.x), int(data.copied.sum())
    try:
        fit = _slope(data, {}, level)
    except ValidationError as error:
        return RaterAnchoring(name, n, 0, copied, None, None, None, "unknown", str(error))
    return RaterAnchoring(
        name, n, fit.telling, copied, fit.slope, fit.low, fit.high, fit.verdict, fit.reason
    )


def _slope(data: _Data, groups: Mapping[str, Indices], level: float) -> _Fitted:
    """Slope, its interval, intercept."""
    x, y = data.x, data.y
    n = len(x)
    at_least(n, FEWEST, "assisted labels with a blind consensus")
    away, up = x - x.mean(), y - y.mean()
    spread = float(away @ away)
    # The mean that is taken off holds a share 1/n of the noise, too.
    of_noise = data.noise**2 * (1 - 1 / n)
    signal = spread - float(of_noise.sum())
    if signal <= LEAST_LEFT * spread or spread <= 1e-24 * float(x @ x):
        raise ValidationError(
            f"the predictions of {n} labels differ from the blind consensus by the same amount, "
            "or by no more than its own uncertainty: anchoring needs predictions off by different "
            "amounts; collect assisted labels of more images, or more blind labels of these."
        )
    slope = (float(away @ up) - float(of_noise.sum())) / signal
    residual = up - slope * away
    score = away * residual - of_noise * (1 - slope)
    # A point of leverage 1 lies on the line by itself: its residual 0 stays 0.
    leverage = np.minimum(1 / n + away**2 / spread, 1 - 1e-9)
    tail = (1 + level) / 2
    half = float(stdtrit(n - 2, tail)) * float(((score / (1 - leverage)) ** 2).sum()) ** 0.5
    for group in groups.values():
        half = max(half, _jackknifed(away, residual, score, group, tail))
    off = np.abs(x - np.median(x))
    telling = int((off >= CLEARLY * float((off**2).mean()) ** 0.5).sum())
    half = max(half / signal, 1 - (1 - tail) ** (1 / telling))
    return _Fitted(slope, slope - half, slope + half, float(y.mean() - slope * x.mean()), telling)


def _jackknifed(
    away: Floats, residual: Floats, score: Floats, group: Indices, tail: float
) -> float:
    """Half width times `signal`, from the scores of groups with residuals as if each were left out.

    (I - H)⁻¹ of a group is I + Q(I - Q'Q)⁻¹Q' with Q its two orthonormal columns of the line, so
    a 2 x 2 inverse for each group is all that is needed.
    """
    count, n, root = int(group.max()) + 1, len(away), float(away @ away) ** 0.5
    sizes, firsts = added_up(group, np.ones(n), count), added_up(group, away, count)
    a, b = 1 - sizes / n, -firsts / (n**0.5 * root)
    d = 1 - added_up(group, away**2, count) / root**2
    level, tilt = added_up(group, residual, count) / n**0.5, added_up(group, score, count) / root
    # A group that alone holds the line would have determinant 0; it then counts without limit.
    determinant = np.maximum(a * d - b**2, 1e-9)
    of_slope = (a * tilt - b * level) / determinant * root
    spread = float((of_slope**2).sum()) * (count - 1) / count
    # As many groups as weigh alike (Carter, Schnepel & Steigerwald 2017, Rev. Econ. Stat. 99, 698).
    alike = 1 / float(((1 - d) ** 2).sum())
    return float(stdtrit(max(alike - 1, 1.0), tail) * spread**0.5)
