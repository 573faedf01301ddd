"""Our own exports as Parquet, CSV and JSON Lines: a table for each split, and `images/` beside.

Rows name their image under `file`; where they tell its `content_hash`, the file must have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mlmcsc.adapters.dataset_readers import sidecar
from mlmcsc.adapters.dataset_readers.places import file_inside, inside
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignRow
from mlmcsc.domain.results import Rejection
from mlmcsc.errors import ValidationError

SPLITS: Final = ("train", "val", "test")
FILE: Final = "file"
HASH: Final = "content_hash"


def fits(folder: Path, ending: str) -> bool:
    """Whether there is a table of a split."""
    return bool(_tables(folder, ending))


def _tables(folder: Path, ending: str) -> list[tuple[str, Path]]:
    named = ((split, folder / f"{split}.{ending}") for split in SPLITS)
    return [(split, path) for split, path in named if path.exists()]


def read(folder: Path, ending: str) -> ForeignDataset:
    """Every image that the tables name.

    Args:
        folder: Where `train`, `val` and `test` lie.
        ending: Of the tables: `parquet`, `csv` or `jsonl`.

    Raises:
        ValidationError: There is no table, or one cannot be read.
    """
    tables = _tables(folder, ending)
    if not tables:
        names = ", ".join(f"{split}.{ending}" for split in SPLITS)
        raise ValidationError(f"{folder}: there is no {names}.")
    found = ForeignDataset()
    for split, path in tables:
        inside(folder, path)
        for where, values in sidecar.read(path, found.problems, FILE):
            try:
                found.rows.append(_row(folder, where, split, values))
            except ValidationError as error:
                found.problems.append(Rejection(where, str(error)))
    return found


def _row(folder: Path, where: str, split: str, values: Mapping[str, Any]) -> ForeignRow:
    name = values.get(FILE)
    if name is None or name == "":
        raise ValidationError("file: names no image; export with copied or linked images.")
    image = file_inside(folder, name, folder)
    told = values.get(HASH)
    if told and file_sha256(Path(image)) != told:
        raise ValidationError(f"{name!r}: is not the image that was exported: its hash differs.")
    plain = {key: value for key, value in values.items() if key != FILE}
    return ForeignRow(where, image, split, plain, None)
