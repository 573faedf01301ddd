"""What a transition fit is asked, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mlmcsc.domain.charpy.quantities import QUANTITIES, Property, Quantity
from mlmcsc.domain.charpy.tanh_model import Array, Problem, Shelves
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.errors import ValidationError

FEWEST_SAMPLES: Final = 100
"""Fewer tell no percentiles."""
MOST_SAMPLES: Final = 10_000
CONFIDENCE: Final = Field("confidence", Kind.REAL, "of intervals, as 0.95", required=True)
SEED: Final = Field("seed", Kind.INTEGER, "of the bootstrap", required=True, minimum=0)
SAMPLES: Final = Field("bootstrap", Kind.INTEGER, "samples, 0 for none", required=True)


def quantity_of(kind: Any) -> Quantity:
    """The property that is fitted.

    Raises:
        ValidationError: There is no such property.
    """
    if kind not in list(Property):
        raise ValidationError(f"property={kind!r}: choose one of {', '.join(Property)}.")
    return QUANTITIES[Property(kind)]


def check_options(confidence: Any, samples: Any, seed: Any) -> None:
    """Refuse wrong options.

    Raises:
        ValidationError: Naming the value and the limit.
    """
    if not 0.5 < CONFIDENCE.check(confidence) < 1:  # noqa: PLR2004  # less is no confidence
        raise ValidationError(f"confidence={confidence!r}: must be above 0.5 and below 1, as 0.95.")
    if SAMPLES.check(samples) != 0 and not FEWEST_SAMPLES <= samples <= MOST_SAMPLES:
        raise ValidationError(
            f"bootstrap={samples!r}: give {FEWEST_SAMPLES} to {MOST_SAMPLES:,} samples, or 0 for "
            "none."
        )
    SEED.check(seed)


def problem_of(
    temperatures: Any,
    values: Any,
    quantity: Quantity,
    shelves: Shelves | None,
) -> Problem:
    """The points and the fixed shelves.

    Raises:
        ValidationError: They are no finite numbers, not as many of each, or outside what the
            quantity can be.
    """
    t, y = _numbers("temperatures", temperatures), _numbers("values", values)
    if t.ndim != 1 or t.shape != y.shape:
        raise ValidationError(f"{t.shape} temperatures for {y.shape} values: one each is needed.")
    if not (np.isfinite(t).all() and np.isfinite(y).all()):
        raise ValidationError("Temperatures and values must be finite numbers; leave others out.")
    if (y < quantity.lowest).any() or (y > quantity.highest).any():
        raise ValidationError(
            f"{quantity.title} goes from {quantity.lowest:g} to {quantity.highest:g} "
            f"{quantity.unit}; there are values from {y.min():g} to {y.max():g}."
        )
    return Problem(t, y, quantity.shelves if shelves is None else _shelves(shelves, quantity))


def names_of(specimens: Sequence[str] | None, points: int) -> Sequence[str]:
    """By which the points are told.

    Raises:
        ValidationError: There are not as many as points.
    """
    if specimens is None:
        return [str(n + 1) for n in range(points)]
    if len(specimens) != points:
        raise ValidationError(f"{len(specimens)} specimens for {points} values: name each.")
    return specimens


def _numbers(name: str, given: Any) -> Array:
    wrong = ValidationError(f"{name}: give a list of numbers, such as [-40, 0.5, 20].")
    try:
        found = np.asarray(given)
    except (TypeError, ValueError):  # of different lengths, say
        raise wrong from None
    if found.dtype.kind not in "iuf" and found.size:
        raise wrong
    return found.astype(np.float64)


def _shelves(shelves: Any, quantity: Quantity) -> Shelves:
    if not isinstance(shelves, (tuple, list)) or len(shelves) != 2:  # noqa: PLR2004  # low, high
        raise ValidationError(f"shelves={shelves!r}: give a lower and an upper one, or None each.")
    text = f"in {quantity.unit}; leave it out to fit it"
    most = quantity.highest if np.isfinite(quantity.highest) else None
    low, high = (
        Field(f"{side} shelf", Kind.REAL, text, minimum=quantity.lowest, maximum=most).check(shelf)
        for side, shelf in zip(("lower", "upper"), shelves, strict=True)
    )
    if low is not None and high is not None and not low < high:
        raise ValidationError(f"shelves={shelves!r}: the lower one must be below the upper one.")
    return low, high
