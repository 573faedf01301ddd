"""How far apart two feature vectors are."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.errors import ValidationError

ROUNDING = 2.0**-24
"""Unit roundoff of float32 (IEEE 754)."""

LARGEST = 1e18
"""Largest number of a query where its length counts: products with float32 stay finite."""


class Metric(StrEnum):
    """A distance; smaller is more alike."""

    COSINE = "cosine"
    """1 minus the cosine of the angle, 0 to 2."""
    L2 = "l2"
    """Euclidean."""
    DOT = "dot"
    """The inner product with its sign changed."""


def as_metric(metric: str) -> Metric:
    """The metric of that name.

    Raises:
        ValidationError: There is none; the message lists them.
    """
    try:
        return Metric(metric)
    except ValueError:
        raise ValidationError(f"metric={metric!r}: must be one of {', '.join(Metric)}.") from None


def as_array(vectors: Any) -> NDArray[Any]:
    """What was given as an array, of whatever shape.

    Raises:
        ValidationError: Its rows have different lengths.
    """
    try:
        return np.asarray(vectors)
    except ValueError as error:
        raise ValidationError(f"vector: not numbers of one shape: {error}.") from None


def as_queries(vectors: Any, dimension: int, metric: Metric) -> NDArray[np.float64]:
    """Vectors to search with, checked, shape `(Q, D)`.

    Args:
        vectors: Numbers of shape `(Q, D)`.
        dimension: The D of the stored vectors.
        metric: Cosine needs vectors that have a direction, and that alone.

    Returns:
        Float64; with cosine scaled by a power of 2, which changes no cosine and no rounding.

    Raises:
        ValidationError: Another shape, numbers that are not finite or too large, or a zero vector.
    """
    given = as_array(vectors)
    if given.dtype.kind not in "iuf" or given.ndim != 2 or given.shape[1] != dimension:  # noqa: PLR2004  # a matrix
        shape = given.shape[1:] if given.ndim == 2 and len(given) == 1 else given.shape  # noqa: PLR2004
        raise ValidationError(
            f"vector: got shape {shape} of {given.dtype}; the stored vectors have {dimension} "
            "numbers each. Give a vector of the same extractor."
        )
    queries = given.astype(np.float64)
    wrong = np.argwhere(~np.isfinite(queries))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ValidationError(
            f"vector[{column}]={queries[row, column]} (vector {row}): {len(wrong)} numbers are not "
            "finite. Repair the extractor."
        )
    zero = np.flatnonzero(~queries.any(axis=1))
    if metric is Metric.COSINE and len(zero):
        raise ValidationError(
            f"vector {zero[0]} is all zeros and has no direction, which metric='cosine' needs. "
            "Use metric='l2', or repair the extractor."
        )
    largest = np.abs(queries).max(axis=1, initial=0.0)
    if metric is Metric.COSINE:
        _, exponents = np.frexp(largest)
        scaled: NDArray[np.float64] = np.ldexp(queries, -exponents[:, None])
        return scaled
    if len(largest) and largest.max() > LARGEST:
        raise ValidationError(
            f"vector {int(largest.argmax())}: its largest number is {largest.max():.3g}; with "
            f"metric='{metric}' at most {LARGEST:g}, or squares overflow. Scale the vectors, or "
            "use metric='cosine'."
        )
    return queries


def check_k(k: object, stored: int, what: str) -> None:
    """Refuse a number of neighbours that cannot be given.

    Args:
        k: How many are asked for.
        stored: How many vectors there are.
        what: What they are, for the message.

    Raises:
        ValidationError: `k` is no whole number from 1 to `stored`.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= stored:
        raise ValidationError(f"k={k!r}: must be from 1 to {stored}, the number of {what}.")


def norms(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Euclidean length of each vector, shape `(N,)`; the same wherever the vector stands."""
    wide = vectors.astype(np.float64)
    lengths: NDArray[np.float64] = np.sqrt((wide * wide).sum(axis=1))
    return lengths


def distances(
    vectors: NDArray[Any], query: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """Distance of each vector from `query`, in float64: what every answer is ordered by.

    Each row is summed by itself, in the same order: equal vectors get equal distances, whatever
    block they are in, which a BLAS does not promise.

    Args:
        vectors: Shape `(N, D)`; with cosine, none is zero.
        query: Shape `(D,)`.
        metric: Which distance.

    Returns:
        Shape `(N,)`.
    """
    wide = vectors.astype(np.float64)
    if metric is Metric.L2:
        apart: NDArray[np.float64] = np.sqrt(((wide - query) ** 2).sum(axis=1))
        return apart
    products: NDArray[np.float64] = (wide * query).sum(axis=1)
    if metric is Metric.DOT:
        return -products
    # The root of the product, not the product of the roots: equal vectors are exactly 0 apart.
    lengths = np.sqrt((wide * wide).sum(axis=1) * (query * query).sum())
    angles: NDArray[np.float64] = np.clip(1 - products / lengths, 0.0, 2.0)
    return angles


def float32_error(
    dimension: int, metric: Metric, longest: float, query: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far a float32 sum may be off, in any order of adding; shape `(Q,)`.

    |fl(x·q) - x·q| ≤ g |x||q|, g = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., section 3.1), n with some room for scaling and rounding the inputs. It
    bounds what `mlmcsc.adapters.vector_search.exact` ranks by: the cosine, the product with the
    query of length 1, and |x|²/2 - x·q.

    Args:
        dimension: Numbers per vector.
        metric: What is ranked by.
        longest: Largest |x| among the stored vectors.
        query: Shape `(Q, D)`.
    """
    n = dimension + 16
    gamma = n * ROUNDING / (1 - n * ROUNDING)
    lengths = np.sqrt((query * query).sum(axis=1))
    match metric:
        case Metric.COSINE:
            return np.full(len(query), gamma)
        case Metric.DOT:
            return np.full(len(query), gamma * longest)
        case Metric.L2:
            bound: NDArray[np.float64] = gamma * (longest + lengths) ** 2
            return bound
