"""One table for each split, whatever the format: what Parquet, CSV and JSON Lines share."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Protocol

from mlmcsc.adapters.dataset_formats.croissant_document import Table, write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import SPLITS, Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer, facts


class Sheet(Protocol):
    """A table that is being written."""

    def add(self, record: dict[str, Any]) -> None:
        """Write a row."""

    def close(self) -> None:
        """Write what is left."""


class Tables(Writer):
    """`train.…`, `val.…`, `test.…`, and `images/` beside them where images are copied.

    Attributes:
        ending: Of the files.
        mime: Media type of the files.
    """

    ending: str
    mime: str

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._sheets: dict[str, Sheet] = {}

    @abstractmethod
    def sheet(self, path: Path) -> Sheet:
        """Begin a table."""

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        file = self.folder.image(sample, f"images/{sample.split}/{sample.filename}")
        if sample.split not in self._sheets:
            made = self.sheet(self.folder.place(self._name(sample.split)))
            self._sheets[sample.split] = made
            self.open.callback(made.close)
        record = facts(sample, file, people=self.dataset.with_people)
        self._sheets[sample.split].add(record)

    def finish(self) -> None:
        """Close the tables and describe them."""
        self.open.close()
        tables = [
            Table(split, self._name(split), self.mime) for split in SPLITS if split in self._sheets
        ]
        for table in tables:
            self.folder.finished(table.path)
        write_croissant(self.folder, self.dataset, tables)

    def _name(self, split: str) -> str:
        return f"{split}.{self.ending}"
