"""What came of what: models, the data versions they were trained on, labels, and people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from mlmcsc.domain.records import Record

Use = Literal["trained on", "evaluated on"]
"""What a model did with an image: `trained on` is the train split, `evaluated on` val and test."""
TRAINED: Final = "trained on"
EVALUATED: Final = "evaluated on"


@dataclass(frozen=True, slots=True)
class TrainingDataLink(Record):
    """What a model says it was trained on, and what that is here.

    Attributes:
        stated: `training_data_version` as registered; None where nothing was stated.
        version: The version that it names; None where it names none.
        tag: The tag by which it names it.
        note: What must be known about the link; None where it is plain.
        root: The version's Merkle root, hex, also of one that was deleted; None where unknown.
    """

    stated: str | None
    version: str | None
    tag: str | None = None
    note: str | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True)
class ModelName(Record):
    """A model trained on the version.

    Attributes:
        id: Database id.
        version: Version name of the model.
        name: Model name.
    """

    id: int
    version: str
    name: str


@dataclass(frozen=True, slots=True)
class PersonShare(Record):
    """Whose labels a version has.

    Attributes:
        technician_id: Row id in `technicians`: a number without meaning elsewhere.
        staff_number: For actors with the right `read_personal`, else None.
        labels: How many labels that decided a value.
        train_labels: Of these, in the train split.
        share: `labels` as a share of the version's labels, 0 to 1.
    """

    technician_id: int
    staff_number: str | None
    labels: int
    train_labels: int
    share: float


@dataclass(frozen=True, slots=True)
class Kin(Record):
    """An earlier version that rows are shared with.

    Attributes:
        version: Its name.
        shared_rows: Rows in the files that both have.
        shared_bytes: Bytes of these files.
    """

    version: str
    shared_rows: int
    shared_bytes: int


@dataclass(frozen=True, slots=True)
class Given(Record):
    """An export of a version.

    Attributes:
        format: Of the files.
        path: Where it was written.
        recipient: To whom it was given, for actors with the right `read_personal`.
        n_rows: Rows.
        exported_at: When.
    """

    format: str
    path: str
    recipient: str | None
    n_rows: int
    exported_at: datetime


@dataclass(frozen=True, slots=True)
class Feedback(Record):
    """Training labels that were made while a model's prediction was in sight.

    Attributes:
        model: The model, as the labels name it.
        seen: Labels of the train split made seeing its predictions.
        confirmed: Of these, predictions accepted unchanged (`label_type` is `confirmed`).
        confirmed_share: `confirmed` as a share of all labels of the train split, 0 to 1.
    """

    model: str
    seen: int
    confirmed: int
    confirmed_share: float


@dataclass(frozen=True, slots=True)
class VersionLineage(Record):
    """What a version was made of, and what was made of it.

    Attributes:
        version: Its name.
        name: Its title.
        created_at: When it was frozen.
        root: Merkle root, hex; None for rows recorded without their images.
        label_policy: Which value stands for an image; None without a manifest.
        seed: Of the splits.
        tags: Tags that point to it.
        images: Images.
        redacted: Of these, with label and people removed by an erasure.
        splits: Images per split.
        labels: Labels that decided the values.
        specimens: Distinct specimens.
        people: Whose labels, the most first.
        kin: Earlier versions it shares files with, the latest first.
        models: Models trained on it.
        exports: To whom it was given.
        note: Why parts are unknown; None where nothing is.
    """

    version: str
    name: str
    created_at: datetime
    root: str | None
    label_policy: str | None
    seed: int | None
    tags: tuple[str, ...]
    images: int
    redacted: int
    splits: dict[str, int]
    labels: int
    specimens: int
    people: tuple[PersonShare, ...]
    kin: tuple[Kin, ...]
    models: tuple[ModelName, ...]
    exports: tuple[Given, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ModelLineage(Record):
    """What a model was trained on, and what its predictions did.

    Attributes:
        id: Database id.
        version: Version name.
        name: Model name.
        training_data: What it was trained on.
        data: That version; None where the link leads nowhere.
        feedback: Whose predictions its training labels were made in sight of, the most first.
        labels_gone: Training labels that the live table no longer has, so that nothing more is
            known of them.
        predictions: Predictions that it made.
        labels_seeing: Labels, of today, made in sight of its predictions.
    """

    id: int
    version: str
    name: str
    training_data: TrainingDataLink
    data: VersionLineage | None
    feedback: tuple[Feedback, ...]
    labels_gone: int
    predictions: int
    labels_seeing: int


@dataclass(frozen=True, slots=True)
class ImageUse(Record):
    """An image in a version.

    Attributes:
        version: Name of the version.
        split: `train`, `val` or `test`.
        label: Its value then; None where an erasure removed it.
        redacted: Whether it did.
        use: What the models did with it.
        models: Models that were trained on the version.
    """

    version: str
    split: str
    label: float | None
    redacted: bool
    use: Use
    models: tuple[ModelName, ...]


@dataclass(frozen=True, slots=True)
class ImageLineage(Record):
    """Where an image went.

    Attributes:
        image_id: The image.
        path: Where it lies today.
        uses: The versions that have it, oldest first.
        trained_on: Models whose train split had it.
        evaluated_on: Models that had it in val or test.
    """

    image_id: int
    path: str
    uses: tuple[ImageUse, ...]
    trained_on: tuple[str, ...]
    evaluated_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelLineage(Record):
    """Where a label went.

    Attributes:
        label_id: The label.
        image_id: Its image.
        value: Its value; None where it is no longer stored.
        uses: The versions in which it decided its image's value, oldest first; `label` there is
            that value.
        trained_on: Models whose train split had it.
        evaluated_on: Models that had it in val or test.
    """

    label_id: int
    image_id: int
    value: float | None
    uses: tuple[ImageUse, ...]
    trained_on: tuple[str, ...]
    evaluated_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonUse(Record):
    """A person's labels in a version.

    Attributes:
        version: Name of the version.
        labels: Labels of theirs that decided a value.
        train_labels: Of these, in the train split.
        share: `labels` as a share of the version's labels, 0 to 1.
        models: Models that were trained on the version.
    """

    version: str
    labels: int
    train_labels: int
    share: float
    models: tuple[ModelName, ...]


@dataclass(frozen=True, slots=True)
class PersonLineage(Record):
    """Where a person's labels went.

    Attributes:
        technician_id: Row id in `technicians`.
        staff_number: For actors with the right `read_personal`, else None.
        uses: The versions that have labels of theirs, oldest first.
        trained_on: Models that were trained on labels of theirs.
    """

    technician_id: int
    staff_number: str | None
    uses: tuple[PersonUse, ...]
    trained_on: tuple[str, ...]
