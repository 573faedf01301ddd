"""The nearest of many: running over blocks, merging, and how many an approximation finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest vectors to one query, nearest first, then by image id.

    Attributes:
        distances: Shape `(k,)`, float64.
        ids: Their images, shape `(k,)`, int64.
    """

    distances: NDArray[np.float64]
    ids: NDArray[np.int64]

    def merged(self, other: Nearest, k: int) -> Nearest:
        """The `k` nearest of both."""
        return nearest(
            np.concatenate([self.distances, other.distances]),
            np.concatenate([self.ids, other.ids]),
            k,
        )


NOTHING = Nearest(np.empty(0), np.empty(0, np.int64))


def nearest(distances: NDArray[np.float64], ids: NDArray[np.int64], k: int) -> Nearest:
    """The `k` with the smallest distance; of equally far ones those with the lowest ids."""
    order = np.lexsort((ids, distances))[:k]
    return Nearest(distances[order], ids[order])


class RunningBest:
    """The `size` lowest ranks of each of Q queries, over blocks of rows in any order.

    Attributes:
        ranks: By query, float32, in no order.
        rows: By query, the rows they belong to.
        limits: Shape `(Q,)`; no row that was left out ranks lower. Infinity while all are kept.
    """

    def __init__(self, queries: int, size: int) -> None:
        self._size = size
        self.ranks = [np.empty(0, np.float32)] * queries
        self.rows = [np.empty(0, np.int64)] * queries
        self.limits = np.full(queries, np.inf, np.float32)

    def offer(self, ranks: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Take in a block: `ranks` of shape `(Q, B)` for the `rows` of shape `(B,)`."""
        better = ranks < self.limits[:, None]
        for query in np.flatnonzero(better.any(axis=1)).tolist():
            hits = np.flatnonzero(better[query])
            joined = np.concatenate([self.ranks[query], ranks[query, hits]])
            places = np.concatenate([self.rows[query], rows[hits]])
            if len(joined) > self._size:
                keep = np.argpartition(joined, self._size - 1)[: self._size]
                joined, places = joined[keep], places[keep]
                self.limits[query] = joined.max()
            self.ranks[query], self.rows[query] = joined, places


def recall(exact: list[NDArray[np.int64]], found: list[NDArray[np.int64]]) -> float:
    """Share of the true neighbours that were found, over all queries, 0 to 1.

    Args:
        exact: The ids of the true neighbours of each query.
        found: The ids that were found, query by query.
    """
    wanted = sum(len(ids) for ids in exact)
    hits = sum(int(np.isin(a, b).sum()) for a, b in zip(exact, found, strict=True))
    return hits / wanted if wanted else 1.0
