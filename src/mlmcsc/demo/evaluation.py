"""How well model and technicians did, against the truth that only the demo knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mlmcsc.demo.labelling import Laboratory
from mlmcsc.demo.learning import Lesson
from mlmcsc.demo.metrics import measure
from mlmcsc.domain.quality.accuracy import Accuracy
from mlmcsc.domain.records import LabelRecord
from mlmcsc.errors import ValidationError


@dataclass(frozen=True)
class Scores:
    """The numbers that a run comes to; errors in shares of the ligament.

    Attributes:
        model: the second model on its test split, against the truth.
        against_labels: the same predictions against the technicians' labels.
        first_model: the first model on the same images, against the truth.
        baseline_mae: error, on the same images, of always answering the training mean.
        technicians: all labels against the truth.
    """

    model: Accuracy
    against_labels: Accuracy
    first_model: Accuracy
    baseline_mae: float
    technicians: Accuracy


def evaluate(lab: Laboratory, first: Lesson, second: Lesson) -> Scores:
    """Score both models on the test split of the second, which neither of them learnt from.

    Raises:
        ValidationError: no image of the test split has a verified label.
    """
    test = second.data["test"]
    if not test:
        raise ValidationError(
            "the test split has no verified label; give more specimens, or another seed"
        )
    images, labels = zip(*test, strict=True)
    truth = [lab.truth[image].true_sfa for image in images]
    predicted = [second.predictions[image].prediction for image in images]
    mean = float(np.mean([label for _, label in second.data["train"]]))
    return Scores(
        model=measure(truth, predicted),
        against_labels=measure(labels, predicted),
        first_model=measure(truth, [first.predictions[image].prediction for image in images]),
        baseline_mae=measure(truth, [mean] * len(truth)).mae,
        technicians=technicians_against_truth(lab, lab.labels()),
    )


def technicians_against_truth(lab: Laboratory, labels: Iterable[LabelRecord]) -> Accuracy:
    """Measure labels against the truth.

    Raises:
        ValidationError: there is no label.
    """
    pairs = [(lab.truth[one.image_id].true_sfa, one.label) for one in labels]
    return measure([truth for truth, _ in pairs], [label for _, label in pairs])
