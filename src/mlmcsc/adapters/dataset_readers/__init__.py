"""Datasets in folders: COCO, YOLO, Hugging Face, WebDataset, and tables that we exported.

Every reader looks at everything before it returns, writes nothing, follows nothing out of the
folder, and takes no name, size or number on trust.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, get_args

from mlmcsc.adapters.dataset_readers import coco, huggingface, tables, webdataset, yolo
from mlmcsc.adapters.dataset_readers.unpacking import unpack
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignFormat
from mlmcsc.errors import ValidationError

__all__ = ["guess_format", "read_dataset", "unpack"]

_READERS: Final[Mapping[str, Callable[[Path], ForeignDataset]]] = {
    "coco": coco.read,
    "yolo": yolo.read,
    "huggingface": huggingface.read,
    "webdataset": webdataset.read,
    **{ending: partial(tables.read, ending=ending) for ending in ("parquet", "csv", "jsonl")},
}
_FITS: Final[Mapping[str, Callable[[Path], bool]]] = {
    "coco": coco.fits,
    "yolo": yolo.fits,
    "huggingface": huggingface.fits,
    "webdataset": webdataset.fits,
    **{ending: partial(tables.fits, ending=ending) for ending in ("parquet", "csv", "jsonl")},
}
_TABLES: Final = (".csv", ".jsonl", ".parquet")


def read_dataset(folder: Path, kind: str) -> ForeignDataset:
    """Everything that a dataset says of its images.

    Args:
        folder: Where it lies; of a COCO dataset also its JSON file.
        kind: One of `ForeignFormat`.

    Raises:
        ValidationError: It is not such a dataset, or not one that can be trusted.
    """
    if kind not in _READERS:
        raise ValidationError(
            f"format={kind!r}: must be one of {', '.join(get_args(ForeignFormat))}."
        )
    _refuse_missing(folder)
    try:
        return _READERS[kind](folder)
    except RecursionError:
        raise ValidationError(f"{folder}: has JSON nested too deeply to be read.") from None


def _refuse_missing(folder: Path) -> None:
    if not folder.exists():
        raise ValidationError(f"{folder}: there is no such folder. Check the path.")


def guess_format(folder: Path) -> str:
    """The format of a dataset, by the files that only one format has.

    Raises:
        ValidationError: There is no such folder, no format fits, or several do.
    """
    _refuse_missing(folder)
    if folder.is_file() and folder.suffix.lower() in _TABLES:
        raise ValidationError(
            f"{folder}: a table is no dataset folder. Use `import labels {folder}`."
        )
    found = [kind for kind, fits in _FITS.items() if fits(folder)]
    if len(found) != 1:
        fitting = "several formats fit" if found else "no format fits"
        raise ValidationError(
            f"{folder}: {fitting}{': ' if found else ''}{', '.join(found)}. Say which with "
            f"--format {', '.join(_FITS)}; other tables of labels go through `import labels FILE`."
        )
    return found[0]
