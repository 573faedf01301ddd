"""The ten nearest of a million vectors against plain NumPy on the same numbers."""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.vectors import DIMENSION, TYPE, Matrix, shared
from benchmarks.worlds import Worlds, open_db

K = 10
ROUNDS = 7
TOGETHER = 64
"""Queries of one call."""
AGAINST = "queries @ the whole matrix and np.argpartition, lengths worked out before"


def run(worlds: Worlds) -> list[Row]:
    """One query at a time, and many; all vectors in the page cache."""
    vectors = shared(worlds)
    matrix, size = vectors.flat, vectors.count
    lengths = np.concatenate(
        [np.linalg.norm(matrix[at : at + 50_000], axis=1) for at in range(0, size, 50_000)]
    )
    queries = np.random.default_rng(12).random((TOGETHER, DIMENSION), dtype=np.float32)
    with open_db(vectors.database) as db:

        def ours(asked: Matrix) -> list[list[int]]:
            found = db.similarity.search_many(asked, K, feature_type=TYPE)
            return [[each.image_id for each in result] for result in found]

        if ours(queries[:3]) != (_plain(matrix, lengths, queries[:3]) + 1).tolist():
            raise AssertionError("these are not the nearest: the figure means nothing")
        one = iter([*queries, *queries])
        other = iter([*queries, *queries])
        single = take_turns(
            ROUNDS,
            mlmcsc=lambda: rate(1, lambda: ours(next(one)[None])),
            numpy=lambda: rate(1, lambda: _plain(matrix, lengths, next(other)[None])),
        )
        many = take_turns(
            3,
            mlmcsc=lambda: rate(TOGETHER, lambda: ours(queries)),
            numpy=lambda: rate(TOGETHER, lambda: _plain(matrix, lengths, queries)),
        )
    what = f"exact top {K} of {size} vectors of {DIMENSION} float32, cosine"
    return [
        compare(
            "similarity",
            f"{what}, one query a call",
            "queries/s",
            single["mlmcsc"],
            single["numpy"],
            against=AGAINST,
            at_least=0.5,
        ),
        compare(
            "similarity",
            f"{what}, {TOGETHER} queries a call",
            "queries/s",
            many["mlmcsc"],
            many["numpy"],
            against=AGAINST,
        ),
        Row("similarity", "one query", 1000 / statistics.median(single["mlmcsc"]), "ms"),
    ]


def _plain(matrix: Matrix, lengths: NDArray[np.float32], queries: Matrix) -> NDArray[np.int64]:
    """Rows of the K highest cosines, highest first, for each query."""
    cosines = queries @ matrix.T
    cosines /= lengths
    best = np.argpartition(cosines, -K, axis=1)[:, -K:]
    order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)
