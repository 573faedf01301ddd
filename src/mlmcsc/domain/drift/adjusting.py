"""P-values of many tests: so adjusted that few of the alarms are false."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Adjustment(StrEnum):
    """Which assumption the adjustment makes."""

    BENJAMINI_HOCHBERG = "bh"
    """Tests are independent or positively dependent."""
    BENJAMINI_YEKUTIELI = "by"
    """None; up to a few times stricter."""


def adjusted(p_values: NDArray[np.float64], how: Adjustment) -> NDArray[np.float64]:
    """Adjusted p-values: those up to alpha are rejected at a false discovery rate of alpha.

    Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995); Benjamini and Yekutieli, Annals of
    Statistics 29 (2001), whose factor is the sum of 1/i.

    Args:
        p_values: Shape `(N,)`, 0 to 1, in any order.
        how: Which of the two.
    """
    n = len(p_values)
    if not n:
        return np.empty(0, dtype=np.float64)
    order = np.argsort(p_values)
    ranks = np.arange(1, n + 1)
    factor = (1.0 / ranks).sum() if how is Adjustment.BENJAMINI_YEKUTIELI else 1.0
    raised = p_values[order] * n * factor / ranks
    found = np.empty(n, dtype=np.float64)
    found[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return found
