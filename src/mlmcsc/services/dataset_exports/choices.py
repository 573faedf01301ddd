"""What an export is asked for, checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from mlmcsc.adapters.dataset_formats import FORMATS, SPLITS, DatasetFormat
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.versions.exports import RECIPIENT, BoxSource, ImageMode
from mlmcsc.errors import ValidationError

T = TypeVar("T")

MISSING: Final = ("error", "skip")
LEAST_SHARD: Final = 1_000_000

_TARGET = Field("target", Kind.TEXT, "the folder to make", required=True, max_length=500)
_SHARD = Field(
    "shard_bytes", Kind.INTEGER, "size of a shard in bytes", required=True, minimum=LEAST_SHARD
)
_FLAGS = [
    Field(name, Kind.FLAG, text, required=True)
    for name, text in (
        ("people", "whether it tells who labelled, by codes"),
        ("overwrite", "whether an export that is there is replaced"),
    )
]


@dataclass(frozen=True)
class Choices:
    """The checked arguments of one export; see `DatasetExports.export`."""

    version: str
    target: Path
    name: str
    format: DatasetFormat
    images: ImageMode
    splits: tuple[str, ...]
    people: bool
    recipient: str | None
    boxes: BoxSource
    skip_missing: bool
    shard_bytes: int
    overwrite: bool


def check(
    version: str,
    target: str | os.PathLike[str],
    *,
    format: str,  # noqa: A002  # as the service calls it
    images: Any,
    splits: Sequence[str] | None,
    people: bool,
    recipient: str | None,
    boxes: Any,
    missing: str,
    shard_bytes: int,
    overwrite: bool,
) -> Choices:
    """The arguments, if they make sense together.

    Raises:
        ValidationError: One is wrong, or the format has no place for it.
    """
    kind = FORMATS[_one_of("format", format, tuple(FORMATS))]
    for field, value in zip(_FLAGS, (people, overwrite), strict=True):
        field.check(value)
    if people and not kind.people:
        raise ValidationError(
            f"people=True: the format {format} has no place for who labelled what. Choose coco or "
            "a table."
        )
    place = Path(_TARGET.check(os.path.abspath(os.fspath(target))))
    mode = kind.images[0] if images is None else _one_of("images", images, get_args(ImageMode))
    if mode not in kind.images:
        raise ValidationError(
            f"images={mode!r}: the format {format} allows {', '.join(kind.images)}."
        )
    return Choices(
        version=version,
        target=place,
        name=format,
        format=kind,
        images=mode,
        splits=_splits(splits),
        people=bool(people),
        recipient=RECIPIENT.check(recipient),
        boxes=_one_of("boxes", boxes, get_args(BoxSource)),
        skip_missing=_one_of("missing", missing, MISSING) == "skip",
        shard_bytes=_SHARD.check(shard_bytes),
        overwrite=bool(overwrite),
    )


def _one_of(name: str, value: Any, allowed: Sequence[T]) -> T:
    for each in allowed:
        if value == each:
            return each
    raise ValidationError(f"{name}={value!r}: must be one of {', '.join(map(str, allowed))}.")


def _splits(asked: Sequence[str] | None) -> tuple[str, ...]:
    if asked is None:
        return SPLITS
    if isinstance(asked, str) or not asked:
        raise ValidationError(f"splits={asked!r}: give a list of {', '.join(SPLITS)}.")
    for each in asked:
        _one_of("splits", each, SPLITS)
    return tuple(split for split in SPLITS if split in asked)
