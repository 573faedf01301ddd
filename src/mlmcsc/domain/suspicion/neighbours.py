"""What the images that look most alike are labelled."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

K: Final = 10
BLOCK: Final = 512
TINY: Final = 1e-6
"""Added to distances, so that equal images weigh much and not infinitely."""

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]


def expectations(
    asked: Vectors, asked_groups: Ids, known: Vectors, known_groups: Ids, values: Floats
) -> tuple[Floats, Ids]:
    """The distance-weighted mean of the labels of the K nearest images of other groups.

    Distance is 1 minus cosine, weights are 1/distance. Images of the same group (specimen) are
    left out: they are near duplicates, mostly labelled by the same person in one go.

    Args:
        asked: Vectors of the images in question, shape `(Q, D)`, finite, not zero.
        asked_groups: Group of each, shape `(Q,)`.
        known: Vectors of labelled images, shape `(N, D)`, likewise.
        known_groups: Group of each, shape `(N,)`.
        values: Label of each, shape `(N,)`.

    Returns:
        Expectation, NaN where fewer than K images are of other groups, and number of neighbours;
        both of shape `(Q,)`.
    """
    expected = np.full(len(asked), np.nan)
    if len(known) < K:
        return expected, np.zeros(len(asked), np.int64)
    directions = _directions(known)
    for start in range(0, len(asked), BLOCK):
        part = slice(start, start + BLOCK)
        distance = 1 - _directions(asked[part]) @ directions.T
        distance[asked_groups[part, None] == known_groups] = np.inf
        nearest = np.argpartition(distance, K - 1, axis=1)[:, :K]
        near = np.take_along_axis(distance, nearest, axis=1).astype(np.float64)
        weights = 1 / (np.maximum(near, 0) + TINY)
        total = weights.sum(axis=1)
        whole = np.isfinite(near).all(axis=1)
        mean = (weights * values[nearest]).sum(axis=1)[whole] / total[whole]
        expected[part][whole] = mean
    return expected, np.where(np.isfinite(expected), K, 0).astype(np.int64)


def _directions(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
