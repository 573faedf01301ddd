"""Datasets of other programs: their images, boxes and values, and what an import made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mlmcsc.domain.records import Record
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.versions.boxes import Box, UnclearBoxError, of_people
from mlmcsc.errors import ValidationError

ForeignFormat = Literal["coco", "yolo", "huggingface", "webdataset", "parquet", "csv", "jsonl"]
SOURCE_SPLIT: Final = "source_split"
"""Under it `annotation_data` keeps the split that an image had in the dataset it came from."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A file inside an uncompressed tar.

    Attributes:
        shard: The tar.
        name: Its last name there, without folders.
        offset: Where its bytes begin.
        size: How many.
        changed_at: When the tar was last changed, in ns since 1970: later, others may be there.
    """

    shard: str
    name: str
    offset: int
    size: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """An image of the dataset and what is said of it.

    Attributes:
        where: File and place, for messages.
        image: Absolute path, or its place in a tar.
        split: As the dataset names it.
        values: Columns and attributes by name.
        boxes: None where nothing was said, empty where it was said that nothing is there.
    """

    where: str
    image: str | Packed
    split: str | None
    values: Mapping[str, Any]
    boxes: tuple[Box, ...] | None


@dataclass(slots=True)
class ForeignDataset:
    """What a reader found.

    Attributes:
        rows: Those that can be used, in the dataset's order.
        problems: The others, and why.
        notes: What was passed over on purpose.
    """

    rows: list[ForeignRow] = field(default_factory=list)
    problems: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DatasetImportReport(Record):
    """What an import of a dataset did.

    Attributes:
        format: The dataset's format.
        path: Where it lies, absolute.
        read: Images that it speaks of.
        stored: Labels stored (for a dry run: that would be, unless there already).
        unchanged: Labels that the technician had given before, word for word.
        images_stored: Images that were new.
        boxes: Bounding boxes stored with the labels.
        splits: Images per split of the dataset: told, not kept as ours.
        rejected: The first 1,000 refused, with their reasons.
        rejected_count: How many were refused.
        rejected_file: Where all of them are; None when there are none.
        notes: What was passed over on purpose.
        dry_run: Whether nothing was written but that file.
        seconds: Wall time.
    """

    format: str
    path: str
    read: int
    stored: int
    unchanged: int
    images_stored: int
    boxes: int
    splits: Mapping[str, int]
    rejected: tuple[Rejection, ...]
    rejected_count: int
    rejected_file: str | None
    notes: tuple[str, ...]
    dry_run: bool
    seconds: float


def value_of(row: ForeignRow, column: str, scale: float) -> float:
    """The label value in a row's column.

    Raises:
        ValidationError: There is none, or no finite number.
    """
    told = row.values.get(column)
    if told is None or told == "":
        raise ValidationError(f"{column}: has no value here.")
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        raise ValidationError(f"{column}: is no number but a {type(told).__name__}.")
    try:
        value = _number(told) * scale
    except (ValueError, OverflowError):
        raise ValidationError(f"{column}={str(told)[:80]!r}: is no number.") from None
    if not math.isfinite(value):
        raise ValidationError(f"{column}={told!r}: is not finite.")
    return value


def _number(told: float | str) -> float:
    """A number as other programs write it: what Python takes besides is rather a slip.

    Raises:
        ValueError: It is none; `1_0` and digits of other scripts are not.
        OverflowError: It has more digits than any measurement.
    """
    if isinstance(told, str) and ("_" in told or not told.isascii()):
        raise ValueError(told)
    return float(told)


def annotation_of(row: ForeignRow) -> dict[str, Any] | None:
    """The row as `annotation_data`, in the form that exports read; None where it says nothing."""
    told: dict[str, Any] = {}
    if row.boxes is not None:
        told["boxes"] = [
            {"x": b.x, "y": b.y, "width": b.width, "height": b.height, "class": b.name}
            for b in row.boxes
        ]
    if row.split is not None:
        told[SOURCE_SPLIT] = row.split
    return told or None


def boxes_from(regions: list[dict[str, Any]], width: int, height: int) -> tuple[Box, ...]:
    """Boxes of a dataset, checked as those of an annotation.

    Args:
        regions: Each with `class` and `bbox` (`x, y, width, height` in pixels).
        width: Of the image in pixels.
        height: Likewise.

    Raises:
        ValidationError: One is not finite, empty, outside the image, or has no proper class.
    """
    try:
        text = json.dumps({"boxes": regions, "format": "xywh"})
        return of_people(text, width, height) or ()
    except UnclearBoxError as error:
        raise ValidationError(f"{error}.") from None
    except RecursionError:
        raise ValidationError("boxes: nested too deeply to be any.") from None
