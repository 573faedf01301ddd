"""How far estimates lie from a reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.errors import ValidationError


@dataclass(frozen=True)
class Metrics:
    """Errors of estimates against a reference, in the reference's unit (a fraction, for SFA).

    Attributes:
        n: number of pairs.
        mae: mean absolute error.
        rmse: root of the mean squared error.
        r2: 1 - residual / total sum of squares; NaN when the reference does not vary.
        bias: mean of estimate minus reference; above 0 means too high.
    """

    n: int
    mae: float
    rmse: float
    r2: float
    bias: float


def measure(reference: ArrayLike, estimate: ArrayLike) -> Metrics:
    """Compare estimates with a reference, pair by pair.

    Raises:
        ValidationError: no pair, unequal lengths, or a value that is not finite.
    """
    true = np.asarray(reference, np.float64)
    said = np.asarray(estimate, np.float64)
    if true.ndim != 1 or true.shape != said.shape or true.size == 0:
        raise ValidationError(
            f"reference has shape {true.shape} and estimate {said.shape}; give two rows of numbers "
            "of the same length, at least one"
        )
    if not (np.isfinite(true).all() and np.isfinite(said).all()):
        raise ValidationError("reference or estimate holds NaN or infinity; drop those pairs")
    error = said - true
    total = float(((true - true.mean()) ** 2).sum())
    return Metrics(
        n=true.size,
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        r2=1 - float((error**2).sum()) / total if total > 0 else float("nan"),
        bias=float(error.mean()),
    )
