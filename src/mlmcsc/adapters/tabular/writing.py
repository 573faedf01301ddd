"""Writing a table: rows of Python values in, CSV, JSON Lines or Parquet out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mlmcsc.adapters.tabular.csv_cells import neutral
from mlmcsc.adapters.tabular.formats import Compression, Format, open_packed
from mlmcsc.domain.fields import Kind

Rows = Sequence[Sequence[Any]]
Kinds = Mapping[str, Kind]


def write_table(
    path: Path,
    kind: Format,
    compression: Compression,
    columns: Kinds,
    chunks: Iterable[Rows],
    *,
    wide_vectors: bool = False,
) -> int:
    """Write the rows, chunk by chunk, and return how many there were.

    Times are written with their zone, JSON columns as JSON text (in JSON Lines as they are),
    vectors as JSON arrays (Parquet: lists of numbers), missing values as empty cells or null.

    Args:
        path: Where to; an existing file is overwritten.
        kind: Format.
        compression: How CSV and JSON Lines are packed.
        columns: Name and kind of each column, in the rows' order.
        chunks: The rows.
        wide_vectors: Parquet: vectors as float64 instead of float32.
    """
    if kind == "csv":
        return _write_csv(path, compression, columns, chunks)
    if kind == "jsonl":
        return _write_jsonl(path, compression, columns, chunks)
    return _write_parquet(path, columns, chunks, wide_vectors=wide_vectors)


def json_text(value: Any) -> str:
    """A JSON column's value as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _vector_text(vector: Any) -> str:
    # orjson writes a float32 with the fewest digits that read back as the same float32.
    numbers = np.ascontiguousarray(vector, dtype=vector.dtype.newbyteorder("="))
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()


_CELLS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: neutral,
    Kind.FLAG: lambda value: "true" if value else "false",
    Kind.JSON: lambda value: neutral(json_text(value)),
    Kind.TIMESTAMP: datetime.isoformat,
    Kind.VECTOR: _vector_text,
}


def _write_csv(path: Path, compression: Compression, columns: Kinds, chunks: Iterable[Rows]) -> int:
    count = 0
    with (
        open_packed(path, compression, "wb") as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as handle,
    ):
        writer = csv.writer(handle)
        writer.writerow(columns)
        for rows in chunks:
            cells = [
                _convert(values, _CELLS.get(kind))
                for values, kind in zip(zip(*rows, strict=True), columns.values(), strict=True)
            ]
            writer.writerows(zip(*cells, strict=True))
            count += len(rows)
    return count


def _convert(values: Iterable[Any], convert: Callable[[Any], Any] | None) -> Iterable[Any]:
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def _write_jsonl(
    path: Path, compression: Compression, columns: Kinds, chunks: Iterable[Rows]
) -> int:
    count = 0
    names = list(columns)
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    with open_packed(path, compression, "wb") as packed:
        for rows in chunks:
            for row in rows:
                values = dict(zip(names, row, strict=True))
                packed.write(orjson.dumps(values, option=option, default=_json_default))
            count += len(rows)
    return count


def _json_default(value: Any) -> Any:
    """A half-precision or byte-swapped vector, which orjson does not know."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _write_parquet(
    path: Path, columns: Kinds, chunks: Iterable[Rows], *, wide_vectors: bool
) -> int:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for Parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    types: dict[Kind, Any] = {
        Kind.REAL: pa.float64(),
        Kind.INTEGER: pa.int64(),
        Kind.FLAG: pa.bool_(),
        Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
        Kind.VECTOR: pa.list_(pa.float64() if wide_vectors else pa.float32()),
    }
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.items()])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in chunks:
            arrays = [
                pa.array(_arrow_values(values, kind), type=field.type)
                for values, kind, field in zip(
                    zip(*rows, strict=True), columns.values(), schema, strict=True
                )
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(rows)
    return count


def _arrow_values(values: Iterable[Any], kind: Kind) -> Iterable[Any]:
    if kind is Kind.VECTOR:
        return [v if v is None else v.astype(v.dtype.newbyteorder("=")) for v in values]
    return _convert(values, json_text if kind in {Kind.JSON, Kind.BOX} else None)
