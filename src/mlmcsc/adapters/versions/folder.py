"""The folder in which the rows and manifests of versions lie."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.shredding import shred
from mlmcsc.adapters.versions.merging import merged
from mlmcsc.adapters.versions.schema import KEYS, ROWS, row_schema
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.errors import ConflictError, IntegrityError, StoreError, UnsupportedError

LOCK = ".lock"
WAIT_SECONDS = 600.0
REPAIR = "Restore the folder of versions from a backup."
_OBJECT = re.compile(r"([0-9a-f]{64})\.parquet")
_MANIFEST = re.compile(r"(\d{1,18})\.json")


class VersionFolder:
    """Where a database's versions lie: `rows/SHA256.parquet` and `manifests/ID.json`.

    Args:
        root: The folder; None for a database in memory, or a server whose settings name none.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """The folder.

        Raises:
            UnsupportedError: There is none.
        """
        if self._root is None:
            raise UnsupportedError(
                "This database has no file to keep versions beside. Set versioning.directory to "
                "an absolute path that every computer sees."
            )
        return self._root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One who makes, redacts or deletes versions at a time, across processes.

        Raises:
            ConflictError: Another process has been at work for ten minutes.
            StoreError: The folder cannot be made.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

        try:
            for part in (self.root, self.root / "rows", self.root / "manifests"):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.root / LOCK, timeout=WAIT_SECONDS)
            lock.acquire()
        except Timeout:
            raise ConflictError(
                f"Another process is changing versions in {self.root}. Wait until it is done."
            ) from None
        except OSError as error:
            raise StoreError(f"Cannot use {self.root}: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()

    def place(self, sha256: str) -> Path:
        """The file of a layer."""
        return self.root / "rows" / f"{sha256}.parquet"

    def write(self, batches: Iterable[Any]) -> Layer:
        """Write rows durably under the hash of their file; the same file is written once.

        Args:
            batches: `pyarrow.RecordBatch`es of `row_schema`, ascending by image id; each becomes
                a row group.

        Raises:
            StoreError: The file cannot be written; nothing of it stays.
        """
        draft = self.root / "rows" / f".{uuid.uuid4().hex}.partial"
        try:
            n_rows = _write(draft, batches)
            with draft.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            size = draft.stat().st_size
            draft.replace(self.place(sha256))
            sync_folder(draft.parent)
        except OSError as error:
            raise StoreError(
                f"Cannot write {draft.parent}: {error.strerror or error}. Check free space and "
                "permissions."
            ) from error
        finally:
            draft.unlink(missing_ok=True)
        return Layer(sha256, n_rows, size)

    def rows(self, layers: Sequence[Layer], columns: Sequence[str] | None = None) -> Iterator[Any]:
        """A version's rows by image id, as they are read.

        Args:
            layers: Base first.
            columns: Only these, besides `image_id` and `state`; None: all.

        Yields:
            `pyarrow.RecordBatch`es of at most `ROWS` rows, in the order of `row_schema`.

        Raises:
            IntegrityError: A file is missing or cannot be read.
        """
        wanted = [n for n in row_schema().names if columns is None or n in columns or n in KEYS]
        base, *rest = layers
        above = [self._table(layer, wanted) for layer in rest]
        yield from merged(self._stream(base, wanted), above)

    def read(self, layers: Sequence[Layer], columns: Sequence[str] | None = None) -> Any:
        """A version's rows by image id, as one `pyarrow.Table`; see `rows`."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        wanted = [n for n in row_schema().names if columns is None or n in columns or n in KEYS]
        schema = pa.schema([row_schema().field(name) for name in wanted])
        return pa.Table.from_batches(self.rows(layers, columns), schema)

    def layer(self, layer: Layer) -> Iterator[Any]:
        """The rows of one layer as they are stored, GONE ones included."""
        yield from self._stream(layer, row_schema().names)

    def _table(self, layer: Layer, columns: Sequence[str]) -> Any:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        schema = pa.schema([row_schema().field(name) for name in columns])
        return pa.Table.from_batches(self._stream(layer, columns), schema)

    def _stream(self, layer: Layer, columns: Sequence[str]) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
        import pyarrow.parquet as pq  # noqa: PLC0415

        path = self.place(layer.sha256)
        try:
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.equals(row_schema()):
                    raise IntegrityError(f"{path} is not a file of a version's rows. {REPAIR}")
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group, columns=list(columns)).combine_chunks()
                    yield from rows.to_batches(max_chunksize=ROWS)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise IntegrityError(
                f"{path} cannot be read as Parquet ({type(error).__name__}). {REPAIR}"
            ) from None

    def check(self, layer: Layer) -> None:
        """Read a layer's file again.

        Raises:
            IntegrityError: It is missing, or not what was written.
        """
        path = self.place(layer.sha256)
        try:
            with path.open("rb") as data:
                found = hashlib.file_digest(data, "sha256").hexdigest()
        except OSError as error:
            raise IntegrityError(f"{path}: {error.strerror or error}. {REPAIR}") from None
        if found != layer.sha256:
            raise IntegrityError(f"{path} was changed or cut short. {REPAIR}")

    def manifest_path(self, version_id: int) -> Path:
        """The file of a version's manifest."""
        return self.root / "manifests" / f"{version_id}.json"

    def write_manifest(self, version_id: int, document: Any) -> tuple[str, int]:
        """Keep what the database says of a version beside its rows; SHA-256 (hex) and size.

        Raises:
            StoreError: It cannot be written.
        """
        path, raw = self.manifest_path(version_id), manifest_bytes(document)
        draft = path.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            with draft.open("xb") as out:
                out.write(raw)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
        finally:
            draft.unlink(missing_ok=True)
        return hashlib.sha256(raw).hexdigest(), len(raw)

    def remove_manifest(self, version_id: int) -> None:
        """Forget a version that is deleted."""
        self.manifest_path(version_id).unlink(missing_ok=True)

    def present(self) -> set[str]:
        """SHA-256 (hex) of the layers that are there."""
        return {found[1] for name in self._names("rows") if (found := _OBJECT.fullmatch(name))}

    def manifests(self) -> set[int]:
        """Ids of the versions whose manifest is there."""
        names = self._names("manifests")
        return {int(found[1]) for name in names if (found := _MANIFEST.fullmatch(name))}

    def remove(self, sha256s: Iterable[str]) -> None:
        """Overwrite and remove layers that no version has any more."""
        for sha256 in sha256s:
            if self.place(sha256).is_file():
                shred(self.place(sha256))
        sync_folder(self.root / "rows")

    def tidy(self) -> None:
        """Remove what processes that died left half-written; call under `locked`."""
        for part in ("rows", "manifests"):
            for name in self._names(part):
                if name.endswith(".partial"):
                    shred(self.root / part / name)

    def _names(self, part: str) -> list[str]:
        folder = self._root and self._root / part
        return [entry.name for entry in os.scandir(folder)] if folder and folder.is_dir() else []


def manifest_bytes(document: Any) -> bytes:
    """A manifest as its file holds it."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _write(draft: Path, batches: Iterable[Any]) -> int:
    import pyarrow.parquet as pq  # noqa: PLC0415  # heavy: loads only for versions

    n_rows = 0
    # Ids and hashes do not repeat; a dictionary of them would only be built and thrown away.
    repeating = ["specimen_id", "split", "state"]
    with draft.open("xb") as out:
        with pq.ParquetWriter(
            out,
            row_schema(),
            compression="zstd",
            compression_level=1,
            use_dictionary=repeating,
            write_statistics=["image_id"],
        ) as writer:
            for batch in batches:
                writer.write_batch(batch, row_group_size=ROWS)
                n_rows += batch.num_rows
        out.flush()
        os.fsync(out.fileno())
    return n_rows
