"""A technician's accuracy score: how close their labels come to the reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.references import held_against, others, rater_model
from mlmcsc.domain.agreement.study import Kind, Measurements

FEWEST: Final = 5
"""Comparisons below which there is no score."""
DIGITS: Final = 6
"""Decimals of a score; what differs beyond them is rounding, not accuracy."""
DRIFT: Final = 0.001
"""By so much a score of the same comparisons must move to be written: every label of the others
changes their consensus a little."""


@dataclass(frozen=True, slots=True)
class Accuracy(Result):
    """One technician's score.

    Attributes:
        technician: Database id.
        score: 1 - MAE / length of the label range, 0 to 1; None below `FEWEST` comparisons.
        labels: Comparisons.
    """

    technician: int
    score: float | None
    labels: int

    def stands(self, score: float | None, labels: int | None) -> bool:
        """Whether a stored score, of so many comparisons, need not be written anew."""
        if labels != self.labels:
            return not labels and not self.labels
        if score is None or self.score is None:
            return score == self.score
        return abs(score - self.score) < DRIFT


@dataclass(frozen=True, slots=True)
class Scored(Result):
    """A technician as stored: staff number, score, comparisons behind it, and since when."""

    technician: str
    score: float | None
    labels: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class AccuracyUpdate(Result):
    """What bringing the scores up to date did.

    Attributes:
        technicians: Everybody with a comparison, by staff number.
        changed: Technicians whose score or number of comparisons was written.
        restricted: Technicians left as they are, as the processing of their data is restricted.
    """

    technicians: tuple[Scored, ...]
    changed: int
    restricted: int


def accuracies(found: Measurements, label_range: tuple[float, float]) -> tuple[Accuracy, ...]:
    """The score of everybody who measured without a prediction shown, by database id.

    A label is held against the gold label of its image (unless the same person set it), else
    against the reliability-weighted consensus of the other raters' blind labels. The first blind
    measurement of each image counts, as it was before corrections: what a person was told later
    says nothing of how they measure.

    Args:
        found: Labels of images that several labels speak of.
        label_range: Lowest and highest label.
    """
    blind = found.of_kind(Kind.BLIND).first_of_each()
    reference = held_against(blind, found, others(blind, rater_model(blind, found)))
    compared = ~np.isnan(reference)
    raters, rater = np.unique(blind.raters, return_inverse=True)
    away = np.abs(blind.firsts - np.where(compared, reference, blind.firsts))
    total = np.bincount(rater, away, len(raters))
    n = np.bincount(rater[compared], minlength=len(raters))
    length = label_range[1] - label_range[0]
    mae = total / np.maximum(n, 1) / length
    score = np.round(np.clip(1 - mae, 0, 1), DIGITS)
    return tuple(
        Accuracy(who, value if count >= FEWEST else None, count)
        for who, value, count in zip(raters.tolist(), score.tolist(), n.tolist(), strict=True)
    )
