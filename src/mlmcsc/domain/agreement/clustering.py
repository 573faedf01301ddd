"""Standard errors when items come in clusters, as images of one specimen do."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from mlmcsc.domain.agreement.arrays import Floats, Indices, added_up


def half_width(
    influence: Floats, naive: float, clusters: Indices | None, confidence: float
) -> float:
    """Half the interval of an estimate: the wider of the usual one and the cluster-robust one.

    Liang & Zeger (1986), Biometrika 73, 13-22, with the factor G/(G - 1) and Student's t of G - 1
    degrees of freedom for G clusters.

    Args:
        influence: What each item moves the estimate, times n, with mean 0, shape `(n,)`.
        naive: Half width with items taken as independent.
        clusters: Number of each item's cluster; None: each item is its own.
        confidence: Level of the interval.

    Returns:
        The half width; infinite with a single cluster, which tells nothing of others.
    """
    if clusters is None or not len(influence):
        return naive
    _, own = np.unique(clusters, return_inverse=True)
    sums = added_up(own, influence, int(own.max()) + 1)
    count = len(sums)
    if count == 1:
        return float("inf")
    error = (count / (count - 1) * float(sums @ sums)) ** 0.5 / len(influence)
    return float(max(naive, float(stdtrit(count - 1, (1 + confidence) / 2)) * error))
