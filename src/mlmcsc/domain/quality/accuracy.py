"""How far models are from the labels, and whether their confidence can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.95
"""Confidence level of the intervals."""
FEWEST: Final = 40
"""Predictions with a reference below which no coverage of intervals is told."""
FEWEST_FOR_ECE: Final = 100
"""The same for the calibration error, which chance alone makes large where they are few."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors (prediction - reference) of some answers, in the unit of the labels.

    Attributes:
        n: Answers compared.
        mae: Mean absolute error.
        rmse: Root of the mean squared error.
        bias: Mean error; positive where the model reads too high.
        r2: 1 - Σe² / Σ(y - ȳ)²; None where all references are equal.
    """

    n: int
    mae: float
    rmse: float
    bias: float
    r2: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"n": self.n, "mae": self.mae, "rmse": self.rmse, "bias": self.bias, "r2": self.r2}


def accuracy(moments: NDArray[np.float64]) -> Accuracy | None:
    """From n, Σe, Σ|e|, Σe², Σy, Σy²; None where nothing was compared."""
    n, error, size, squares, truth, truths = moments.tolist()
    if not n:
        return None
    around = truths - truth * truth / n
    # Below what rounding leaves of equal references, nothing is spread that could be explained.
    r2 = 1 - squares / around if around > 1e-9 * max(truths, 1e-300) else None
    return Accuracy(int(n), size / n, math.sqrt(squares / n), error / n, r2)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of like confidence.

    Attributes:
        low: Least confidence.
        high: Largest.
        n: Predictions.
        confidence: Their mean confidence.
        right: Share within the tolerance of the reference.
        right_low: Of its exact binomial interval of 95 % (Clopper and Pearson 1934).
        right_high: Its other end.
    """

    low: float
    high: float
    n: int
    confidence: float
    right: float
    right_low: float
    right_high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether answers are right as often as they say.

    Attributes:
        tolerance: Distance from the reference, in the labels' unit, within which one is right.
        against: `independent` references, or `all` where there are no independent ones.
        n: Answers compared.
        ece: Expected calibration error: mean |share right - mean confidence| over the bins,
            weighted by their answers (Naeini et al. 2015; Guo et al. 2017). None of fewer than 100
            answers: chance alone would make it large.
        bins: Those that hold answers.
    """

    tolerance: float
    against: str
    n: int
    ece: float | None
    bins: tuple[ReliabilityBin, ...]


def calibration(
    table: dict[int, NDArray[np.float64]], bins: int, tolerance: float, against: str
) -> Calibration | None:
    """From n, Σ confidence and the number right, by bin; None without answers."""
    found = [
        ReliabilityBin(
            at / bins, (at + 1) / bins, int(n), sure / n, right / n, *binomial(int(right), int(n))
        )
        for at, (n, sure, right) in sorted((at, row.tolist()) for at, row in table.items())
    ]
    n = sum(each.n for each in found)
    if not n:
        return None
    off = sum(each.n * abs(each.right - each.confidence) for each in found) / n
    ece = off if n >= FEWEST_FOR_ECE else None
    return Calibration(tolerance, against, n, ece, tuple(found))


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether split-conformal intervals hold the labels as often as promised.

    Attributes:
        nominal: The promised share.
        against: `independent` references, or `all` where these are too few.
        calibrated_on: Predictions for the images labelled earlier, that the interval was made from.
        measured_on: Those for the images labelled later, that it was tried on.
        half_width: Of the interval prediction ± half_width, in the labels' unit.
        coverage: Share of the later references inside.
        low: Of the exact binomial interval of 95 % (Clopper and Pearson 1934).
        high: Its other end.
        reason: Why the numbers are None.
    """

    nominal: float
    against: str
    calibrated_on: int
    measured_on: int
    half_width: float | None = None
    coverage: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @property
    def too_low(self) -> bool:
        """Whether chance in neither half explains how little is covered."""
        if self.high is None:
            return False
        spread = math.sqrt(self.nominal * (1 - self.nominal) / max(self.calibrated_on, 1))
        return self.high < self.nominal - 1.96 * spread


def conformal(residuals: NDArray[np.float64], nominal: float, against: str) -> Coverage:
    """Calibrate on the earlier half, measure on the later.

    The half-width is the ⌈(n + 1) · nominal⌉-th smallest of the earlier absolute residuals
    (Lei et al. 2018, split conformal prediction).

    Args:
        residuals: |prediction - reference|, float64 `(N,)`, earliest label first.
        nominal: Promised share, in (0, 1).
        against: Which references.
    """
    half = len(residuals) // 2
    earlier, later = np.sort(residuals[:half]), residuals[half:]
    if len(residuals) < FEWEST:
        missing = f"{len(residuals)} answers with a label; at least {FEWEST} are needed"
        return Coverage(nominal, against, half, len(later), reason=missing)
    rank = math.ceil((half + 1) * nominal - 1e-9)
    if not 1 <= rank <= half:
        missing = f"{half} earlier answers are too few for an interval that covers {nominal:.1%}"
        return Coverage(nominal, against, half, len(later), reason=missing)
    width = float(earlier[rank - 1])
    inside = int((later <= width + 1e-12).sum())
    low, high = binomial(inside, len(later))
    return Coverage(nominal, against, half, len(later), width, inside / len(later), low, high)


def binomial(found: int, tried: int) -> tuple[float, float]:
    """The exact interval of 95 % of a share (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv  # noqa: PLC0415  # slow to load, wanted once a check

    tail = (1 - LEVEL) / 2
    low = float(betaincinv(found, tried - found + 1, tail)) if found else 0.0
    high = float(betaincinv(found + 1, tried - found, 1 - tail)) if found < tried else 1.0
    return low, high


def upper_bound(found: int, tried: int) -> float:
    """The share that is not exceeded, with 95 % confidence (Clopper and Pearson, one-sided)."""
    from scipy.special import betaincinv  # noqa: PLC0415  # as above

    return float(betaincinv(found + 1, tried - found, LEVEL)) if found < tried else 1.0
