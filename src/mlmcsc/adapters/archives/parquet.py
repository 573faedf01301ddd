"""Rows in Parquet, exactly as they were: written in row groups, read back group by group."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlmcsc.domain.archives import ArchiveFile, Columns, RowsDigest
from mlmcsc.errors import IntegrityError, StoreError

Rows = Sequence[Sequence[Any]]


def write_rows(path: Path, table: str, columns: Columns, chunks: Iterable[Rows]) -> ArchiveFile:
    """Write rows durably, one row group (zstd) for each chunk, and say what was written.

    Args:
        path: The file, which must not exist.
        table: The table that the rows are of.
        columns: Name and kind of each column; JSON comes as text, vectors as raw bytes.
        chunks: The rows, by id.

    Raises:
        IntegrityError: A value is not of its column's kind, as raw SQL may leave it.
        StoreError: The file cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for archives
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = _schema(columns)
    digest = RowsDigest()
    try:
        with path.open("xb") as out:
            with pq.ParquetWriter(out, schema, compression="zstd") as writer:
                for rows in chunks:
                    values = zip(*rows, strict=True)
                    arrays = [pa.array(v, f.type) for v, f in zip(values, schema, strict=True)]
                    writer.write_batch(pa.record_batch(arrays, schema=schema))
                    digest.update(rows)
            out.flush()
            os.fsync(out.fileno())
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise IntegrityError(
            f"A row of {table} has a value that is not of its column's kind "
            f"({type(error).__name__}). Run database validate, and mend it."
        ) from None
    except OSError as error:
        raise StoreError(
            f"Cannot write {path}: {error.strerror or error}. Check free space and permissions."
        ) from error
    size, sha256 = path.stat().st_size, file_sha256(path)
    return ArchiveFile(table, dict(columns), digest.n_rows, size, sha256, digest.hexdigest())


def read_rows(path: Path, columns: Columns) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a file, a row group at a time.

    Raises:
        IntegrityError: The file is not one that `write_rows` made with these columns.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  # heavy: loads only for archives

    with _readable(path), pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(_schema(columns)):
            raise IntegrityError(f"{path} has other columns than its manifest says. {REPAIR}")
        for group in range(file.num_row_groups):
            found = file.read_row_group(group)
            yield list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def find_rows(path: Path, columns: Columns, **equal: int) -> list[dict[str, Any]]:
    """The rows whose columns have these values; row groups that cannot hold one are passed over.

    Raises:
        IntegrityError: The file cannot be read.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  # heavy: loads only for archives

    wanted = [(name, "=", value) for name, value in equal.items()]
    with _readable(path):
        found = pq.read_table(path, columns=list(columns), filters=wanted, partitioning=None)
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows


def verify_rows(path: Path, file: ArchiveFile) -> None:
    """Decode every row group, and compare the rows with what the manifest says.

    Raises:
        IntegrityError: They differ.
    """
    digest = RowsDigest()
    for rows in read_rows(path, file.columns):
        digest.update(rows)
    if (digest.n_rows, digest.hexdigest()) != (file.n_rows, file.rows_sha256):
        raise IntegrityError(
            f"{path} holds {digest.n_rows} rows that are not the {file.n_rows} of its manifest. "
            f"{REPAIR}"
        )


REPAIR = "Put the archive's folder back from a copy."


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for archives

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IntegrityError(
            f"{path} cannot be read as Parquet ({type(error).__name__}). {REPAIR}"
        ) from None


def _schema(columns: Columns) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for archives

    types = {
        "integer": pa.int64(),
        "real": pa.float64(),
        "text": pa.string(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", "UTC"),
        "json": pa.string(),
        "binary": pa.binary(),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])
