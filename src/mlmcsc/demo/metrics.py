"""How far estimates lie from the truth that only the demo knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.domain.quality.accuracy import Accuracy, accuracy
from mlmcsc.errors import ValidationError


def measure(reference: ArrayLike, estimate: ArrayLike) -> Accuracy:
    """Compare estimates with a reference, pair by pair, in the reference's unit.

    Raises:
        ValidationError: no pair, unequal lengths, or a value that is not finite.
    """
    true = np.asarray(reference, np.float64)
    said = np.asarray(estimate, np.float64)
    if true.ndim != 1 or true.shape != said.shape:
        raise ValidationError(
            f"reference has shape {true.shape} and estimate {said.shape}; give two rows of numbers "
            "of the same length"
        )
    if not (np.isfinite(true).all() and np.isfinite(said).all()):
        raise ValidationError("reference or estimate holds NaN or infinity; drop those pairs")
    error = said - true
    moments = [column.sum() for column in (error, np.abs(error), error**2, true, true**2)]
    found = accuracy(np.array([true.size, *moments]))
    if found is None:
        raise ValidationError("there is no pair to compare; give at least one")
    return found
