"""Does seeing the model's number pull people towards it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from mlmcsc.domain.agreement.arrays import (
    Floats,
    Name,
    at_least,
    check_confidence,
    floats,
    name_of,
    same_length,
)
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.points import shown
from mlmcsc.errors import ValidationError

FEWEST = 3
COPIES_FROM, INDEPENDENT_TO = 0.75, 0.25
"""Where the whole interval lies above or below, a rater copies or is independent."""
LEAST_LEFT = 0.1
"""Share of the spread of x that must be left when the consensus's own noise is taken off."""


@dataclass(frozen=True, slots=True)
class RaterAnchoring(Result):
    """The anchoring slope of one rater; None with the reason when it cannot be told."""

    rater: Name
    n: int
    slope: float | None
    low: float | None
    high: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Anchoring(Result):
    """Slope of (assisted - blind consensus) on (prediction - blind consensus).

    Attributes:
        n: Assisted labels used.
        slope: 0 independent, 1 copying.
        low: Lower end of its interval.
        high: Upper end.
        intercept: Of the line: what assisted labels differ where the prediction agrees.
        confidence: Level of the intervals.
        method: How the interval was made: `cluster-robust by rater` or `HC3`.
        corrected: Whether the consensus's own uncertainty was taken into account.
        verdict: copies, pulled, independent, pushed away or undecided, judged on the interval.
        raters: The same of each rater, in the order of their ids; empty if none were given.
        x: Prediction minus blind consensus of each label.
        y: Assisted label minus blind consensus.
        sampled: Whether there were above 2,000 labels, of which `x` and `y` hold as many, drawn at
            random, and always the outermost of x; all numbers are of all labels.
    """

    n: int
    slope: float
    low: float
    high: float
    intercept: float
    confidence: float
    method: str
    corrected: bool
    verdict: str
    raters: tuple[RaterAnchoring, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    sampled: bool


def anchoring(
    assisted: ArrayLike,
    blind_consensus: ArrayLike,
    prediction: ArrayLike,
    raters: ArrayLike | None = None,
    confidence: float = 0.95,
    uncertainty: ArrayLike | None = None,
) -> Anchoring:
    """The anchoring slope with a robust interval, of all and of each rater.

    Both differences hold the same consensus, so its noise alone makes a slope. Where its
    standard uncertainty u is given, u² is taken off the covariance and off the variance (errors
    in variables: Fuller 1987, Measurement Error Models, 1.2, with correlated errors). Intervals:
    sandwich with HC3 weights (MacKinnon & White 1985), or clustered by rater with the factor
    G/(G-1) and G - 1 degrees of freedom.

    Args:
        assisted: Labels of people who saw the prediction, shape `(n,)`.
        blind_consensus: Consensus of people who did not, of the same items; never with the
            assisted label's own rater in it, if that can be helped.
        prediction: What they saw.
        raters: Id of each label's rater.
        confidence: Level of the intervals, above 0 and below 1.
        uncertainty: Standard uncertainty of each blind consensus, at least 0.

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
    x, y = seen - blind, label - blind
    names, rater = np.unique(ids, return_inverse=True)
    several = raters is not None and len(names) > 1
    slope, low, high, intercept = _slope(x, y, noise, rater if several else None, level)
    points = shown(x, seed=0)
    each = () if raters is None else tuple(
        _of_rater(name_of(name), x[own], y[own], noise[own], level)
        for name, own in ((name, rater == at) for at, name in enumerate(names))
    )  # fmt: skip
    return Anchoring(
        n=len(x), slope=slope, low=low, high=high, intercept=intercept, confidence=level,
        method="cluster-robust by rater" if several else "HC3", corrected=bool(noise.any()),
        verdict=verdict(low, high), raters=each,
        x=tuple(x[points].tolist()), y=tuple(y[points].tolist()),
        sampled=len(points) < len(x),
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


def _of_rater(name: Name, x: Floats, y: Floats, noise: Floats, level: float) -> RaterAnchoring:
    try:
        slope, low, high, _ = _slope(x, y, noise, None, level)
    except ValidationError as error:
        return RaterAnchoring(name, len(x), None, None, None, "unknown", str(error))
    return RaterAnchoring(name, len(x), slope, low, high, verdict(low, high), "")


def _slope(
    x: Floats, y: Floats, noise: Floats, cluster: NDArray[np.intp] | None, level: float
) -> tuple[float, float, float, float]:
    """Slope, its interval, intercept."""
    n = len(x)
    at_least(n, FEWEST, "assisted labels with a blind consensus")
    away, up = x - x.mean(), y - y.mean()
    spread = float(away @ away)
    # The mean that is taken off holds a share 1/n of the noise, too.
    of_noise = noise**2 * (1 - 1 / n)
    signal = spread - float(of_noise.sum())
    if signal <= LEAST_LEFT * spread or spread <= 1e-24 * float(x @ x):
        raise ValidationError(
            f"the predictions of {n} labels differ from the blind consensus by the same amount, "
            "or by no more than its own uncertainty: anchoring needs predictions off by different "
            "amounts; collect assisted labels of more images, or more blind labels of these."
        )
    slope = (float(away @ up) - float(of_noise.sum())) / signal
    score = away * (up - slope * away) - of_noise * (1 - slope)
    if cluster is None:
        leverage = np.minimum(1 / n + away**2 / spread, 1 - 1e-9)
        # A point of leverage 1 lies on the line by itself: its residual 0 stays 0.
        variance, df = float(((score / (1 - leverage)) ** 2).sum()), n - 2
    else:
        sums = np.bincount(cluster, score)
        count = len(sums)
        variance, df = float((sums**2).sum()) * count / (count - 1), count - 1
    half = float(stdtrit(df, (1 + level) / 2)) * variance**0.5 / signal
    return slope, slope - half, slope + half, float(y.mean() - slope * x.mean())
