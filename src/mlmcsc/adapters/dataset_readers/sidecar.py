"""`metadata.csv`, `.jsonl` or `.parquet`: values of images beside the images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.tabular import format_of, open_reader
from mlmcsc.domain.results import Rejection
from mlmcsc.errors import ValidationError

NAMES: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE_NAME: Final = "file_name"
CHUNK: Final = 10_000
MOST_BYTES: Final = 2_000_000_000
"""Of a metadata file: its rows are held in memory."""


def sidecars(folder: Path) -> list[Path]:
    """The metadata files in a folder, at any depth; links to folders are not followed.

    Raises:
        ValidationError: Two in one folder: which one holds is not to be guessed.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        here = [name for name in NAMES if name in names]
        if len(here) > 1:
            raise ValidationError(f"{parent}: has {' and '.join(here)}. Leave the one that holds.")
        found += [Path(parent, name) for name in here]
    return found


def read(
    path: Path, problems: list[Rejection], names: str = FILE_NAME
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Line and values of each row; rows that cannot be read go to `problems`.

    Args:
        path: The file; see `places.inside`.
        problems: Takes the others.
        names: The column that names each row's image.

    Raises:
        ValidationError: The file cannot be read, or has no such column.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValidationError(
            f"{path}: has {size:,} bytes; at most {MOST_BYTES:,} are read. Split the dataset."
        )
    reader = open_reader(path, format_of(path))
    if reader.names is not None and names not in reader.names:
        raise ValidationError(
            f"{path}: has no column {names!r}, which names each row's image; its columns are "
            f"{', '.join(reader.names)}."
        )
    for chunk in reader.chunks(CHUNK):
        problems += [
            Rejection(f"{path.name} line {broken.line}", broken.reason) for broken in chunk.broken
        ]
        for index, line in enumerate(chunk.lines):
            yield f"{path.name} line {line}", _plain(chunk.row(index))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with JSON text, as CSV and Parquet have it, read."""
    return {name: _read(value) for name, value in row.items() if value is not None}


def _read(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value.item() if hasattr(value, "item") else value
