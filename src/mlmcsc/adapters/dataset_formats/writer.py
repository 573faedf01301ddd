"""What every format's writer is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Any, Self

from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import Dataset, Sample


class Writer(ABC):
    """Writes images and labels one by one; memory does not grow with them.

    Args:
        folder: Where to.
        dataset: The facts of the whole.
    """

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        self.folder, self.dataset = folder, dataset
        self.open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    @abstractmethod
    def add(self, sample: Sample) -> None:
        """Write one; they come by ascending image id.

        Raises:
            ImageFileError: Its file is not there, or not what was frozen; nothing of it was
                written.
        """

    @abstractmethod
    def finish(self) -> None:
        """Write what comes last, and list every file of the format's own."""


def facts(sample: Sample, file: str | None, *, people: bool) -> dict[str, Any]:
    """A sample as one record, as most formats have it."""
    record: dict[str, Any] = {
        "image_id": sample.image_id,
        "file": file,
        "content_hash": sample.content_hash,
        "specimen_id": sample.specimen_id,
        "width": sample.width,
        "height": sample.height,
        "label": sample.label,
        "split": sample.split,
    }
    return record | {"annotators": list(sample.people or ())} if people else record
