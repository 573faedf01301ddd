"""What a pickled NumPy array consists of, checked part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.vectors import MAX_DIMENSION
from mlmcsc.errors import IntegrityError

EXACT: Final = 2**53
"""float64 holds every whole number up to it."""
_CODES: Final = frozenset(f"{kind}{size}" for kind in "fiu" for size in (2, 4, 8)) | {"i1", "u1"}
_MAX_AXES: Final = 32


ByteOrder = Literal["<", ">", "|", ""]


@dataclass(slots=True)
class Dtype:
    """A number format: `f8`, and its byte order once known."""

    code: str
    order: ByteOrder = ""


@dataclass(slots=True)
class Array:
    """Shape, number format and raw bytes; empty until its state is set."""

    shape: tuple[Any, ...] = ()
    dtype: Dtype | None = None
    raw: Any = None


def to_dtype(target: Dtype, state: Any) -> None:
    """Set the byte order: the second item of a dtype's state (version 3 or 4)."""
    match state:
        case (3 | 4, ("<" | ">" | "|") as order, *_):
            target.order = order
        case _:
            raise IntegrityError("the number format's state is unknown.")


def to_array(target: Array, state: Any) -> None:
    """Set shape, format and bytes: NumPy's array state, version 1."""
    match state:
        case (1, tuple(shape), Dtype() as dtype, bool(), bytes() | list() as raw):
            target.shape, target.dtype, target.raw = shape, dtype, raw
        case _:
            raise IntegrityError("the array's state is unknown.")


def finish(value: Any) -> NDArray[Any]:
    """The pickled value as a vector; see `read_vector`.

    Raises:
        IntegrityError: It is not a finite vector of 1 to `MAX_DIMENSION` numbers.
    """
    if type(value) is list:
        array = _numbers(value)
    elif type(value) is Array:
        array = _array(value)
    else:
        raise IntegrityError(f"the pickle holds {type(value).__name__}, not an array or list.")
    if array.dtype.kind in "iu":
        if any(abs(int(edge)) > EXACT for edge in (array.min(), array.max())):
            raise IntegrityError("whole numbers beyond 2^53 have no exact float64.")
        array = array.astype("<f8")
    vector = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if not np.isfinite(vector).all():
        wrong = int(np.count_nonzero(~np.isfinite(vector)))
        raise IntegrityError(f"{wrong} of {vector.size} numbers are not finite.")
    vector.flags.writeable = False
    return vector


def _numbers(values: list[Any]) -> NDArray[Any]:
    if not 0 < len(values) <= MAX_DIMENSION:
        raise IntegrityError(f"the list has {len(values)} items; 1 to {MAX_DIMENSION} fit.")
    for value in values:
        if type(value) is not float and not (type(value) is int and abs(value) <= EXACT):
            raise IntegrityError(f"the list holds {type(value).__name__}; only numbers fit.")
    return np.array(values, dtype="<f8")


def _array(value: Array) -> NDArray[Any]:
    dtype, shape, raw = value.dtype, value.shape, value.raw
    if dtype is None or dtype.code not in _CODES or not isinstance(raw, bytes):
        shown = dtype.code[:20] if dtype is not None else "nothing"
        raise IntegrityError(f"the array is of {shown!r}; floats and whole numbers fit.")
    if len(shape) > _MAX_AXES or any(
        type(side) is not int or not 0 < side <= MAX_DIMENSION for side in shape
    ):
        raise IntegrityError(f"an array side is not a number from 1 to {MAX_DIMENSION}.")
    size = math.prod(shape)
    if not shape or max(shape) != size:
        raise IntegrityError(f"the array has shape {shape}; a vector has one side.")
    form = np.dtype(dtype.code)
    order = dtype.order
    if not order or (order == "|") != (form.itemsize == 1):
        raise IntegrityError("the array's byte order is unknown.")
    form = form.newbyteorder(order)
    if len(raw) != size * form.itemsize:
        raise IntegrityError(
            f"the array has {len(raw)} bytes; {size} numbers of {dtype.code} have "
            f"{size * form.itemsize}."
        )
    return np.frombuffer(raw, dtype=form)
