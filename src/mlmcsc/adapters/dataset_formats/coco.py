"""COCO object detection (https://cocodataset.org/#format-data): a JSON document for each split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import orjson

from mlmcsc.adapters.dataset_formats.classes import Classes
from mlmcsc.adapters.dataset_formats.croissant_document import write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer, facts
from mlmcsc.domain.versions.boxes import Box

PIECE: Final = 1 << 20
"""Bytes copied at a time."""


class Coco(Writer):
    """`annotations/SPLIT.json`, and `images/SPLIT/` beside it.

    `bbox` is `[x, y, width, height]` in pixels, `segmentation` the polygon if one was drawn; the
    label of an image is its attribute `label`.
    Category ids begin at 1 and are the same in every split.
    """

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._classes = Classes()
        self._splits: dict[str, _Split] = {}

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        file = self.folder.image(sample, f"images/{sample.split}/{sample.filename}")
        if self.folder.mode != "path":
            file = sample.filename
        if sample.split not in self._splits:
            path = self.folder.place(_name(sample.split))
            made = self._splits[sample.split] = _Split(path, _head(self.dataset))
            self.open.callback(made.close)
        image = facts(sample, file, people=self.dataset.with_people)
        image = {"id": image.pop("image_id"), "file_name": image.pop("file")} | image
        boxes = [(box, self._classes.number(box.name) + 1) for box in sample.boxes or ()]
        self._splits[sample.split].add(image, boxes)

    def finish(self) -> None:
        """Write annotations and categories behind the images."""
        categories = [
            {"id": number + 1, "name": name, "supercategory": "none"}
            for number, name in enumerate(self._classes.names)
        ]
        for split in self._splits.values():
            split.finish(categories)
        self.open.close()
        for name in sorted(self._splits):
            self.folder.finished(_name(name))
        write_croissant(self.folder, self.dataset, [])


def _name(split: str) -> str:
    return f"annotations/{split}.json"


def _head(dataset: Dataset) -> bytes:
    told = {
        "description": dataset.text,
        "version": dataset.version,
        "year": dataset.created_at.year,
        "contributor": "",
        "date_created": f"{dataset.created_at:%Y/%m/%d}",
        "url": "",
    }
    return b'{"info":' + orjson.dumps(told) + b',"licenses":[],"images":['


class _Split:
    """One document; annotations wait in a file of their own until the images are written."""

    def __init__(self, path: Path, head: bytes) -> None:
        self._out = path.open("wb")
        self._out.write(head)
        waiting = TemporaryFile(dir=path.parent)  # noqa: SIM115  # see close
        self._images, self._boxes = _Items(self._out), _Items(waiting)
        self._last = 0

    def add(self, image: dict[str, Any], boxes: list[tuple[Box, int]]) -> None:
        self._images.add(image)
        for box, category in boxes:
            outline = [number for point in box.outline for number in point]
            self._last += 1
            annotation = {
                "id": self._last,
                "image_id": image["id"],
                "category_id": category,
                "bbox": [box.x, box.y, box.width, box.height],
                "area": box.area,
                "iscrowd": 0,
                "segmentation": [outline] if outline else [],
            }
            self._boxes.add(annotation)

    def finish(self, categories: list[dict[str, Any]]) -> None:
        self._out.write(b'],"annotations":[')
        self._boxes.out.seek(0)
        for piece in _pieces(self._boxes.out):
            self._out.write(piece)
        self._out.write(b'],"categories":' + orjson.dumps(categories) + b"}")

    def close(self) -> None:
        self._out.close()
        self._boxes.out.close()


class _Items:
    """The members of a JSON array."""

    def __init__(self, out: IO[bytes]) -> None:
        self.out, self._begun = out, False

    def add(self, item: dict[str, Any]) -> None:
        self.out.write((b",\n" if self._begun else b"\n") + orjson.dumps(item))
        self._begun = True


def _pieces(data: IO[bytes]) -> Iterator[bytes]:
    while piece := data.read(PIECE):
        yield piece
