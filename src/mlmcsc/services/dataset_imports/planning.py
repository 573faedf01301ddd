"""Which rows of a dataset become labels, decided before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlmcsc.domain.fields import RowSpec
from mlmcsc.domain.foreign_datasets import (
    ForeignDataset,
    ForeignRow,
    Packed,
    annotation_of,
    value_of,
)
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.tables import IMAGES
from mlmcsc.errors import ValidationError

SHOWN: Final = 20
SPECIMEN: Final = "specimen_id"


@dataclass(frozen=True, slots=True)
class Planned:
    """A label to be stored.

    Attributes:
        row: Where it comes from.
        value: In the unit of the label range.
        annotation: Boxes and original split, or None.
        specimen: The image's specimen, where the dataset tells it.
    """

    row: ForeignRow
    value: float
    annotation: dict[str, Any] | None
    specimen: str | None


def plan(
    spec: RowSpec, found: ForeignDataset, column: str, scale: float
) -> tuple[list[Planned], list[Rejection]]:
    """The labels to be stored, and the rows that cannot be.

    Raises:
        ValidationError: No row has the column: a dataset of boxes alone measures nothing.
    """
    if found.rows and not any(column in row.values for row in found.rows):
        raise ValidationError(
            f"No image of the dataset has a value {column!r}. {_there_is(found.rows)} Boxes alone "
            "measure nothing: name the column or attribute that holds the measured value with "
            "--label-column."
        )
    planned: list[Planned] = []
    rejected = list(found.problems)
    first: dict[str | Packed, Planned] = {}
    for row in found.rows:
        try:
            each = _planned(spec, row, column, scale)
            _refuse_second(first.setdefault(row.image, each), each)
            planned.append(each)
        except ValidationError as error:
            rejected.append(Rejection(row.where, str(error)))
    return planned, rejected


def _refuse_second(first: Planned, each: Planned) -> None:
    """One technician gives an image one value: which of two is meant is not to be guessed."""
    if (first.value, first.annotation) != (each.value, each.annotation):
        raise ValidationError(f"speaks of the same image as {first.row.where}, and differs.")


def _planned(spec: RowSpec, row: ForeignRow, column: str, scale: float) -> Planned:
    value = spec.by_name["label"].check(value_of(row, column, scale))
    annotation = spec.by_name["annotation_data"].check(annotation_of(row))
    specimen = row.values.get(SPECIMEN)
    if specimen is not None:
        if isinstance(specimen, bool) or not isinstance(specimen, str | int):
            raise ValidationError(f"{SPECIMEN}: is no name but a {type(specimen).__name__}.")
        specimen = IMAGES.by_name[SPECIMEN].check(str(specimen))
    return Planned(row, value, annotation, specimen)


def _there_is(rows: Iterable[ForeignRow]) -> str:
    names = sorted({name for row in rows for name in row.values})
    if not names:
        return "It has no values at all."
    more = ", …" if len(names) > SHOWN else ""
    return f"There is: {', '.join(names[:SHOWN])}{more}."


def splits_of(rows: Sequence[ForeignRow]) -> dict[str, int]:
    """Images per split of the dataset."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.split is not None:
            counts[row.split] = counts.get(row.split, 0) + 1
    return counts
