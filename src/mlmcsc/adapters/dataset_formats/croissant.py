"""Croissant by itself: one Parquet table of all images, described in JSON-LD."""

from __future__ import annotations

from mlmcsc.adapters.dataset_formats.croissant_document import Table, write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.parquet import Parquet, ParquetSheet
from mlmcsc.adapters.dataset_formats.samples import Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer, facts

RECORDS = "records.parquet"


class Croissant(Writer):
    """`croissant.json`, `records.parquet`, and `images/` where images are copied."""

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._sheet = ParquetSheet(folder.place(RECORDS))
        self.open.callback(self._sheet.close)

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        file = self.folder.image(sample, f"images/{sample.split}/{sample.filename}")
        self._sheet.add(facts(sample, file, people=self.dataset.with_people))

    def finish(self) -> None:
        """Close the table and describe it."""
        self.open.close()
        self.folder.finished(RECORDS)
        write_croissant(self.folder, self.dataset, [Table("images", RECORDS, Parquet.mime)])
