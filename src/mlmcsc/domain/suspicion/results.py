"""The ranked queue of suspicious labels, and why each is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mlmcsc.domain.records import Record

STANDS_OUT: Final = 3.0
"""Score from which on a label is listed without being asked for."""


@dataclass(frozen=True, slots=True)
class Evidence(Record):
    """What one witness says of a label.

    Attributes:
        expected: What it expects, in the label's unit.
        difference: Label minus that.
        z: The difference beyond the usual one, in robust standard deviations.
        witnesses: How many colleagues or neighbours speak; 1 for a model.
    """

    expected: float
    difference: float
    z: float
    witnesses: int


@dataclass(frozen=True, slots=True)
class SuspiciousLabel(Record):
    """One label that is probably wrong.

    Attributes:
        label_id: The label.
        image_id: Its image.
        technician_id: Staff number of who made it.
        label: Its value.
        label_type: Its type.
        score: How much speaks against it: a rank, no probability.
        colleagues: What others measured on the image; None where nobody else did.
        model: What the model predicts; None where it did not.
        neighbours: What similar images are labelled; None where that is not known.
        why: All this in words.
        command: What to look at and to correct it with.
    """

    label_id: int
    image_id: int
    technician_id: str
    label: float
    label_type: str
    score: float
    colleagues: Evidence | None
    model: Evidence | None
    neighbours: Evidence | None
    why: str
    command: str


@dataclass(frozen=True, slots=True)
class SuspicionReport(Record):
    """The most suspicious labels, worst first.

    Attributes:
        items: The labels.
        min_score: Labels below this score were left out.
        labels: How many were judged: each person's latest of each image.
        without_evidence: How many of these nothing speaks for or against.
        with_colleagues: How many others labelled too.
        with_model: How many the model predicts.
        with_neighbours: How many similar images were looked at for.
        restricted: Labels left out because the processing of their makers' data is restricted.
        model_version: Whose predictions; None where there are none.
        feature_type: Features that images were compared by; None where there are none.
        seed: Of the choice of images to compare with.
        formula: Version of the score's formula.
    """

    items: tuple[SuspiciousLabel, ...]
    min_score: float
    labels: int
    without_evidence: int
    with_colleagues: int
    with_model: int
    with_neighbours: int
    restricted: int
    model_version: str | None
    feature_type: str | None
    seed: int
    formula: str


def in_words(
    colleagues: Evidence | None,
    model: Evidence | None,
    neighbours: Evidence | None,
    model_version: str | None,
    *,
    doubted: bool = False,
) -> str:
    """The reasons, the strongest first.

    Args:
        colleagues: What others measured.
        model: What the model predicts.
        neighbours: What similar images are labelled.
        model_version: The model.
        doubted: Whether colleagues agree with the label, so that model or image are in doubt.
    """
    told: list[tuple[float, str]] = []
    if colleagues is not None:
        others = colleagues.witnesses
        of = f"what {others} colleagues say" if others > 1 else "the one colleague's label"
        told.append(_reason(colleagues, of))
    if model is not None:
        told.append(_reason(model, f"model {model_version}"))
    if neighbours is not None:
        of = f"{neighbours.witnesses} similar images (about {neighbours.expected:.3g})"
        told.append(_reason(neighbours, of))
    reasons = "; ".join(text for _, text in sorted(told, key=lambda each: -each[0]))
    return f"model or image, as colleagues agree: {reasons}" if doubted else reasons


def _reason(evidence: Evidence, of: str) -> tuple[float, str]:
    size = abs(evidence.z)
    return size, f"{evidence.difference:+.3g} from {of} (z {size:.1f})"
