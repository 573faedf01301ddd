"""What comes back from a call: frozen records, usable long after it.

Times are aware and in UTC. A record's fields bear the names of the table's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Json = Any
T = TypeVar("T")


class Record:
    """Base of all records."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, for JSON and tables."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # every record is a dataclass


@dataclass(frozen=True, slots=True)
class ImageRecord(Record):
    """One image file and what is known of it."""

    id: int
    path: str
    filename: str
    timestamp: datetime
    created_at: datetime
    updated_at: datetime | None
    width: int | None
    height: int | None
    channels: int | None
    file_size: int | None
    format: str | None
    magnification: float | None
    specimen_id: str | None
    acquisition_settings: Json
    is_valid: bool
    quality_score: float | None
    content_hash: str | None
    hash_algorithm: str | None
    file_mtime_ns: int | None
    bit_depth: int | None
    pages: int | None
    pixel_size_um: float | None
    detector: str | None
    accelerating_voltage_kv: float | None
    instrument: str | None
    storage: str


@dataclass(frozen=True, slots=True)
class SpecimenRecord(Record):
    """One Charpy specimen."""

    id: int
    specimen_id: str
    material: str | None
    heat: str | None
    temperature_c: float | None
    orientation: str | None
    kv_joule: float | None
    le_mm: float | None
    notes: str | None
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class TechnicianRecord(Record):
    """One person who labels."""

    id: int
    technician_id: str
    name: str
    email: str | None
    department: str | None
    experience_level: str | None
    created_at: datetime
    last_active: datetime | None
    is_active: bool
    total_labels: int
    accuracy_score: float | None


@dataclass(frozen=True, slots=True)
class ModelVersionRecord(Record):
    """One trained model."""

    id: int
    version: str
    name: str
    description: str | None
    model_path: str
    config_path: str | None
    created_at: datetime
    created_by: str | None
    is_active: bool
    training_accuracy: float | None
    validation_accuracy: float | None
    test_accuracy: float | None
    training_loss: float | None
    training_data_version: str | None
    training_duration: float | None
    hyperparameters: Json


@dataclass(frozen=True, slots=True)
class PredictionRecord(Record):
    """One model's answer for one image."""

    id: int
    image_id: int
    model_version_id: int
    prediction: float
    confidence: float
    detection_bbox: Json
    detection_confidence: float | None
    detection_class: str | None
    processing_time: float | None
    timestamp: datetime
    raw_output: Json
    preprocessing_params: Json


@dataclass(frozen=True, slots=True)
class LabelRecord(Record):
    """One person's current measurement of one image."""

    id: int
    image_id: int
    technician_id: int
    label: float
    label_type: str
    original_prediction: float | None
    original_confidence: float | None
    model_version_used: str | None
    timestamp: datetime
    time_spent: float | None
    difficulty_rating: int | None
    notes: str | None
    is_verified: bool
    verified_by: str | None
    verification_timestamp: datetime | None
    annotation_data: Json
    revision: int


@dataclass(frozen=True, slots=True)
class LabelRevisionRecord(Record):
    """An earlier state of a label, kept when it was corrected."""

    id: int
    label_id: int
    revision: int
    label: float
    label_type: str
    notes: str | None
    difficulty_rating: int | None
    annotation_data: Json
    is_verified: bool
    verified_by: str | None
    replaced_at: datetime
    replaced_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeatureRecord(Record):
    """One feature vector: `vector` is read-only, shape `(feature_dimension,)`, as stored."""

    id: int
    image_id: int
    feature_type: str
    extractor_version: str
    extraction_timestamp: datetime
    feature_dimension: int
    dtype: str
    extraction_time: float | None
    preprocessing_params: Json
    vector: NDArray[Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values; the vector as a list."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"vector": self.vector.tolist()}


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
