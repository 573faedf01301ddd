"""What every analysis asks of its numbers, asked once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlmcsc.errors import ValidationError

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
LARGEST = 1e100
"""Beyond it sums of squares near the end of float64; so do those of values below one over it."""
Mask: TypeAlias = NDArray[np.bool_]
Name: TypeAlias = int | str
"""A rater, an item or a part as the caller calls it."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels in long form, items and raters numbered.

    Attributes:
        values: The labels, shape `(L,)`.
        item: Number of each label's item, 0 to `len(items) - 1`.
        rater: Number of each label's rater, 0 to `len(raters) - 1`.
        items: Ids of the items, ascending.
        raters: Ids of the raters, ascending.
    """

    values: Floats
    item: Indices
    rater: Indices
    items: NDArray[Any]
    raters: NDArray[Any]


def floats(values: ArrayLike, name: str, *, dimensions: int, missing: bool = False) -> Floats:
    """The numbers as float64.

    Args:
        values: Numbers of whatever kind.
        name: What the caller calls them.
        dimensions: How many axes they must have.
        missing: Whether NaN may stand for a value that is not there.

    Raises:
        ValidationError: Not numbers, another number of axes, infinite, or NaN where not allowed.
    """
    try:
        given = np.asarray(values)
        real = given.dtype.kind != "c"
        array: Floats = given.astype(np.float64, copy=False) if real else np.empty(0)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValidationError(f"{name}: must be numbers ({error}).") from None
    if not real:
        raise ValidationError(f"{name}: complex numbers; it must be real ones.")
    if array.ndim != dimensions:
        raise ValidationError(f"{name}: shape {array.shape}; it must have {dimensions} axes.")
    wrong = np.isinf(array) if missing else ~np.isfinite(array)
    if wrong.any():
        at = tuple(int(each) for each in np.argwhere(wrong)[0])
        allowed = "finite, or NaN for a missing one" if missing else "finite"
        raise ValidationError(f"{name}{list(at)}={array[at]}: every value must be {allowed}.")
    if array.size and not missing:
        _check_size(array, name)
    elif array.size and not np.isnan(array).all():
        _check_size(array[~np.isnan(array)], name)
    return array


def _check_size(array: Floats, name: str) -> None:
    """Refuse numbers whose squares are no numbers any more."""
    largest = float(np.abs(array).max())
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise ValidationError(
            f"{name}: the largest is {largest:g}; it must lie between {1 / LARGEST:g} and "
            f"{LARGEST:g}, or squares overflow: use another unit."
        )


def number(value: object, name: str) -> float:
    """A single real number; ValidationError naming it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ValidationError(f"{name}={value!r}: must be a number.")
    return float(value)


def whole(value: object, name: str, low: int, high: float = math.inf) -> int:
    """A whole number from `low` to `high`; ValidationError naming it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValidationError(f"{name}={value!r}: must be a whole number.")
    if not low <= value <= high:
        most = "" if high == math.inf else f" and at most {high:,}"
        raise ValidationError(f"{name}={value}: must be at least {low:,}{most}.")
    return int(value)


def long_form(values: ArrayLike, items: ArrayLike, raters: ArrayLike) -> Labels:
    """Number the items and raters of labels in long form, each of shape `(L,)`.

    Raises:
        ValidationError: No label, lengths that differ, or a value that is not finite.
    """
    numbers = floats(values, "values", dimensions=1)
    of_item, of_rater = np.asarray(items), np.asarray(raters)
    same_length(values=numbers, items=of_item, raters=of_rater)
    at_least(len(numbers), 1, "labels")
    item_ids, item = numbered(of_item, "items")
    rater_ids, rater = numbered(of_rater, "raters")
    return Labels(numbers, item, rater, item_ids, rater_ids)


def numbered(ids: NDArray[Any], name: str) -> tuple[NDArray[Any], Indices]:
    """The different ids, ascending, and the number of each; ValidationError if of mixed kinds."""
    try:
        different, number_of = np.unique(ids, return_inverse=True)
    except TypeError as error:
        raise ValidationError(f"{name}: ids must be of one kind, as int ({error}).") from None
    return different, number_of


def same_length(**arrays: NDArray[Any]) -> None:
    """Raise ValidationError unless all arrays have one axis and one length."""
    if len({each.shape for each in arrays.values()}) > 1 or any(
        each.ndim != 1 for each in arrays.values()
    ):
        shapes = ", ".join(f"{name} {each.shape}" for name, each in arrays.items())
        raise ValidationError(f"{shapes}: each must have one axis, and all the same length.")


def at_least(number: int, needed: int, what: str) -> None:
    """Raise ValidationError where there is too little to say anything."""
    if number < needed:
        raise ValidationError(f"{number} {what}: at least {needed} are needed.")


def check_confidence(confidence: float) -> float:
    """The level of confidence, above 0 and below 1; ValidationError otherwise."""
    level = number(confidence, "confidence")
    if not 0 < level < 1:
        raise ValidationError(f"confidence={confidence}: must be above 0 and below 1, as 0.95.")
    return level


def name_of(identity: Any) -> Name:
    """An id as Python's own int or str."""
    name: Name = identity.item() if isinstance(identity, np.generic) else identity
    return name


def some(value: float) -> float | None:
    """The number as a float, or None if it is not finite."""
    return float(value) if math.isfinite(value) else None


def added_up(group: Indices, values: Floats, size: int) -> Floats:
    """The sum of the values of each group, numbered from 0, shape `(size,)`."""
    # numpy's own types know only counts, so the float64 of a weighted count is said here once.
    return np.bincount(group, values, size).astype(np.float64, copy=False)
