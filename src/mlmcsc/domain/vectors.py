"""Feature vectors as bytes: raw little-endian numbers, never pickled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mlmcsc.errors import IntegrityError, ValidationError

Stored = Literal["float32", "float16", "float64"]
MAX_DIMENSION = 1_000_000


def check_dtype(dtype: str) -> None:
    """Refuse number formats that cannot be stored.

    Raises:
        ValidationError: Listing those that can.
    """
    if dtype not in get_args(Stored):
        raise ValidationError(f"dtype={dtype!r}: must be one of {', '.join(get_args(Stored))}.")


def encode_vectors(
    values: Sequence[Any] | NDArray[Any], dtype: Stored, rejected: dict[int, str]
) -> tuple[list[bytes | None], list[int | None]]:
    """Raw bytes and dimension of each vector; wrong ones are added to `rejected`.

    Args:
        values: N vectors, as a matrix `(N, D)` or one by one (arrays or lists of numbers).
        dtype: How to keep the numbers.
        rejected: Row index to reason; gains the wrong vectors.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in "iuf":  # noqa: PLR2004  # a matrix
        with np.errstate(over="ignore"):  # an overflow shows as infinity, looked at one by one
            matrix = values.astype(_little(dtype))
        width = matrix.itemsize * matrix.shape[1]
        if 0 < matrix.shape[1] <= MAX_DIMENSION and np.isfinite(matrix).all():
            raw = matrix.tobytes()
            cut: list[bytes | None] = [raw[i : i + width] for i in range(0, len(raw), width)]
            return cut, [matrix.shape[1]] * len(matrix)
    encoded: list[bytes | None] = []
    dimensions: list[int | None] = []
    for index, value in enumerate(values):
        try:
            vector = _vector(value, dtype)
        except ValidationError as error:
            rejected.setdefault(index, str(error))
            encoded.append(None)
            dimensions.append(None)
        else:
            encoded.append(vector.tobytes())
            dimensions.append(len(vector))
    return encoded, dimensions


def _little(dtype: Stored) -> np.dtype[Any]:
    return np.dtype(dtype).newbyteorder("<")


def _vector(value: Any, dtype: Stored) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValidationError(f"feature_vector: not a vector of numbers: {error}.") from None
    if array.dtype.kind not in "iuf" or array.ndim != 1 or not 0 < array.size <= MAX_DIMENSION:
        raise ValidationError(
            f"feature_vector: got shape {array.shape} of {array.dtype}; give one row of 1 to "
            f"{MAX_DIMENSION} numbers."
        )
    with np.errstate(over="ignore"):  # an overflow shows as infinity, refused below
        stored = array.astype(_little(dtype))
    wrong = np.flatnonzero(~np.isfinite(stored))
    if len(wrong):
        raise ValidationError(
            f"feature_vector[{wrong[0]}]={array[wrong[0]]}: {len(wrong)} of {array.size} numbers "
            f"are not finite as {dtype}. Repair the extractor, or choose a wider dtype."
        )
    return stored


def as_float32(numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Stored numbers as training reads them, little-endian.

    Raises:
        IntegrityError: If one is too large for float32; infinity would be a silent answer.
    """
    try:
        with np.errstate(over="raise"):
            return numbers.astype("<f4")
    except FloatingPointError:
        raise IntegrityError(
            f"A stored vector holds {np.abs(numbers).max():g}, beyond float32 (3.4e38), as which "
            "vectors are read for training. Scale the features and store them again."
        ) from None
