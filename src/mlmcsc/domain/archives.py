"""Archives: rows that left the live database for signed Parquet files, and what is told of them.

A manifest is signed over `mlmcsc-archive-1`, a line feed, and its compact JSON with sorted keys
(UTF-8, no ASCII escaping), without the member `signature`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError, ValidationError

FORMAT = "mlmcsc-archive-1"
TIMES = {
    "predictions": "timestamp",
    "features": "extraction_timestamp",
    "system_metrics": "timestamp",
    "labels": "timestamp",
}
"""The tables that can be archived, and the column that says how old a row is."""
REVISIONS = "label_revisions"
"""What goes into the archive with its labels."""

_PATH = re.compile(rf"({'|'.join(TIMES)})-\d{{8}}T\d{{6}}Z-[0-9a-f]{{6}}(\.\d{{1,9}})?")

_SORTED = orjson.OPT_SORT_KEYS

Kind = Literal["integer", "real", "text", "flag", "time", "json", "binary"]
Columns = Mapping[str, Kind]
Sign = Callable[[bytes], tuple[str, bytes, bytes]]
"""Takes a message; key id, public key and signature."""
Verify = Callable[[bytes, bytes, bytes], bool]
"""Takes public key, signature and message."""


@dataclass(frozen=True, slots=True)
class ArchiveFile(Record):
    """One Parquet file of an archive.

    Attributes:
        table: The table that its rows are of.
        columns: Name and kind of each column, in order.
        n_rows: Number of rows.
        n_bytes: Size of the file.
        sha256: SHA-256 (hex) of the file.
        rows_sha256: SHA-256 (hex) of the rows; see `RowsDigest`.
    """

    table: str
    columns: dict[str, Kind]
    n_rows: int
    n_bytes: int
    sha256: str
    rows_sha256: str

    @property
    def name(self) -> str:
        """The file's name; never taken from a manifest, so that it cannot lead elsewhere."""
        return f"{self.table}.parquet"


@dataclass(frozen=True, slots=True)
class Manifest(Record):
    """What an archive says of itself; times in RFC 3339, UTC."""

    name: str
    version: int
    database_id: str
    schema_revision: str
    table: str
    older_than: str
    created_at: str
    n_rows: int
    first_id: int
    last_id: int
    oldest: str
    newest: str
    files: tuple[ArchiveFile, ...]
    format: str = FORMAT

    @property
    def path(self) -> str:
        """The name of the archive's folder; a rewritten archive has another each time."""
        return self.name if self.version == 1 else f"{self.name}.{self.version}"

    def _document(self) -> dict[str, Any]:
        """As JSON: columns as pairs, because the order of an object's members says nothing."""
        files = [asdict(file) | {"columns": list(file.columns.items())} for file in self.files]
        return asdict(self) | {"files": files}

    def message(self) -> bytes:
        """What is signed."""
        return f"{FORMAT}\n".encode() + orjson.dumps(self._document(), option=_SORTED)

    def signed(self, sign: Sign) -> bytes:
        """The manifest file, with its signature."""
        key_id, public_key, signature = sign(self.message())
        told = {"key_id": key_id, "public_key": public_key.hex(), "signature": signature.hex()}
        document = self._document() | {"signature": told}
        return orjson.dumps(document, option=_SORTED | orjson.OPT_INDENT_2)


def read_manifest(raw: bytes) -> tuple[Manifest, bytes, bytes]:
    """Manifest, public key and signature of a manifest file.

    Raises:
        IntegrityError: It is not one.
    """
    try:
        document = orjson.loads(raw)
        signature = document.pop("signature")
        files = tuple(
            ArchiveFile(**file | {"columns": dict(file["columns"])})
            for file in document.pop("files")
        )
        manifest = Manifest(**document, files=files)
        keys = bytes.fromhex(signature["public_key"]), bytes.fromhex(signature["signature"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(f"not a manifest of an archive ({type(error).__name__})") from None
    tables = [manifest.table, REVISIONS] if manifest.table == "labels" else [manifest.table]
    if manifest.format != FORMAT or [file.table for file in files] != tables:
        raise IntegrityError(f"not a manifest of the format {FORMAT}")
    return manifest, *keys


def check_path(path: str) -> str:
    """A folder's name as this release makes them.

    Raises:
        IntegrityError: It is not one, and could lead anywhere.
    """
    if not _PATH.fullmatch(path):
        raise IntegrityError(
            f"The table archives names the folder {path!r}, which mlmcsc never makes. Correct "
            "archives.path to the folder's own name."
        )
    return path


def check_table(table: str) -> str:
    """A table that can be archived.

    Raises:
        ValidationError: It is not one.
    """
    if table not in TIMES:
        raise ValidationError(f"{table!r} cannot be archived; these can: {', '.join(TIMES)}.")
    return table


class RowsDigest:
    """SHA-256 over rows as one compact JSON array of arrays.

    Times are in RFC 3339, JSON columns are their text, a binary value is the SHA-256 of it in hex:
    the same from the database and from the file, however the rows are cut into chunks.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self._hash = hashlib.sha256(b"[")

    def update(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the next rows."""
        if not rows:
            return
        plain = list(map(list, rows))
        text = orjson.dumps(plain, default=lambda value: hashlib.sha256(value).hexdigest())
        self._hash.update((b"," if self.n_rows else b"") + text[1:-1])
        self.n_rows += len(plain)

    def hexdigest(self) -> str:
        """The digest of all rows so far."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class ArchiveRecord(Record):
    """One row of the table `archives`."""

    id: int
    name: str
    table_name: str
    path: str
    sha256: str
    n_rows: int
    first_id: int
    last_id: int
    oldest: datetime
    newest: datetime
    created_at: datetime
    restored_at: datetime | None
    manifest: Any = field(repr=False)

    @property
    def n_bytes(self) -> int:
        """Size of the Parquet files."""
        return sum(int(file["n_bytes"]) for file in self.manifest["files"])


@dataclass(frozen=True, slots=True)
class ArchivePlan(Record):
    """What an archive would take.

    Attributes:
        table: From where.
        before: Rows older than this.
        n_rows: How many go.
        n_held: How many are as old and stay, because of a legal hold.
        n_revisions: Earlier states of the labels, which go with them.
        first_id: Lowest id, None without rows.
        last_id: Highest id.
        oldest: Time of the oldest row.
        newest: Time of the newest row.
    """

    table: str
    before: datetime
    n_rows: int
    n_held: int
    n_revisions: int = 0
    first_id: int | None = None
    last_id: int | None = None
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class ArchiveReport(Record):
    """What `archive create` did.

    Attributes:
        plan: What was taken.
        archive: The new archive; None where nothing was old enough, and in a dry run.
        cleaned: Folders of interrupted runs that were removed.
        unknown: Folders among the archives that this database knows nothing of; left alone.
        bytes_before: Size of the database before, in bytes; None where it was not compacted.
        bytes_after: Size after.
        not_compacted: Why the database was not made smaller.
    """

    plan: ArchivePlan
    archive: ArchiveRecord | None = None
    cleaned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    bytes_before: int | None = None
    bytes_after: int | None = None
    not_compacted: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveEntry(Record):
    """One archive in a listing.

    Attributes:
        archive: What the database knows of it.
        n_bytes: Size of its Parquet files.
        state: `archived`, `restored`, `missing` or `damaged`.
        verified: Whether signature and every byte were checked.
        problem: What is wrong with it, and the repair.
    """

    archive: ArchiveRecord
    n_bytes: int
    state: Literal["archived", "restored", "missing", "damaged"]
    verified: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FoundRow(Record):
    """An archived row.

    Attributes:
        archive: Name of the archive that it is in.
        table: Its table.
        values: Its columns; a vector as its dtype says, in `features`.
        revisions: A label's earlier states, oldest first.
    """

    archive: str
    table: str
    values: dict[str, Any]
    revisions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreReport(Record):
    """What `archive restore` did, or would do.

    Attributes:
        archive: The archive, as it is now.
        n_rows: Rows brought back.
        n_revisions: Earlier states of labels, brought back with them.
        n_erased: Notes of persons erased since, which came back empty.
    """

    archive: ArchiveRecord
    n_rows: int
    n_revisions: int
    n_erased: int


@dataclass(frozen=True, slots=True)
class ArchiveErasure(Record):
    """What was erased of a person in the archives.

    Attributes:
        searched: Archives that were looked through.
        rewritten: Names of those that had to be written anew.
        n_changed: Rows whose personal columns were erased or replaced.
        n_removed: Rows removed, earlier states of labels included.
        n_held: Labels that stay, without personal data, because their specimen is held.
        unknown: Folders that this database knows nothing of, and that were not searched.
        counts: Rows concerned of each place `table.column`.
        n_unread: Notes that nobody can open, as their key is lost; they were not searched.
    """

    searched: int
    rewritten: tuple[str, ...]
    n_changed: int
    n_removed: int
    n_held: int
    unknown: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    n_unread: int = 0
