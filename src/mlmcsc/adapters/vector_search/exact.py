"""The nearest vectors for certain: blocks through BLAS in float32, the last word in float64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.vector_search.vectors import Vectors
from mlmcsc.domain.similarity.metrics import Metric, distances, float32_error
from mlmcsc.domain.similarity.ranking import NOTHING, Nearest, RunningBest, nearest

SLACK = 32
"""Candidates kept beyond k, so that rounding rarely decides who is in."""
QUERIES = 64
"""Searched at a time: their ranks of one block stay in the processor's cache."""
DENSE = 4
"""A block with at least one row in so many that counts is multiplied whole, not gathered."""
SAFE = (1e-15, 1e18)
"""Lengths between which float32 neither overflows nor loses small numbers."""


def search_exact(
    sources: Iterable[Vectors], queries: NDArray[np.float64], k: int, metric: Metric
) -> list[Nearest]:
    """The `k` nearest of all vectors to each query; fewer only where there are fewer.

    BLAS ranks all rows in float32 and keeps a few more than `k`. Those are measured again in
    float64. Where the k-th of them is not closer than what was left out by more than float32's
    rounding error, the query is measured against all rows in float64: the answer is the same as
    that of a plain loop, always.

    Args:
        sources: Where to search; an image is in one of them. With cosine, no zero vectors.
        queries: Shape `(Q, D)`, float64.
        k: At least 1.
        metric: Which distance.

    Returns:
        One for each query; distances in float64, of equally far images the lowest ids.
    """
    found = [NOTHING] * len(queries)
    for source in sources:
        for start in range(0, len(queries) if len(source) else 0, QUERIES):
            part = _search(source, queries[start : start + QUERIES], k, metric)
            for at, more in enumerate(part, start):
                found[at] = found[at].merged(more, k)
    return found


def _search(source: Vectors, queries: NDArray[np.float64], k: int, metric: Metric) -> list[Nearest]:
    rows = source.all_rows() if source.rows is not None else None
    lengths = source.norms if rows is None else source.norms[rows]
    used = np.concatenate([lengths[lengths > 0], _lengths(queries)])
    if len(used) and (used.min() < SAFE[0] or used.max() > SAFE[1]):
        return [_measure_all(source, query, k, metric) for query in queries]
    best = RunningBest(len(queries), k + SLACK)
    for places, ranks in _ranked(source, queries, metric):
        best.offer(ranks, places)
    errors = float32_error(source.values.shape[1], metric, float(lengths.max()), queries)
    answers = []
    for query, places, limit, error in zip(queries, best.rows, best.limits, errors, strict=True):
        answer = _measured(source, places, query, k, metric)
        certain = np.isinf(limit) or _rank(answer.distances[-1], query, metric) < limit - error
        answers.append(answer if certain else _measure_all(source, query, k, metric))
    return answers


def _lengths(queries: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt((queries * queries).sum(axis=1))
    return lengths[lengths > 0]


def _ranked(
    source: Vectors, queries: NDArray[np.float64], metric: Metric
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows and, for each query, their float32 ranks, a block at a time; lower is nearer."""
    turned = -queries
    if metric is not Metric.L2:
        lengths = np.sqrt((queries * queries).sum(axis=1, keepdims=True))
        turned = turned / np.where(lengths > 0, lengths, 1)
    against = turned.astype(np.float32)
    for places, block in _blocks(source):
        ranks = against @ block.T
        if metric is Metric.COSINE:
            lengths = np.maximum(source.norms[places], SAFE[0])  # zero rows do not count
            ranks *= (1 / lengths).astype(np.float32)
        elif metric is Metric.L2:
            ranks += (source.norms[places] ** 2 / 2).astype(np.float32)
        yield (places, ranks) if source.rows is None else _counting(source.rows, places, ranks)


def _blocks(source: Vectors) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows and their vectors; in densely used places also rows that do not count."""
    size, total = source.block, len(source.ids)
    for start in range(0, total, size):
        stop = min(start + size, total)
        if source.rows is None:
            yield np.arange(start, stop), source.values[start:stop]
            continue
        first, last = np.searchsorted(source.rows, (start, stop))
        chosen = source.rows[first:last]
        if len(chosen) * DENSE >= stop - start:
            yield np.arange(start, stop), source.values[start:stop]
        elif len(chosen):
            yield chosen, source.values[chosen]


def _counting(
    rows: NDArray[np.int64], places: NDArray[np.int64], ranks: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The part of a block that counts."""
    first, last = np.searchsorted(rows, (places[0], places[-1] + 1))
    if last - first == len(places):
        return places, ranks
    chosen = rows[first:last]
    return chosen, ranks[:, chosen - places[0]]


def _measured(
    source: Vectors, rows: NDArray[np.int64], query: NDArray[np.float64], k: int, metric: Metric
) -> Nearest:
    return nearest(distances(source.values[rows], query, metric), source.ids[rows], k)


def _measure_all(source: Vectors, query: NDArray[np.float64], k: int, metric: Metric) -> Nearest:
    best = NOTHING
    rows = source.all_rows()
    for start in range(0, len(rows), source.block):
        part = _measured(source, rows[start : start + source.block], query, k, metric)
        best = best.merged(part, k)
    return best


def _rank(distance: np.float64, query: NDArray[np.float64], metric: Metric) -> float:
    """What BLAS would have ranked a row of this distance by, without rounding."""
    squared = float((query * query).sum())
    match metric:
        case Metric.COSINE:
            return float(distance) - 1
        case Metric.DOT:
            return float(distance) / (squared**0.5 or 1.0)
        case Metric.L2:
            return (float(distance) ** 2 - squared) / 2
