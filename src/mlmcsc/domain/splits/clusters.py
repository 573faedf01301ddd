"""Groups of units that near-duplicate images tie together, directly or through a chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def earliest_relatives(n: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """The earliest unit of each unit's connected component.

    Each round hooks every root to its lowest neighbour and then flattens the trees by pointer
    jumping (after Shiloach & Vishkin, J. Algorithms 3 (1982) 57). A root still open after two
    rounds has swallowed at least one other, so rounds are at most logarithmic in `n`.

    Args:
        n: Number of units, numbered 0 to n - 1 in order of arrival.
        edges: `int64[L, 2]`, pairs of units; order, repeats and self-pairs do not matter.

    Returns:
        `int64[n]`; itself for a unit without relatives.
    """
    root = np.arange(n, dtype=np.int64)
    low, high = edges.min(axis=1), edges.max(axis=1)
    while True:
        open_ = low != high
        if not open_.any():
            return root
        low, high = low[open_], high[open_]
        np.minimum.at(root, high, low)
        while not np.array_equal(root, above := root[root]):
            root = above
        low, high = np.minimum(root[low], root[high]), np.maximum(root[low], root[high])
