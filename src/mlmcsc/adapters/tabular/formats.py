"""Which format a file has, and its bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, cast, get_args

from mlmcsc.errors import ValidationError

Format = Literal["csv", "jsonl", "parquet"]
Compression = Literal["gz", "zst", ""]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSED: dict[str, Compression] = {".gz": "gz", ".zst": "zst"}


def format_of(path: Path, asked: str | None = None) -> Format:
    """The format of a file, as asked for or by its suffix.

    Raises:
        ValidationError: When neither says.
    """
    if asked is not None:
        if asked not in get_args(Format):
            raise ValidationError(
                f"format={asked!r}: must be one of {', '.join(get_args(Format))}."
            )
        return cast("Format", asked)
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    found = SUFFIXES.get(name.suffix.lower())
    if found is None:
        raise ValidationError(
            f"{path}: the suffix does not tell the format. Name the file .csv, .jsonl or .parquet "
            "(.csv.gz, .jsonl.zst … for a compressed one), or pass format='csv'."
        )
    return found


def compression_of(path: Path) -> Compression:
    """How the file is packed, by its suffix."""
    return COMPRESSED.get(path.suffix.lower(), "")


def open_packed(path: Path, compression: Compression, mode: Literal["rb", "wb"]) -> IO[bytes]:
    """A file of bytes, unpacked while reading or packed while writing."""
    if compression == "gz":
        return cast("IO[bytes]", gzip.GzipFile(path, mode, mtime=0))
    if compression == "zst":
        return _open_zstandard(path, mode)
    return path.open(mode)


def _open_zstandard(path: Path, mode: Literal["rb", "wb"]) -> IO[bytes]:
    """Through Arrow: unlike zstandard's own reader, it notices a file that is cut off."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for packed files

    if mode == "wb":
        return cast("IO[bytes]", pa.CompressedOutputStream(str(path), "zstd"))
    unpacked: Any = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return cast("IO[bytes]", io.BufferedReader(unpacked, 1 << 16))


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what reading can raise into one clear error.

    Raises:
        ValidationError: When the file cannot be read; the message says why.
    """
    try:
        yield
    except FileNotFoundError:
        raise ValidationError(f"{path}: there is no such file. Check the path.") from None
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise ValidationError(
                f"{path}: begins as UTF-16 text, but is damaged or cut off: {error.reason}. Save "
                "it again, best as 'CSV UTF-8'."
            ) from None
        raise ValidationError(
            f"{path}: not UTF-8 text (byte {error.object[error.start]:#04x}). Save it as "
            "'CSV UTF-8', or convert it with iconv -f LATIN1 -t UTF-8."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise ValidationError(f"{path}: cannot be read: {error}.") from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with told_plainly(path), path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
