"""YOLO as Ultralytics reads it (https://docs.ultralytics.com/datasets/detect)."""

from __future__ import annotations

import json

from mlmcsc.adapters.dataset_formats.classes import Classes
from mlmcsc.adapters.dataset_formats.croissant_document import write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import SPLITS, Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer
from mlmcsc.domain.versions.boxes import Box


class Yolo(Writer):
    """`images/SPLIT/`, `labels/SPLIT/` with a text for each image, and `data.yaml`.

    A line is `class x_centre y_centre width height`, in shares of the image. A text without lines
    says that there is nothing in the image.
    """

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._classes = Classes()
        self._splits: set[str] = set()

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        self.folder.image(sample, f"images/{sample.split}/{sample.filename}")
        self._splits.add(sample.split)
        width, height = sample.width or 1, sample.height or 1
        lines = [self._line(box, width, height) for box in sample.boxes or ()]
        name = f"labels/{sample.split}/{sample.key}.txt"
        self.folder.write_beside(name, "".join(lines).encode())

    def _line(self, box: Box, width: int, height: int) -> str:
        shares = (
            (box.x + box.width / 2) / width,
            (box.y + box.height / 2) / height,
            box.width / width,
            box.height / height,
        )
        number = self._classes.number(box.name)
        return " ".join([str(number), *(f"{share:.9g}" for share in shares)]) + "\n"

    def finish(self) -> None:
        """Write `data.yaml`: texts in it are JSON texts, which are YAML."""
        # Without `path`, which would count from where the reader stands: beside this file.
        lines = [f"# {self.dataset.text.encode('ascii', 'replace').decode()}"]
        lines += [f"{split}: images/{split}" for split in SPLITS if split in self._splits]
        lines += ["names:"]
        lines += [f"  {at}: {json.dumps(name)}" for at, name in enumerate(self._classes.names)]
        self.folder.write("data.yaml", "\n".join([*lines, ""]).encode())
        write_croissant(self.folder, self.dataset, [])
