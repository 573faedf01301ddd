"""What one step of training gets, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenMatrix, FrozenTable, Pictures, Selection
from mlmcsc.domain.datasets.sharding import whole
from mlmcsc.errors import (
    ImageMissingError,
    UnknownKeywordError,
    UnknownRecordError,
    ValidationError,
)

Images = NDArray[np.uint8] | list[NDArray[Any]]
SHOWN = 10


class Content(TypedDict, total=False):
    """What is read of each sample besides id, label and split.

    Attributes:
        features: Kind of feature vector to read, as the version holds it.
        extractor_version: Of which extractor; may be left out when the version holds one only.
        missing: Samples without a vector: `error` (refuse), `nan` (a row of NaN) or `drop`.
        images: Whether pictures are decoded.
        image_size: Height and width, pixels, to which they are resized, 8 bits; left out: as
            stored, 16 bits stay 16.
        image_mode: `rgb` or `grey`, with `image_size`.
        check: `hash` compares every decoded file with the frozen content; `none` believes paths.
        cache: Whether resized pictures are kept, beside the other caches; only pictures that were
            compared (`check="hash"`) are.
        missing_images: Samples whose file is not there: `error` or `skip`.
    """

    features: str
    extractor_version: str | None
    missing: Literal["error", "nan", "drop"]
    images: bool
    image_size: tuple[int, int] | None
    image_mode: Literal["rgb", "grey"]
    check: Literal["hash", "none"]
    cache: bool
    missing_images: Literal["error", "skip"]


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "missing": ("error", "nan", "drop"),
    "images": (False, True),
    "image_mode": ("rgb", "grey"),
    "check": ("hash", "none"),
    "cache": (False, True),
    "missing_images": ("error", "skip"),
}
LARGEST_SIDE = 16_384


def checked(content: Content) -> Content:
    """What was asked for, if it makes sense.

    Raises:
        ValidationError: An unknown keyword, or a wrong value.
    """
    unknown = sorted(set(content) - set(Content.__annotations__))
    if unknown:
        known = ", ".join(Content.__annotations__)
        raise UnknownKeywordError(f"{', '.join(unknown)}: not known here. Known: {known}.")
    for name, choices in CHOICES.items():
        value = content.get(name, choices[0])
        # 1 is no True, and an array is no choice: `in` would compare its elements.
        if not any(type(value) is type(each) and value == each for each in choices):
            told = ", ".join(map(repr, choices))
            raise ValidationError(f"{name}={value!r}: must be one of {told}.")
    if content.get("extractor_version") is not None and content.get("features") is None:
        raise ValidationError("extractor_version: say which features it made, with features=.")
    size = content.get("image_size")
    if size is not None:
        match size:
            case (height, width):
                sides = [whole("image_size", side, 1, LARGEST_SIDE) for side in (height, width)]
                content = {**content, "image_size": (sides[0], sides[1])}
            case _:
                raise ValidationError(f"image_size={size!r}: give height and width in pixels.")
    return content


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples, row i of each array belonging to `image_ids[i]`.

    Attributes:
        image_ids: int64, shape (B,).
        labels: float64, in the unit of the label range, shape (B,).
        splits: int8, values of `Split`, shape (B,).
        features: float32, shape (B, D); None unless asked for.
        images: uint8 of shape (B, h, w, 3) or (B, h, w) where a size was asked for, else a list of
            arrays as stored; None unless asked for.
        left_out: int64, ids that belong here but have no vector (`missing="drop"`) or no file
            (`missing_images="skip"`).
        position: State from which reading goes on behind this batch; plain JSON.
    """

    image_ids: NDArray[np.int64]
    labels: NDArray[np.float64]
    splits: NDArray[np.int8]
    features: NDArray[np.float32] | None = None
    images: Images | None = None
    left_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    position: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True, slots=True)
class SampleReader:
    """Reads samples from mapped files: no database, so any process can.

    Attributes:
        table: The opened version.
        selection: Which of its rows are samples.
        matrix: Vectors to read with them.
        missing: What becomes of samples without one.
        pictures: How their pictures are read.
        missing_images: What becomes of samples without a file.
    """

    table: FrozenTable
    selection: Selection
    matrix: FrozenMatrix | None = None
    missing: str = "error"
    pictures: Pictures | None = None
    missing_images: str = "error"

    @property
    def complete(self) -> bool:
        """Whether every sample is given, come what may."""
        return self.missing != "drop" and self.missing_images != "skip"

    def read(
        self,
        places: NDArray[np.int64],
        position: Mapping[str, Any] | None = None,
        into: NDArray[np.float32] | None = None,
    ) -> Batch:
        """The samples at these places of the selection.

        Args:
            places: Each 0 to the number of samples - 1.
            position: For the batch.
            into: Takes their vectors; those of the batch are there, too, unless some are left out.

        Raises:
            UnknownRecordError: One has no vector, and `missing` is `error`.
            ImageFileError: A picture cannot be read, is missing, or is another one.
        """
        rows = self.selection.rows(places)
        features, images, out = None, None, np.zeros(len(rows), dtype=bool)
        if self.matrix is not None:
            features, absent = self.matrix.take(rows, into)
            if absent is not None and self.missing != "nan":
                self._refuse(rows[absent])
                out = absent
                features = features[~absent]
        if self.pictures is not None:
            images, gone = self._images(self.pictures, rows[~out])
            if len(gone):
                features = None if features is None else np.delete(features, gone, axis=0)
                out[np.flatnonzero(~out)[gone]] = True
        dropped = rows[out]
        rows = rows[~out] if len(dropped) else rows
        table = self.table
        return Batch(
            image_ids=np.take(table.image_ids, rows),
            labels=np.take(table.labels, rows),
            splits=np.take(table.splits, rows),
            features=features,
            images=images,
            left_out=np.take(table.image_ids, dropped),
            position=position,
        )

    def _refuse(self, rows: NDArray[np.int64]) -> None:
        if self.missing == "error":
            told = ", ".join(map(str, np.sort(self.table.image_ids[rows])[:SHOWN].tolist()))
            raise UnknownRecordError(
                f"{len(rows)} images had no such vector when the version was made, e.g. {told}. "
                "Pass missing='nan' or missing='drop'."
            )

    def _images(self, pictures: Pictures, rows: NDArray[np.int64]) -> tuple[Images, list[int]]:
        """The pictures, and the places of those whose file is not there."""
        found: list[NDArray[Any]] = []
        gone: list[int] = []
        for at, file in enumerate(self.table.files(rows)):
            try:
                found.append(pictures.read(file))
            except ImageMissingError:
                if self.missing_images != "skip":
                    raise
                gone.append(at)
        if pictures.size is None:
            return found, gone
        shape = (*pictures.size, 3) if pictures.mode == "rgb" else pictures.size
        return np.stack(found) if found else np.empty((0, *shape), np.uint8), gone
