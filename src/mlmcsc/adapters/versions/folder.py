"""The folder in which the rows and manifests of versions lie."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.shredding import shred
from mlmcsc.adapters.versions import journal, replaced
from mlmcsc.adapters.versions.merging import merged
from mlmcsc.adapters.versions.ownership import claim
from mlmcsc.adapters.versions.schema import KEYS, ROWS, row_schema
from mlmcsc.adapters.versions.sound import refuse_unsound
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    MlmcscError,
    StoreError,
    UnsupportedError,
)

LOCK = ".lock"
WAIT_SECONDS = 600.0
REPAIR = "Restore the folder of versions from a backup."
_OBJECT = re.compile(r"([0-9a-f]{64})\.parquet")
_MANIFEST = re.compile(r"\d{1,18}-[0-9a-f]{16}\.json")
MANIFEST_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
_PARTS = ("rows", "manifests", journal.FOLDER, replaced.FOLDER)


class VersionFolder:
    """Where a database's versions lie: `rows/SHA256.parquet` and `manifests/ID-ROOT.json`.

    Args:
        root: The folder; None for a database in memory, or a server whose settings name none.
        owner: Which database may write there, among copies with the same id; None for the place
            beside an SQLite file, which no other has.
    """

    def __init__(self, root: Path | None, owner: str | None = None) -> None:
        self._root = root
        self._owner = owner
        self._journal: journal.Journal | None = None

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
            ConflictError: Another process has been at work for ten minutes, or the folder belongs
                to another copy of the database.
            StoreError: The folder cannot be made, or its disk fails meanwhile.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

        # Beside an SQLite file it is as private as that; who configures a folder decides.
        mode = 0o700 if self._owner is None else 0o777
        try:
            for part in (self.root, *(self.root / name for name in _PARTS)):
                part.mkdir(mode=mode, parents=True, exist_ok=True)
            lock = FileLock(self.root / LOCK, timeout=WAIT_SECONDS)
            lock.acquire()
        except Timeout:
            raise ConflictError(
                f"Another process is changing versions in {self.root}. Wait until it is done."
            ) from None
        except OSError as error:
            raise _unusable(self.root, error) from error
        try:
            if self._owner is not None:
                claim(self.root, self._owner)
            self._journal = journal.Journal(self.root)
            yield
            self._journal.end()  # not after a failure: the next run looks at what it left
        except MlmcscError:
            raise  # some are OSErrors, too
        except OSError as error:
            raise _unusable(self.root, error) from error
        finally:
            self._journal = None
            lock.release()

    def _note(self, path: Path) -> None:
        """Say that a file comes to its place, so that it can be removed if no version does."""
        if self._journal is not None:
            self._journal.note(str(path.relative_to(self.root)))

    def place(self, sha256: str) -> Path:
        """The file of a layer."""
        return self.root / "rows" / f"{sha256}.parquet"

    def write(self, batches: Iterable[Any], group: int = ROWS) -> Layer:
        """Write rows durably under the hash of their file; the same file is written once.

        Args:
            batches: `pyarrow.RecordBatch`es of `row_schema`, ascending by image id; each becomes
                a row group.
            group: Most rows of a row group; `PATCH_ROWS` for a layer that lies above others.

        Raises:
            StoreError: The file cannot be written; nothing of it stays.
        """
        draft = self.root / "rows" / f".{uuid.uuid4().hex}.partial"
        try:
            n_rows = _write(draft, batches, group)
            with draft.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            size = draft.stat().st_size
            if not self.place(sha256).exists():
                self._note(self.place(sha256))
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
            IntegrityError: A file is missing or cannot be read, or holds what mlmcsc never writes.
        """
        wanted = _wanted(columns)
        streams = [self._stream(each, wanted, base=at == 0) for at, each in enumerate(layers)]
        yield from merged(streams, _schema_of(wanted))

    def read(self, layers: Sequence[Layer], columns: Sequence[str] | None = None) -> Any:
        """A version's rows by image id, as one `pyarrow.Table`; see `rows`."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        return pa.Table.from_batches(self.rows(layers, columns), _schema_of(_wanted(columns)))

    def layer(self, layer: Layer, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """The rows of one layer as they are stored, GONE ones included; columns as for `rows`."""
        yield from self._stream(layer, _wanted(columns), base=False)

    def _stream(self, layer: Layer, columns: Sequence[str], *, base: bool) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
        import pyarrow.parquet as pq  # noqa: PLC0415

        path = self.place(layer.sha256)
        try:
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.equals(row_schema()):
                    raise IntegrityError(f"{path} is not a file of a version's rows. {REPAIR}")
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group, columns=list(columns)).combine_chunks()
                    for batch in rows.to_batches(max_chunksize=ROWS):
                        refuse_unsound(batch, base=base)
                        yield batch
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

    def is_whole(self, layer: Layer) -> bool:
        """Whether the layer's file is there, with its size."""
        try:
            return self.place(layer.sha256).stat().st_size == layer.n_bytes
        except OSError:
            return False

    def manifest_path(self, version_id: int, root: str) -> Path:
        """The file of a version's manifest.

        Args:
            version_id: Its id, which a restored or copied database may give to another version.
            root: Its Merkle root, hex.
        """
        return self.root / "manifests" / f"{version_id}-{root[:16]}.json"

    def write_manifest(self, version_id: int, document: Any) -> tuple[str, int]:
        """Keep what the database says of a version beside its rows; SHA-256 (hex) and size.

        Raises:
            StoreError: It cannot be written.
        """
        path = self.manifest_path(version_id, document["root"])
        if not path.exists():
            self._note(path)
        raw = journal.write_json(path, document, MANIFEST_OPTIONS)
        return hashlib.sha256(raw).hexdigest(), len(raw)

    def remove_manifest(self, version_id: int, root: str) -> None:
        """Forget a version that is deleted."""
        self.manifest_path(version_id, root).unlink(missing_ok=True)

    def present(self) -> set[str]:
        """SHA-256 (hex) of the layers that are there."""
        return {found[1] for name in self._names("rows") if (found := _OBJECT.fullmatch(name))}

    def manifests(self) -> set[str]:
        """Names of the manifests that are there."""
        return {name for name in self._names("manifests") if _MANIFEST.fullmatch(name)}

    def remove(self, sha256s: Iterable[str]) -> None:
        """Overwrite and remove layers that no version has any more."""
        for sha256 in sha256s:
            if self.place(sha256).is_file():
                shred(self.place(sha256))
        sync_folder(self.root / "rows")

    def tidy(self) -> None:
        """Remove what processes that died left half-written; call under `locked`."""
        for part in _PARTS:
            for name in self._names(part):
                if name.endswith(".partial"):
                    shred(self.root / part / name)

    def remove_unfinished(self, layers: Collection[str], manifests: Collection[str]) -> None:
        """Remove what unfinished runs brought; call under `locked`.

        Args:
            layers: SHA-256 (hex) of those to keep.
            manifests: Names of those to keep.

        Raises:
            StoreError: It cannot be read what they brought.
        """
        for place, names in journal.noted(self.root).items():
            for name in names:
                part, _, file = name.partition("/")
                if part == "rows" and (found := _OBJECT.fullmatch(file)):
                    self.remove({found[1]} - set(layers))
                elif part == "manifests" and _MANIFEST.fullmatch(file) and file not in manifests:
                    (self.root / part / file).unlink(missing_ok=True)
            place.unlink()
        if self._journal is not None:
            self._journal.end()

    def _names(self, part: str) -> list[str]:
        folder = self._root and self._root / part
        try:
            return [each.name for each in os.scandir(folder)] if folder and folder.is_dir() else []
        except OSError as error:
            raise _unusable(folder, error) from error


def _unusable(folder: object, error: OSError) -> StoreError:
    return StoreError(
        f"Cannot use {error.filename or folder}: {error.strerror or error}. Check the disk and "
        "permissions, then try again."
    )


def manifest_bytes(document: Any) -> bytes:
    """A manifest as its file holds it."""
    return orjson.dumps(document, option=MANIFEST_OPTIONS)


def _wanted(columns: Sequence[str] | None) -> list[str]:
    return [n for n in row_schema().names if columns is None or n in columns or n in KEYS]


def _schema_of(columns: Sequence[str]) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    return pa.schema([row_schema().field(name) for name in columns])


def _write(draft: Path, batches: Iterable[Any], group: int) -> int:
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
                writer.write_batch(batch, row_group_size=group)
                n_rows += batch.num_rows
        out.flush()
        os.fsync(out.fileno())
    return n_rows
