"""Images far from what is known: farthest-point selection (greedy k-centre).

Gonzalez (1985), "Clustering to minimize the maximum intercluster distance", Theoretical Computer
Science 38; as core-set selection for active learning: Sener and Savarese (2018), ICLR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def farthest(candidates: Floats, known: Floats, count: int) -> NDArray[np.int64]:
    """Rows of candidates, each the farthest from all known ones and those picked before it.

    Distance is that of directions, 1 minus cosine; a vector without direction is left out.

    Args:
        candidates: Shape `(C, D)`, finite.
        known: Shape `(L, D)`, finite; may be empty: then the first is the farthest from the mean.
        count: How many at most.

    Returns:
        Row numbers, shape `(min(count, C'),)`, where C' have a direction.
    """
    rows = np.flatnonzero(np.linalg.norm(candidates, axis=1) > 0)
    if not len(rows) or count < 1:
        return np.empty(0, np.int64)
    points, others = _directions(candidates[rows]), known[np.linalg.norm(known, axis=1) > 0]
    if len(others):
        nearest = (points @ _directions(others).T).max(axis=1)
    else:
        nearest = points @ points.mean(axis=0)
    picked = np.empty(min(count, len(rows)), np.int64)
    for at in range(len(picked)):
        chosen = int(nearest.argmin())
        picked[at] = chosen
        if not at and not len(others):
            nearest = np.full(len(points), -np.inf, points.dtype)
        np.maximum(nearest, points @ points[chosen], out=nearest)
        nearest[picked[: at + 1]] = np.inf
    return rows[picked]


def _directions(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)
