"""YOLO: a text file of boxes for each image, and the class names beside them.

Format: https://docs.ultralytics.com/datasets/detect. The boxes of `images/train/a.png` are in
`labels/train/a.txt`, a line each: class number, then centre, width and height as shares of the
image. YOLO has no measured value of an image: it is looked for in a `metadata.csv` (`.jsonl`,
`.parquet`) with the column `file_name`, relative to the dataset's folder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mlmcsc.adapters.dataset_readers import sidecar
from mlmcsc.adapters.dataset_readers.places import images_below, inside, parts_of, split_in
from mlmcsc.adapters.dataset_readers.sizes import checked_size
from mlmcsc.adapters.dataset_readers.yolo_names import names_in_text, names_in_yaml
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignRow, boxes_from
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.versions.boxes import Box
from mlmcsc.errors import ValidationError

MOST_TEXT: Final = 16_000_000
"""Bytes of a file of boxes or class names."""
_IMAGES, _LABELS = "images", "labels"
_NUMBERS = (5, 6)
"""Class and box, and for a detection its confidence."""


def fits(folder: Path) -> bool:
    """Whether there are images, and texts of boxes beside them."""
    return folder.is_dir() and any(
        True for path in folder.rglob("*.txt") if _LABELS in path.relative_to(folder).parts
    )


def read(folder: Path) -> ForeignDataset:
    """Every image in folders called `images`.

    Raises:
        ValidationError: There is none, or what belongs to all images cannot be read.
    """
    found = ForeignDataset()
    names = _class_names(folder)
    values = _values(folder, found)
    for path in images_below(folder):
        relative = path.relative_to(folder)
        if _IMAGES not in relative.parts[:-1]:
            continue
        where = relative.as_posix()
        try:
            image = inside(folder, path)
            boxes = _boxes(folder, path, names)
        except ValidationError as error:
            found.problems.append(Rejection(where, str(error)))
        else:
            split = split_in(relative.parent.as_posix())
            found.rows.append(ForeignRow(where, image, split, values.get(where, {}), boxes))
    if not found.rows and not found.problems:
        raise ValidationError(f"{folder}: there are no images in folders called `images`.")
    return found


def _values(folder: Path, found: ForeignDataset) -> dict[str, Mapping[str, Any]]:
    values: dict[str, Mapping[str, Any]] = {}
    for path in sidecar.sidecars(folder):
        inside(folder, path)
        for where, row in sidecar.read(path, found.problems):
            try:
                parts = parts_of(row.get(sidecar.FILE_NAME))
            except ValidationError as error:
                found.problems.append(Rejection(where, str(error)))
                continue
            named = path.parent.relative_to(folder).joinpath(*parts).as_posix()
            values[named] = {k: v for k, v in row.items() if k != sidecar.FILE_NAME}
    return values


def _boxes(folder: Path, image: Path, names: Mapping[int, str]) -> tuple[Box, ...] | None:
    """The boxes of an image; None without a file of them, empty where it is empty."""
    parts = list(image.relative_to(folder).parts)
    at = max(index for index, part in enumerate(parts[:-1]) if part == _IMAGES)
    parts[at] = _LABELS
    text = folder.joinpath(*parts).with_suffix(".txt")
    if not text.is_file():
        return None
    inside(folder, text)
    lines = [line.split() for line in _text(text).splitlines() if line.strip()]
    if not lines:
        return ()
    size = checked_size(str(image))
    return boxes_from([_region(text.name, line, names, *size) for line in lines], *size)


def _region(
    file: str, line: Sequence[str], names: Mapping[int, str], width: int, height: int
) -> dict[str, Any]:
    try:
        numbers = [float(each) for each in line]
    except ValueError:
        numbers = []
    if len(numbers) not in _NUMBERS or not all(map(math.isfinite, numbers)):
        raise ValidationError(
            f"{file}: {' '.join(line)[:60]!r} is no box: class, centre x, centre y, width, height. "
            "Polygons and keypoints are not read."
        )
    kind, x, y, across, down = numbers[:5]
    if kind != int(kind) or (names and int(kind) not in names):
        raise ValidationError(f"{file}: class {line[0]} has no name in data.yaml or classes.txt.")
    box = [(x - across / 2) * width, (y - down / 2) * height, across * width, down * height]
    return {"bbox": [round(edge, 3) for edge in box], "class": names.get(int(kind), line[0])}


def _class_names(folder: Path) -> dict[int, str]:
    """Class names by number; none where no file tells them."""
    plain = folder / "classes.txt"
    if plain.is_file():
        inside(folder, plain)
        return names_in_text(_text(plain))
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        inside(folder, path)
        try:
            names = names_in_yaml(_text(path))
        except ValidationError as error:
            raise ValidationError(f"{path}: {error}") from None
        if names:
            return names
    return {}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_TEXT:
            raise ValidationError(f"{path}: has more than {MOST_TEXT:,} bytes.")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValidationError(f"{path}: is not UTF-8 text.") from None
    except OSError as error:
        raise ValidationError(f"{path}: cannot be read: {error.strerror or error}.") from None
