"""Parquet, through pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlmcsc.adapters.tabular.chunks import Chunk
from mlmcsc.adapters.tabular.formats import told_plainly
from mlmcsc.domain.columns import Column
from mlmcsc.errors import ValidationError


class ParquetReader:
    """Reads one Parquet file."""

    text = False
    json_text = True
    decimal_comma = False

    def __init__(self, path: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for Parquet
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._path = path
        self._arrow: Any = pa
        with told_plainly(path):
            try:
                self._file = pq.ParquetFile(path)
            except pa.ArrowException as error:
                raise self._damaged(error) from None
        self.total = int(self._file.metadata.num_rows)
        self.names: list[str] = list(self._file.schema_arrow.names)

    def _damaged(self, error: Exception) -> ValidationError:
        return ValidationError(f"{self._path}: not a whole Parquet file: {error}.")

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows, at most `size` at a time, numbered from 1.

        Raises:
            ValidationError: When the file is damaged.
        """
        done = 0
        batches = self._file.iter_batches(batch_size=size)
        while True:
            with told_plainly(self._path):
                try:
                    batch = next(batches, None)
                except self._arrow.ArrowException as error:
                    raise self._damaged(error) from None
            if batch is None:
                return
            names = batch.schema.names
            columns = {name: self._values(batch.column(i)) for i, name in enumerate(names)}
            yield Chunk(columns, range(done + 1, done + batch.num_rows + 1))
            done += batch.num_rows

    def _values(self, column: Any) -> Column:
        pa = self._arrow
        kind = column.type
        if pa.types.is_timestamp(kind):  # nanoseconds are beyond Python's datetime
            column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        elif pa.types.is_decimal(kind):
            column = column.cast(pa.float64())
        elif _is_list(pa, kind):
            return _vectors(column)
        if column.null_count == 0 and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            numbers: Column = column.to_numpy(zero_copy_only=False)
            return numbers
        values: Column = column.to_pylist()
        return values


def _is_list(pa: Any, kind: Any) -> bool:
    of_lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(kind) for is_kind in of_lists) and pa.types.is_floating(kind.value_type)


def _vectors(column: Any) -> Column:
    """A matrix where all vectors are equally long and whole; else lists."""
    flat = column.flatten()
    if len(column) and column.null_count == 0 and flat.null_count == 0:
        width, rest = divmod(len(flat), len(column))
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        if rest == 0 and (lengths == width).all():
            matrix: Column = flat.to_numpy(zero_copy_only=False).reshape(len(column), width)
            return matrix
    values: Column = column.to_pylist()
    return values
