"""Sums over images that can be added up: of any two sets of images, or of all."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 2
"""Of what is summed; sums of another version are made anew."""
FRACTIONS: Final = 1000
"""Steps of the histograms of scores and confidences, which lie in [0, 1]."""
RESIDUALS: Final = 200
"""Steps of the histogram of residuals, which lie in [0, 1] of the label range."""
MANY: Final = 3
"""So many labels or predictions of an image, or more, are counted together."""
KEPT: Final = 20
"""Extreme cases kept with their ids."""
COUNTS: Final = (
    "images",
    "invalid",
    "scored",
    "specimen",
    "magnification",
    "pixel_size",
    "labels",
    "verified",
    "restricted_labels",
    "predictions",
    "disagreeing",
    "consensus",
    "unlabelled",
)

Counts = NDArray[np.int64]
Key = tuple[int, ...]
Table = dict[Key, NDArray[np.float64]]
Case = tuple[float, int, int]
"""How extreme, the id of the row, and of its image."""


def _zeros(length: int) -> Counts:
    return np.zeros(length, dtype=np.int64)


@dataclass(slots=True)
class Sums:
    """Sums over some images.

    Attributes:
        counts: By the names of `COUNTS`.
        moments: Sum and sum of squares of the known scores, float64 `(2,)`.
        scores: int64 `(1001,)`, scores by thousandths, rounded down.
        confidences: int64 `(1001,)`, confidences of all predictions, likewise.
        residuals: int64 `(201,)`, |prediction - reference| in 1/200 of the label range.
        labelled: int64 `(4,)`, images with 0, 1, 2 and 3 or more labels.
        predicted: int64 `(4,)`, images with so many predictions.
        verification: (type, month) to labels, and verified ones.
        accuracy: (model, month, basis, split) to n, Σe, Σ|e|, Σe², Σy, Σy²; e = prediction - y.
        calibration: (model, basis, bin, split) to n, Σ confidence, and how many were near enough.
        outliers: Largest residuals, of predictions.
        spreads: Images whose labels lie farthest apart.
        lowest: Images of the lowest scores, as (-score, id, id).
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    moments: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    scores: Counts = field(default_factory=lambda: _zeros(FRACTIONS + 1))
    confidences: Counts = field(default_factory=lambda: _zeros(FRACTIONS + 1))
    residuals: Counts = field(default_factory=lambda: _zeros(RESIDUALS + 1))
    labelled: Counts = field(default_factory=lambda: _zeros(MANY + 1))
    predicted: Counts = field(default_factory=lambda: _zeros(MANY + 1))
    verification: Table = field(default_factory=dict)
    accuracy: Table = field(default_factory=dict)
    calibration: Table = field(default_factory=dict)
    outliers: list[Case] = field(default_factory=list)
    spreads: list[Case] = field(default_factory=list)
    lowest: list[Case] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: tables as rows of key and values; histograms as a text of numbers."""
        return {
            "counts": self.counts,
            "moments": self.moments.tolist(),
            **{name: _text(getattr(self, name)) for name in HISTOGRAMS},
            **{name: _rows(getattr(self, name)) for name in TABLES},
            **{name: [list(case) for case in getattr(self, name)] for name in CASES},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Sums:
        """Read what `to_dict` wrote."""
        numbers = {n: np.array(stored[n].split(","), dtype=np.int64) for n in HISTOGRAMS}
        tables = {
            name: {tuple(key): np.asarray(values, dtype=float) for key, values in stored[name]}
            for name in TABLES
        }
        cases = {
            name: [(float(size), int(row), int(image)) for size, row, image in stored[name]]
            for name in CASES
        }
        moments = np.asarray(stored["moments"], dtype=float)
        parts: dict[str, Any] = {**numbers, **tables, **cases}
        return cls(dict(stored["counts"]), moments, **parts)


HISTOGRAMS: Final = ("scores", "confidences", "residuals", "labelled", "predicted")
TABLES: Final = ("verification", "accuracy", "calibration")
CASES: Final = ("outliers", "spreads", "lowest")


def merged(parts: Iterable[Sums]) -> Sums:
    """The sums over all images of the parts, of which no two share an image."""
    total = Sums()
    extremes: dict[str, list[Case]] = {name: [] for name in CASES}
    for part in parts:
        for name in COUNTS:
            total.counts[name] += part.counts[name]
        total.moments += part.moments
        for name in HISTOGRAMS:
            getattr(total, name).__iadd__(getattr(part, name))
        for name in TABLES:
            _add(getattr(total, name), getattr(part, name))
        for name in CASES:
            extremes[name] += getattr(part, name)
    for name, cases in extremes.items():
        setattr(total, name, largest(cases))
    return total


def largest(cases: Iterable[Case]) -> list[Case]:
    """The most extreme cases; among equals those of the lowest ids."""
    return heapq.nsmallest(KEPT, cases, key=lambda case: (-case[0], case[1]))


def _add(total: Table, part: Table) -> None:
    for key, values in part.items():
        if key in total:
            total[key] = total[key] + values
        else:
            total[key] = values


def _text(numbers: Counts) -> str:
    return ",".join(map(str, numbers.tolist()))


def _rows(table: Table) -> list[list[Any]]:
    return [[list(key), table[key].tolist()] for key in sorted(table)]
