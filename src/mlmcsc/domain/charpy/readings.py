"""SFA of specimens from what was read off their images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.charpy.results import ReadSfa
from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.domain.label_policy import choose_labels

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


def sfa_by_labels(found: NDArray[Any], specimens: Ids, scale: float) -> dict[int, ReadSfa]:
    """SFA by specimen id: each image's value by the label policy `consensus`, then their mean.

    Args:
        found: Labels, a structured array with the integer fields `image`, `label` (its id),
            `technician`, `consensus` (0 or 1) and the float field `value`; shape `(N,)`.
        specimens: The specimen id of each, `int64[N]`.
        scale: Percent per unit of a label.
    """
    if not len(found):
        return {}
    agreed = found["consensus"] != 0
    chosen = choose_labels(
        found["image"],
        found["value"],
        found["label"],
        policy=LabelPolicy.CONSENSUS,
        technician_ids=found["technician"],
        consensus=agreed,
    )
    first = np.unique(found["image"], return_index=True)[1]  # as `chosen.images`, ascending
    specimen = specimens[first]
    values = chosen.values * scale
    people = np.unique(np.stack([specimens, found["technician"]])[:, ~agreed], axis=1)
    raters = dict(zip(*(a.tolist() for a in np.unique(people[0], return_counts=True)), strict=True))
    scatter = _scatter_of_votes(chosen.owners, found["value"][chosen.rows] * scale)
    return {
        number: read if read.images > 1 else replace(read, uncertainty=scatter[at])
        for (number, read), at in zip(
            _by_specimen(specimen, values, raters).items(),
            np.unique(specimen, return_index=True)[1].tolist(),
            strict=True,
        )
    }


def sfa_by_predictions(found: NDArray[Any], specimens: Ids, scale: float) -> dict[int, ReadSfa]:
    """SFA by specimen id: the mean of the model's predictions of its images.

    Args:
        found: A structured array with the field `value`, a row per image.
        specimens: The specimen id of each.
        scale: Percent per unit of a prediction.
    """
    return _by_specimen(specimens, found["value"] * scale, {}) if len(found) else {}


def _by_specimen(specimen: Ids, values: Values, raters: dict[int, int]) -> dict[int, ReadSfa]:
    numbers, owner, counts = np.unique(specimen, return_inverse=True, return_counts=True)
    means = np.bincount(owner, weights=values) / counts
    squares = np.bincount(owner, weights=(values - means[owner]) ** 2)
    return {
        number: ReadSfa(
            mean,
            float(np.sqrt(square / (n - 1) / n)) if n > 1 else None,
            n,
            raters.get(number, 0),
        )
        for number, mean, square, n in zip(
            numbers.tolist(), means.tolist(), squares.tolist(), counts.tolist(), strict=True
        )
    }


def _scatter_of_votes(owner: Ids, votes: Values) -> list[float | None]:
    """Standard uncertainty of each image's value by the scatter of people; None for one vote."""
    counts = np.bincount(owner)
    means = np.bincount(owner, weights=votes) / counts
    squares = np.bincount(owner, weights=(votes - means[owner]) ** 2)
    return [
        float(np.sqrt(square / (n - 1) / n)) if n > 1 else None
        for square, n in zip(squares.tolist(), counts.tolist(), strict=True)
    ]
