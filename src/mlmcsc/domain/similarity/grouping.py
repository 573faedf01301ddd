"""Pairs of look-alikes into groups, without keeping the pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.splits.clusters import earliest_relatives


class Grouping:
    """Groups of images numbered 0 to n - 1, from pairs that come in parts.

    Memory is one number for each image, however many pairs there are.

    Attributes:
        roots: For each image the first one of its group, shape `(n,)`; itself where it is alone.
    """

    def __init__(self, n: int) -> None:
        self.roots = np.arange(n, dtype=np.int64)

    def tie(self, pairs: NDArray[np.int64]) -> None:
        """Tie images together: `pairs` of shape `(L, 2)`, in any order, also twice."""
        if len(pairs):
            links = np.stack([np.arange(len(self.roots)), self.roots], axis=1)
            self.roots = earliest_relatives(len(self.roots), np.concatenate([links, pairs]))

    def apart(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs are not in one group yet, shape `(L,)`."""
        different: NDArray[np.bool_] = self.roots[pairs[:, 0]] != self.roots[pairs[:, 1]]
        return different

    def groups(self) -> list[NDArray[np.int64]]:
        """The members of each group of two and more, ascending; groups by their first member."""
        order = np.argsort(self.roots, kind="stable")
        cuts = np.flatnonzero(np.diff(self.roots[order])) + 1
        return [part for part in np.split(order, cuts) if len(part) > 1]
