"""Hugging Face `datasets`: the layout of `imagefolder`, and a dataset card."""

from __future__ import annotations

import json

from mlmcsc.adapters.dataset_formats.croissant_document import Table, write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.parquet import Parquet, ParquetSheet
from mlmcsc.adapters.dataset_formats.samples import SPLITS, Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer, facts

THEIR_SPLITS = {"train": "train", "val": "validation", "test": "test"}


class HuggingFace(Writer):
    """`data/SPLIT/` with images and `metadata.parquet`; `README.md`, the card.

    `datasets.load_dataset("imagefolder", data_dir=FOLDER)` reads it.
    """

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._sheets: dict[str, ParquetSheet] = {}

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        self.folder.image(sample, f"data/{sample.split}/{sample.filename}")
        if sample.split not in self._sheets:
            made = ParquetSheet(self.folder.place(_name(sample.split)))
            self._sheets[sample.split] = made
            self.open.callback(made.close)
        record = facts(sample, None, people=self.dataset.with_people)
        del record["file"]
        self._sheets[sample.split].add({"file_name": sample.filename} | record)

    def finish(self) -> None:
        """Close the tables, write the card, describe both."""
        self.open.close()
        splits = [split for split in SPLITS if split in self._sheets]
        for split in splits:
            self.folder.finished(_name(split))
        self.folder.write("README.md", self._card(splits).encode())
        tables = [Table(split, _name(split), Parquet.mime, "file_name") for split in splits]
        write_croissant(self.folder, self.dataset, tables)

    def _card(self, splits: list[str]) -> str:
        """The dataset card: YAML front matter, in which texts are JSON texts, which are YAML."""
        data = self.dataset
        lines = ["---", f"pretty_name: {json.dumps(data.name)}", "configs:"]
        lines += ["- config_name: default", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {THEIR_SPLITS[split]}", f'    path: "data/{split}/**"']
        lines += ["---", "", f"# {_one_line(data.name)}", ""]
        if data.description:
            lines += [_one_line(data.description), ""]
        lines += [data.text, "", "`label` is the value under the version's label policy."]
        return "\n".join([*lines, ""])


def _name(split: str) -> str:
    return f"data/{split}/metadata.parquet"


def _one_line(text: str) -> str:
    return " ".join(text.split())
