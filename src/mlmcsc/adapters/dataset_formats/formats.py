"""The formats, by name, and what each can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mlmcsc.adapters.dataset_formats.coco import Coco
from mlmcsc.adapters.dataset_formats.croissant import Croissant
from mlmcsc.adapters.dataset_formats.csv import Csv
from mlmcsc.adapters.dataset_formats.huggingface import HuggingFace
from mlmcsc.adapters.dataset_formats.jsonl import Jsonl
from mlmcsc.adapters.dataset_formats.parquet import Parquet
from mlmcsc.adapters.dataset_formats.webdataset import WebDataset
from mlmcsc.adapters.dataset_formats.writer import Writer
from mlmcsc.adapters.dataset_formats.yolo import Yolo
from mlmcsc.domain.versions.exports import ImageMode


@dataclass(frozen=True, slots=True)
class DatasetFormat:
    """One format.

    Attributes:
        writer: Writes it.
        images: What may become of images; the first, unless somebody asks.
        boxes: Whether it holds bounding boxes.
        only_with_boxes: Whether an image without boxes would be taken for one with nothing in it.
        people: Whether it has a place for who labelled what.
    """

    writer: type[Writer]
    images: tuple[ImageMode, ...]
    boxes: bool = False
    only_with_boxes: bool = False
    people: bool = True


_TABLE: Final[tuple[ImageMode, ...]] = ("none", "copy", "hardlink", "path")

FORMATS: Final[Mapping[str, DatasetFormat]] = {
    "parquet": DatasetFormat(Parquet, _TABLE),
    "csv": DatasetFormat(Csv, _TABLE),
    "jsonl": DatasetFormat(Jsonl, _TABLE),
    "coco": DatasetFormat(Coco, ("copy", "hardlink", "none", "path"), boxes=True),
    "yolo": DatasetFormat(
        Yolo, ("copy", "hardlink"), boxes=True, only_with_boxes=True, people=False
    ),
    "huggingface": DatasetFormat(HuggingFace, ("copy", "hardlink")),
    "webdataset": DatasetFormat(WebDataset, ("copy",)),
    "croissant": DatasetFormat(Croissant, _TABLE),
}
