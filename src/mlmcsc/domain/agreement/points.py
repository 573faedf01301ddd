"""Which points a plot shows when there are too many to tell apart."""

from __future__ import annotations

import numpy as np

from mlmcsc.domain.agreement.arrays import Floats, Indices
from mlmcsc.domain.agreement.resampling import random_numbers

MOST_POINTS = 2_000


def shown(values: Floats, seed: int) -> Indices:
    """Indices of at most 2,000 values, ascending: at random, and always the four outermost.

    Args:
        values: Shape `(n,)`.
        seed: Of the random choice.
    """
    generator = random_numbers(seed)
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    outermost = np.concatenate([order[:2], order[-2:]])
    chosen = generator.choice(order[2:-2], MOST_POINTS - 4, replace=False)
    return np.sort(np.concatenate([outermost, chosen]))
