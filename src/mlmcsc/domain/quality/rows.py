"""What the sums of a stretch of images are made of: plain columns, without persons' names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType

TYPES: Final = ("other", *(kind.value for kind in LabelType))
"""Label types by their code; `other` are a laboratory's own words."""
BASES: Final = ("gold", "consensus", "blind", "assisted", "other")
"""What a reference label is, by its code."""
INDEPENDENT: Final = frozenset({"gold", "consensus", "blind"})
"""References whose makers were not shown a prediction as they measured; a consensus that counts
labels of people who were is `assisted`."""
UNKNOWN: Final = -1.0
"""Stands for a quality score that is not known."""

IMAGES: Final = np.dtype(
    [
        ("id", "<i8"),
        ("valid", "<i8"),
        ("score", "<f8"),
        *((name, "<i8") for name in ("specimen", "magnification", "pixel_size")),
    ]
)
"""Images: id, flags (0 or 1), quality score in [0, 1] or `UNKNOWN`."""
PREDICTIONS: Final = np.dtype(
    [
        *((name, "<i8") for name in ("id", "image", "model", "month")),
        *((name, "<f8") for name in ("value", "confidence")),
    ]
)
"""Predictions; a month is 12 · year + month - 1, in UTC."""
LABELS: Final = np.dtype(
    [
        *((name, "<i8") for name in ("id", "image", "technician", "month", "type")),
        *((name, "<i8") for name in ("verified", "assisted")),
        ("value", "<f8"),
    ]
)
"""Labels; `type` is a place in `TYPES`; assisted ones know the prediction that was shown,
or are a consensus of such."""

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """All rows about a stretch of image ids.

    Attributes:
        images: Of dtype `IMAGES`, shape `(I,)`.
        predictions: Of dtype `PREDICTIONS`, shape `(P,)`.
        labels: Of dtype `LABELS`, shape `(L,)`, without those of restricted people.
        restricted: int64 `(R,)`, the images of the labels that were left out, one per label.
    """

    images: Rows
    predictions: Rows
    labels: Rows
    restricted: NDArray[np.int64]

    def ordered(self) -> Stretch:
        """The same, each table by image, then by id."""
        return Stretch(
            _sorted(self.images, "id", "id"),
            _sorted(self.predictions, "image", "id"),
            _sorted(self.labels, "image", "id"),
            np.sort(self.restricted),
        )

    def between(self, low: int, high: int) -> Stretch:
        """The rows of images from `low` to below `high`, of an ordered stretch."""

        def part(rows: Rows, ids: Rows) -> Rows:
            start, end = np.searchsorted(ids, [low, high])
            return rows[start:end]

        return Stretch(
            part(self.images, self.images["id"]),
            part(self.predictions, self.predictions["image"]),
            part(self.labels, self.labels["image"]),
            part(self.restricted, self.restricted),
        )


def _sorted(rows: Rows, first: str, then: str) -> Rows:
    """By two fields; databases mostly give them like that, and looking costs less than sorting."""
    major, minor = rows[first], rows[then]
    up = major[1:] > major[:-1]
    if (up | ((major[1:] == major[:-1]) & (minor[1:] >= minor[:-1]))).all():
        return rows
    return rows[np.lexsort((minor, major))]
