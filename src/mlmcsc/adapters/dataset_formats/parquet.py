"""Parquet: the only table format that keeps every type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from mlmcsc.adapters.dataset_formats.tables import Tables

GROUP: Final = 8_192
"""Rows of a row group, and at most in memory."""

_TYPES = {
    "image_id": "int64",
    "width": "int32",
    "height": "int32",
    "label": "float64",
}


class ParquetSheet:
    """Rows in a Parquet file; columns are those of the first row.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def add(self, record: dict[str, Any]) -> None:
        """Write a row."""
        self._rows.append(record)
        if len(self._rows) == GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the footer."""
        if self._rows:
            self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for Parquet
        import pyarrow.parquet as pq  # noqa: PLC0415

        if self._writer is None:
            fields = [
                (name, pa.list_(pa.string()) if name == "annotators" else _type(pa, name))
                for name in self._rows[0]
            ]
            self._writer = pq.ParquetWriter(self.path, pa.schema(fields), compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._rows, self._writer.schema))
        self._rows.clear()


def _type(pa: Any, name: str) -> Any:
    return pa.type_for_alias(_TYPES.get(name, "string"))


class Parquet(Tables):
    """`train.parquet`, `val.parquet`, `test.parquet`."""

    ending = "parquet"
    mime = "application/x-parquet"

    def sheet(self, path: Path) -> ParquetSheet:
        """Begin a table."""
        return ParquetSheet(path)
