"""Similar images as witnesses: which are compared with which."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.suspicion.neighbours import expectations

VectorsOf = Callable[[NDArray[np.int64], str], NDArray[np.float32]]
"""Gives the vectors of images, shape `(N, D)`, NaN for an image that has none."""
Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

REFERENCE = 20_000
"""Labelled images, drawn at random, among which neighbours are sought."""
CHECKED = 5_000
"""Images whose neighbours are sought: half the most suspicious so far, half drawn at random."""


def similar_images(
    images: Ids,
    values: Floats,
    groups: Ids,
    suspicion: Floats,
    kind: str,
    vectors_of: VectorsOf,
    seed: int,
    progress: Progress,
) -> tuple[Ids, Floats, Ids]:
    """What images with similar vectors are labelled.

    Args:
        images: Labelled images, ascending.
        values: A value for each.
        groups: Specimen of each, a code.
        suspicion: How suspicious each is so far; NaN where nothing is known.
        kind: Kind of feature.
        vectors_of: Gives vectors.
        seed: Of the drawing.
        progress: Told how far it is.

    Returns:
        Images that were looked at (places in `images`), expectations, number of neighbours.
    """
    rng = np.random.default_rng(seed)
    size = len(images)
    progress("reading features", 0, size)
    known = np.sort(rng.permutation(size)[:REFERENCE])
    asked = _worth_asking(suspicion, rng)
    vectors = vectors_of(images[known], kind)
    if not vectors.size:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
    whole = _usable(vectors)
    known, vectors = known[whole], vectors[whole]
    questions = vectors_of(images[asked], kind)
    whole = _usable(questions)
    asked, questions = asked[whole], questions[whole]
    progress("comparing similar images", 0, len(asked))
    expected, count = expectations(questions, groups[asked], vectors, groups[known], values[known])
    return asked, expected, count


def _worth_asking(suspicion: Floats, rng: np.random.Generator) -> Ids:
    """The most suspicious, and others at random: their differences are the usual ones."""
    size = len(suspicion)
    if size <= CHECKED:
        return np.arange(size)
    worst = np.argsort(-np.nan_to_num(suspicion), kind="stable")[: CHECKED // 2]
    drawn = rng.choice(size, CHECKED // 2, replace=False)
    return np.union1d(worst, drawn)


def _usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    lengths = np.linalg.norm(vectors, axis=1)
    usable: NDArray[np.bool_] = np.isfinite(lengths) & (lengths > 0)
    return usable
