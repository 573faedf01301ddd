"""CSV, in which no cell is a formula to a spreadsheet program."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mlmcsc.adapters.dataset_formats.tables import Tables
from mlmcsc.adapters.tabular import neutral


class CsvSheet:
    """Rows in a CSV file, UTF-8, with a heading; annotators are parted by blanks.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._out = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._out)
        self._begun = False

    def add(self, record: dict[str, Any]) -> None:
        """Write a row."""
        if not self._begun:
            self._writer.writerow(record)
            self._begun = True
        self._writer.writerow([_cell(value) for value in record.values()])

    def close(self) -> None:
        """Write what is left."""
        self._out.close()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(value)
    return neutral(value) if isinstance(value, str) else value


class Csv(Tables):
    """`train.csv`, `val.csv`, `test.csv`."""

    ending = "csv"
    mime = "text/csv"

    def sheet(self, path: Path) -> CsvSheet:
        """Begin a table."""
        return CsvSheet(path)
