"""Opening an input file by its format."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.adapters.tabular.chunks import Reader
from mlmcsc.adapters.tabular.csv_reader import CsvReader
from mlmcsc.adapters.tabular.formats import Format
from mlmcsc.adapters.tabular.jsonl_reader import JsonlReader
from mlmcsc.adapters.tabular.parquet_reader import ParquetReader


def open_reader(path: Path, kind: Format, delimiter: str | None = None) -> Reader:
    """A reader of the file.

    Args:
        path: The file; `.gz` and `.zst` are unpacked.
        kind: Its format.
        delimiter: What separates CSV cells; told from the header when left out.

    Raises:
        ValidationError: When the file cannot be read, or has no usable header.
    """
    if kind == "csv":
        return CsvReader(path, delimiter)
    return JsonlReader(path) if kind == "jsonl" else ParquetReader(path)
