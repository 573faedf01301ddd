"""From a version's rows to the samples of an export, a batch at a time."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from mlmcsc.adapters.dataset_formats import Sample
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.boxes import Boxes, UnclearBoxError, of_model, of_people
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.rows import State
from mlmcsc.services.dataset_exports.choices import Choices
from mlmcsc.store.queries import version_checks
from mlmcsc.store.uow import Store

BATCH: Final = 2_048
"""Rows as Python objects at a time."""
CODE_BYTES: Final = 6

COLUMNS: Final = (
    "content_hash",
    "path",
    "specimen_id",
    "width",
    "height",
    "label",
    "split",
    "technician_ids",
    "annotation",
    "detection",
)

REDACTED = "redacted"
RESTRICTED = "labelled by people whose data are restricted"
OTHER_SPLIT = "in splits that were not asked for"
NO_BOXES = "without boxes"
UNCLEAR = "boxes that cannot be read for certain"
NO_SIZE = "boxes in images of unknown size"
MISSING = "file missing or changed"


@dataclass
class Codes:
    """Random codes in place of people, new for each export; what stands for whom is not kept."""

    _known: dict[int, str] = field(default_factory=dict)

    def of(self, technician_ids: Sequence[int]) -> tuple[str, ...]:
        """A code for each person, each once, in the order of their labels."""
        for who in technician_ids:
            if who not in self._known:
                self._known[who] = secrets.token_hex(CODE_BYTES)
        return tuple(self._known[who] for who in dict.fromkeys(technician_ids))


@dataclass
class Samples:
    """What of a version goes into an export.

    Attributes:
        db: Knows where image files lie today.
        folder: Has the rows.
        layers: Of the version.
        choices: What is asked for.
        restricted: Row ids of technicians whose data may not be used.
        left_out: Images left out, by reason; counted as they are read.
        codes: What stands for people.
        n_read: Rows read.
        technicians: Row ids of those whose labels the sample given last rests on.
    """

    db: Store
    folder: VersionFolder
    layers: Sequence[Layer]
    choices: Choices
    restricted: frozenset[int]
    left_out: Counter[str] = field(default_factory=Counter)
    codes: Codes = field(default_factory=Codes)
    n_read: int = 0
    technicians: frozenset[int] = frozenset()

    def __iter__(self) -> Iterator[Sample]:
        """By ascending image id."""
        for batch in self.folder.rows(self.layers, COLUMNS):
            for start in range(0, batch.num_rows, BATCH):
                rows = batch.slice(start, BATCH).to_pylist()
                kept = [row for row in rows if self._stays(row)]
                places = self._places([row["image_id"] for row in kept])
                for row in kept:
                    self.n_read += 1
                    sample = self._sample(row, places.get(row["image_id"], []))
                    if sample is not None:
                        self.technicians = frozenset(row["technician_ids"])
                        yield sample
                self.n_read += len(rows) - len(kept)

    def _stays(self, row: Mapping[str, Any]) -> bool:
        why = None
        if row["state"] != State.PRESENT:
            why = REDACTED
        elif not self.restricted.isdisjoint(row["technician_ids"]):
            why = RESTRICTED
        elif _split(row) not in self.choices.splits:
            why = OTHER_SPLIT
        if why is not None:
            self.left_out[why] += 1
        return why is None

    def _places(self, image_ids: Sequence[int]) -> Mapping[int, list[str]]:
        """Where the files lie today; a short transaction for each batch, however long it takes."""
        with self.db.read() as view:
            found = version_checks.places(view, np.asarray(image_ids, dtype=np.int64))
        return {image_id: [each.path for each in places] for image_id, places in found.items()}

    def _sample(self, row: Mapping[str, Any], places: Sequence[str]) -> Sample | None:
        boxes, unclear = self._boxes(row) if self.choices.format.boxes else (None, None)
        if self.choices.format.only_with_boxes:
            if unclear is None and boxes is None:
                unclear = NO_BOXES
            elif boxes and None in (row["width"], row["height"]):
                unclear = NO_SIZE
            if unclear is not None:
                self.left_out[unclear] += 1
                return None
        return Sample(
            image_id=row["image_id"],
            sources=tuple(dict.fromkeys([*places, row["path"]])),
            content_hash=None if row["content_hash"] is None else row["content_hash"].hex(),
            specimen_id=row["specimen_id"],
            width=row["width"],
            height=row["height"],
            label=row["label"],
            split=_split(row),
            people=self.codes.of(row["technician_ids"]) if self.choices.people else None,
            boxes=boxes,
        )

    def _boxes(self, row: Mapping[str, Any]) -> tuple[Boxes | None, str | None]:
        """The boxes, or why there are none."""
        size = row["width"], row["height"]
        try:
            found = None
            if self.choices.boxes != "model":
                found = of_people(row["annotation"], *size)
            if found is None and self.choices.boxes != "people":
                found = of_model(row["detection"], *size)
        except UnclearBoxError:
            return None, UNCLEAR
        return found, None


def _split(row: Mapping[str, Any]) -> str:
    return Split(row["split"]).name.lower()
