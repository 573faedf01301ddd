"""Hugging Face image folders: images, and metadata files that name them by `file_name`.

Format: https://huggingface.co/docs/datasets/image_dataset. `objects` holds boxes as lists under
`bbox` (`[x, y, width, height]`, pixels) and `categories` or `category`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mlmcsc.adapters.dataset_readers import sidecar
from mlmcsc.adapters.dataset_readers.places import file_inside, inside, split_in
from mlmcsc.adapters.dataset_readers.sizes import checked_size
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignRow, Packed, boxes_from
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.versions.boxes import Box
from mlmcsc.errors import ValidationError

_CLASSES: Final = ("categories", "category", "class", "classes")


def fits(folder: Path) -> bool:
    """Whether there are metadata files, and nothing that speaks of YOLO."""
    yolo = any((folder / name).exists() for name in ("data.yaml", "labels", "classes.txt"))
    return folder.is_dir() and not yolo and bool(sidecar.sidecars(folder))


def read(folder: Path) -> ForeignDataset:
    """Every image that the metadata files name.

    Raises:
        ValidationError: There is none, or one cannot be read.
    """
    files = sidecar.sidecars(folder)
    if not files:
        raise ValidationError(
            f"{folder}: there is no {', '.join(sidecar.NAMES)}. Folders of classes alone have no "
            "measured value; Parquet files with images inside must be saved as an image folder."
        )
    found = ForeignDataset()
    for path in files:
        inside(folder, path)
        split = split_in(path.parent.relative_to(folder).as_posix())
        for where, values in sidecar.read(path, found.problems):
            told = f"{path.parent.relative_to(folder).as_posix()}/{where}"
            try:
                found.rows.append(_row(folder, path, told, split, values))
            except ValidationError as error:
                found.problems.append(Rejection(told, str(error)))
    return found


def _row(
    folder: Path, path: Path, where: str, split: str | None, values: Mapping[str, Any]
) -> ForeignRow:
    name = values.get(sidecar.FILE_NAME)
    image = file_inside(folder, name, path.parent)
    boxes = boxes_of(image, values)
    plain = {k: v for k, v in values.items() if k not in {sidecar.FILE_NAME, "objects"}}
    named = values.get("split")
    return ForeignRow(where, image, named if isinstance(named, str) else split, plain, boxes)


def boxes_of(image: str | Packed, values: Mapping[str, Any]) -> tuple[Box, ...] | None:
    """The boxes under `objects`: lists side by side, or a list of objects.

    Raises:
        ValidationError: They cannot be read for certain, or are outside the image.
    """
    objects = values.get("objects")
    if objects is None:
        return None
    pairs = _side_by_side(objects) if isinstance(objects, dict) else _one_by_one(objects)
    regions = [
        {"bbox": box} | ({} if kind is None else {"class": str(kind)}) for box, kind in pairs
    ]
    return placed(image, regions, values)


def placed(
    image: str | Packed, regions: list[dict[str, Any]], values: Mapping[str, Any]
) -> tuple[Box, ...]:
    """Boxes in an image; only with boxes are `width` and `height` taken for the picture's.

    Raises:
        ValidationError: One is no box in the image, or the dataset speaks of another size.
    """
    if not regions:
        return ()
    return boxes_from(regions, *checked_size(image, values.get("width"), values.get("height")))


def _side_by_side(objects: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    boxes, classes = objects.get("bbox"), _class(objects)
    if not isinstance(boxes, list):
        raise ValidationError("objects: has no list of boxes under `bbox`.")
    if classes is None:
        classes = [None] * len(boxes)
    if not isinstance(classes, list) or len(classes) != len(boxes):
        raise ValidationError(f"objects: {len(boxes)} boxes, and not as many classes.")
    return list(zip(boxes, classes, strict=True))


def _one_by_one(objects: Any) -> list[tuple[Any, Any]]:
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise ValidationError("objects: is no list of objects with a `bbox` each.")
    return [(each.get("bbox"), _class(each)) for each in objects]


def _class(told: Mapping[str, Any]) -> Any:
    return next((told[name] for name in _CLASSES if told.get(name) is not None), None)
