"""What comes back from a call that did something: pages, counts, reports, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.backups.drills import BackupStanding
from mlmcsc.domain.records import Record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Record, Sequence[T], Generic[T]):
    """Some records of a listing; ask again with `after_id=page.next_after_id` for more.

    Attributes:
        items: The records, ascending by id.
        next_after_id: Where the next page begins, or None at the end.
    """

    items: tuple[T, ...]
    next_after_id: int | None = None

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class Rejection(Record):
    """One row or file that was not stored, and why."""

    where: str
    reason: str
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BulkResult(Record):
    """What a bulk call did.

    Attributes:
        table: Where the rows went.
        stored: Number of rows written.
        ids: Their ids, ascending, in input order (int64, read-only).
        rejected: Rows that were refused; their order is the input's.
        unchanged: Rows that were there already, word for word.
    """

    table: str
    stored: int
    ids: NDArray[np.int64] = field(repr=False)
    rejected: tuple[Rejection, ...] = ()
    unchanged: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, with the id range instead of every id."""
        return {
            "table": self.table,
            "stored": self.stored,
            "unchanged": self.unchanged,
            "first_id": int(self.ids[0]) if len(self.ids) else None,
            "last_id": int(self.ids[-1]) if len(self.ids) else None,
            "rejected": [r.to_dict() for r in self.rejected],
        }


@dataclass(frozen=True, slots=True)
class StoredImage(Record):
    """What became of one file.

    Attributes:
        id: The image.
        path: The path that was given, absolute.
        created: False when the content was known already.
        duplicate_of: The stored path of the same content, when it lies elsewhere.
        near_duplicate_of: An earlier image that looks the same, if any.
        conflicts: Typed-in values that the file's own metadata contradicts.
    """

    id: int
    path: str
    created: bool
    duplicate_of: str | None = None
    near_duplicate_of: int | None = None
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport(Record):
    """What a bulk ingest did.

    Attributes:
        stored: Files stored as new images.
        unchanged: Files that were stored before and have not changed.
        duplicates: Files whose content is stored under another path.
        near_duplicates: New images that look like an earlier one.
        conflicts: Typed-in values that a file's own metadata contradicts.
        errors: Files that could not be read, and why.
        ignored: Files of a folder that are no images by their suffix.
        bytes_read: Bytes hashed.
        seconds: Wall time.
        image_ids: Ids for every file that is in the database now, in input order.
    """

    stored: int
    unchanged: int
    duplicates: tuple[StoredImage, ...]
    near_duplicates: tuple[StoredImage, ...]
    conflicts: tuple[Rejection, ...]
    errors: tuple[Rejection, ...]
    ignored: int
    bytes_read: int
    seconds: float
    image_ids: tuple[int, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class HealthCheck(Record):
    """One thing looked at.

    Attributes:
        name: What.
        status: `ok`, `warning` or `error`.
        message: What was found and, unless ok, what to do.
    """

    name: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class SystemHealth(Record):
    """The state of the database at a glance; also readable as `health["status"]`.

    Attributes:
        status: `healthy`, `degraded` (works, needs care) or `failing`.
        database: Product, version and journal mode.
        url: Where, without password.
        schema_revision: Alembic revision.
        label_range: Lowest and highest label.
        database_bytes: Size on disk, write-ahead log included.
        wal_bytes: Write-ahead log alone.
        disk_free_bytes: Room left beside the database, None for a server.
        tables: Rows per table.
        coverage: Labelled images, verified labels, invalid images.
        active_model: Version name, if one is active.
        backup: Last good backup, last drill, RTO and RPO; None for a database in memory.
        checks: What was looked at.
    """

    status: str
    database: str
    url: str
    schema_revision: str
    label_range: tuple[float, float]
    database_bytes: int
    wal_bytes: int
    disk_free_bytes: int | None
    tables: dict[str, int]
    coverage: dict[str, int]
    active_model: str | None
    backup: BackupStanding | None
    checks: tuple[HealthCheck, ...]

    def __getitem__(self, name: str) -> Any:
        """A field by its name."""
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """Something that `database validate` found.

    Attributes:
        check: Which check.
        table: Where.
        ids: Rows concerned, the first hundred.
        count: Rows concerned.
        message: What is wrong and what to do.
        repair: What `--fix` would do, or None where only a person can decide.
    """

    check: str
    table: str
    ids: tuple[int, ...]
    count: int
    message: str
    repair: str | None = None


@dataclass(frozen=True, slots=True)
class Repair(Record):
    """What `database validate --fix` did, or with `dry_run` would do, about one finding.

    Attributes:
        check: Which check found it.
        table: Where.
        ids: Rows mended, the first hundred.
        count: Rows (or derived files) mended.
        left: Rows that were looked at and left alone, because mending them would not be safe.
        message: What was done and, where something is left, why.
        done: False for a dry run.
    """

    check: str
    table: str
    ids: tuple[int, ...]
    count: int
    left: int
    message: str
    done: bool
