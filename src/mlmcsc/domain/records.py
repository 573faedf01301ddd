"""What comes back from a call: frozen records, usable long after it.

Times are aware and in UTC. A record's fields bear the names of the table's columns.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

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
    sfa_percent: float | None
    sfa_method: str | None
    sfa_details: Json


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
    accuracy_labels: int | None
    accuracy_scored_at: datetime | None


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
class DataVersionRecord(Record):
    """One frozen dataset; `root`, `manifest` and `layers` are None where raw SQL wrote the row."""

    id: int
    version: str
    name: str
    description: str | None
    created_at: datetime
    created_by: str | None
    total_images: int | None
    total_labels: int | None
    train_split: float | None
    val_split: float | None
    test_split: float | None
    avg_quality_score: float | None
    label_distribution: Json
    backup_path: str | None
    backup_size: int | None
    backup_checksum: str | None
    root: str | None
    manifest: Json = field(repr=False)
    layers: Json = field(repr=False)
    n_redacted: int

    @property
    def frozen(self) -> bool:
        """Whether its rows were kept."""
        return self.root is not None


@dataclass(frozen=True, slots=True)
class VersionFeatureRecord(Record):
    """A feature set as a version holds it; `marker` bounds the ids of its vectors."""

    id: int
    version_id: int
    feature_type: str
    extractor_version: str
    feature_dimension: int
    dtype: str
    n_vectors: int
    marker: int
    digest: str
