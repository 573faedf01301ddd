"""COCO: one JSON file of images, annotations and categories for each split.

Format: https://cocodataset.org/#format-data. `bbox` is `[x, y, width, height]` in pixels. COCO has
no measured value of an image: it is looked for among the fields and `attributes` of the image, and
of its annotations where they agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mlmcsc.adapters.dataset_readers.places import file_inside, inside, read_json, split_in
from mlmcsc.adapters.dataset_readers.sizes import checked_size, side
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignRow, boxes_from
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.versions.boxes import Box
from mlmcsc.errors import ValidationError

_OF_COCO: Final = {
    *("id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "attributes"),
    *("keypoints", "num_keypoints", "caption", "file_name", "width", "height"),
}
_PLAIN = (str, int, float, bool)


def fits(folder: Path) -> bool:
    """Whether there are files such as COCO's."""
    return bool(_files(folder))


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder] if folder.suffix.lower() == ".json" else []
    found = [*folder.glob("*.json"), *folder.glob("annotations/*.json")]
    return sorted(path for path in found if _head_is_coco(path))


def _head_is_coco(path: Path) -> bool:
    """By its name or its first bytes: other JSON files may lie beside COCO's."""
    if not path.is_file():
        return False
    with path.open("rb") as data:
        head = data.read(4096)
    keys = (b'"images"', b'"annotations"', b'"categories"', b'"info"', b'"licenses"')
    return (
        head.lstrip()[:1] == b"{" and any(key in head for key in keys) and b"@context" not in head
    )


def read(folder: Path) -> ForeignDataset:
    """Every image that the dataset lists.

    Raises:
        ValidationError: There is no COCO file, one is damaged, or two speak of the same image.
    """
    files = _files(folder)
    if not files:
        raise ValidationError(
            f"{folder}: there is no COCO file (*.json, or annotations/*.json, with `images` and "
            "`annotations`)."
        )
    root = folder if folder.is_dir() else _root_of(folder)
    found = ForeignDataset()
    told_by: dict[Any, str] = {}
    for path in files:
        inside(root, path)
        document = read_json(path)
        _check(path, document)
        for row in _rows(root, path, document, found):
            if told_by.setdefault(row.image, path.name) != path.name:
                raise ValidationError(
                    f"{row.image}: {told_by[row.image]} and {path.name} both speak of it. Give the "
                    "one JSON file that is meant in place of the folder."
                )
            found.rows.append(row)
    return found


def _root_of(path: Path) -> Path:
    return path.parent.parent if path.parent.name == "annotations" else path.parent


def _check(path: Path, document: Any) -> None:
    lists: dict[str, Any] = {"images": None, "annotations": None, "categories": []}
    sound = isinstance(document, dict) and all(
        isinstance(told := document.get(name, default), list)
        and all(isinstance(each, dict) for each in told)
        for name, default in lists.items()
    )
    if not sound:
        raise ValidationError(
            f"{path}: COCO has lists of objects under `images`, `annotations` and `categories`."
        )


def _rows(
    root: Path, path: Path, document: Mapping[str, Any], found: ForeignDataset
) -> list[ForeignRow]:
    split = split_in(path.stem)
    names = {
        each.get("id"): each.get("name")
        for each in document.get("categories", ())
        if isinstance(each.get("id"), int)
    }
    of_image: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for each in document["annotations"]:
        of_image[_key(each.get("image_id"))].append(each)
    bases = (*_folders(root, path, split), root / "images", root, path.parent)
    rows, seen = [], set()
    for image in document["images"]:
        where = f"{path.name}: image {image.get('id')!r}"
        key = _key(image.get("id"))
        if key in seen:
            found.problems.append(Rejection(where, f"the id {key!r} is given twice."))
            continue
        seen.add(key)
        annotations = of_image.pop(key, [])
        try:
            file = file_inside(root, image.get("file_name"), *bases)
            boxes = _boxes(file, image, annotations, names)
            rows.append(ForeignRow(where, file, split, _values(image, annotations), boxes))
        except ValidationError as error:
            found.problems.append(Rejection(where, str(error)))
    if of_image:
        found.notes.append(
            f"{path.name}: annotations of {len(of_image):,} images that it does not list"
        )
    return rows


def _key(value: Any) -> Any:
    return value if isinstance(value, int | str) else repr(value)


def _folders(root: Path, path: Path, split: str | None) -> list[Path]:
    """Where the images of this file may lie: COCO's own are in `train2017` and the like."""
    names = dict.fromkeys([path.stem, path.stem.rpartition("_")[2], split])
    return [folder / name for name in names if name for folder in (root, root / "images")]


def _values(image: Mapping[str, Any], annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields of the image; those of its annotations where all say the same, else a list."""
    told: defaultdict[str, dict[Any, None]] = defaultdict(dict)  # as a set, in order
    for annotation in annotations:
        for name, value in _fields(annotation).items():
            told[name][value] = None
    values = {name: next(iter(e)) if len(e) == 1 else list(e) for name, e in told.items()}
    return values | _fields(image)


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    attributes = document.get("attributes")
    both = {**document, **(attributes if isinstance(attributes, dict) else {})}
    return {k: v for k, v in both.items() if k not in _OF_COCO and isinstance(v, _PLAIN)}


def _boxes(
    file: str,
    image: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    names: Mapping[Any, Any],
) -> tuple[Box, ...] | None:
    boxed = [each for each in annotations if each.get("bbox")]
    told = image.get("width"), image.get("height")
    if not boxed:
        if any(map(side, told)):
            checked_size(file, *told)  # of another picture, its value is another's, too
        return None
    unknown = [
        each.get("category_id") for each in boxed if _key(each.get("category_id")) not in names
    ]
    if unknown:
        raise ValidationError(f"category_id={unknown[0]!r}: is no category of the file.")
    regions = [{"bbox": each["bbox"], "class": names[each["category_id"]]} for each in boxed]
    return boxes_from(regions, *checked_size(file, *told))
