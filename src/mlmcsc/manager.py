"""`DatabaseManager`: the documented calls, each one line onto the service that does the work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Self, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from mlmcsc import bootstrap
from mlmcsc.config import Config
from mlmcsc.domain import keywords as kw
from mlmcsc.domain.filters import FeatureFilter, ImageFilter, LabelFilter, PredictionFilter
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import (
    FeatureRecord,
    ImageRecord,
    LabelRecord,
    LabelRevisionRecord,
    ModelVersionRecord,
    PredictionRecord,
)
from mlmcsc.domain.results import BulkResult, IngestReport, Page, SystemHealth
from mlmcsc.domain.training import GroupBy, TrainingData

OnError = Literal["raise", "collect"]


class DatabaseManager:
    """An open mlmcsc database.

    The documented calls are methods here; the services they belong to (`images`, `labels`,
    `predictions`, `features`, `models`, `technicians`, `specimens`, `training` …) offer the
    rest. Safe to share between threads; use it as a context manager, or call `close()`.

    Args:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host/database`; created
            or upgraded as needed. Left out, the configuration says.
        config: Settings; looked up by `load_config` when left out.
        label_range: Lowest and highest label of a new database (0 to 1 unless configured).
        create: Whether a database that is not there is made; else that is a StoreError.

    Raises:
        StoreError: The database cannot be opened; the message says why.
        SchemaError: The database belongs to another program or a newer release.
        ConflictError: `label_range` is not that of the existing database.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        config: Config | None = None,
        label_range: tuple[float, float] | None = None,
        actor: Actor | None = None,
        create: bool = True,
    ) -> None:
        database = bootstrap.open_database(database_url, config, label_range, create=create)
        self._bind(database, actor or bootstrap.default_actor(), owner=True)

    def _bind(self, database: bootstrap.Database, actor: Actor, *, owner: bool) -> None:
        self._database, self._owner = database, owner
        self.actor = actor
        self.opened = database.opened  # created, upgraded or current
        self.adoption = database.adoption  # how a database of the original system was taken over
        parts = bootstrap.services(database, actor)
        self.images = parts.images
        self.specimens = parts.specimens
        self.technicians = parts.technicians
        self.models = parts.models
        self.predictions = parts.predictions
        self.labels = parts.labels
        self.features = parts.features
        self.feature_reads = parts.feature_reads
        self.training = parts.training
        self.health = parts.health
        self.maintenance = parts.maintenance
        self.exchange = parts.exchange

    def acting_as(self, actor: Actor) -> DatabaseManager:
        """The same database for another actor, who may do at most what this one may."""
        self.actor.may_act_as(actor)
        bound = object.__new__(DatabaseManager)
        bound._bind(self._database, actor, owner=False)  # our own class
        return bound

    @property
    def url(self) -> str:
        """Where the database is, without password."""
        return self._database.url

    @property
    def label_range(self) -> tuple[float, float]:
        """Lowest and highest label that this database accepts."""
        return self._database.label_range

    def close(self) -> None:
        """Close all connections, for good; on what `acting_as` returned, it does nothing."""
        if self._owner:
            self._database.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Images

    def store_image(
        self, image_path: str | os.PathLike[str], **metadata: Unpack[kw.ImageMetadata]
    ) -> int:
        """Store one image file and return its id; see `Images.add`."""
        return self.images.add(image_path, **metadata).id

    def ingest(
        self,
        source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        recursive: bool = True,
        workers: int | None = None,
        specimen_from: str | None = None,
        storage: Literal["in_place", "managed"] = "in_place",
        on_error: Literal["collect", "raise"] = "collect",
        progress: Callable[[int, int], None] | None = None,
        **metadata: Unpack[kw.ImageMetadata],
    ) -> IngestReport:
        """Store many image files, resumable; see `Images.ingest`."""
        return self.images.ingest(
            source,
            recursive=recursive,
            workers=workers,
            specimen_from=specimen_from,
            storage=storage,
            on_error=on_error,
            progress=progress,
            **metadata,
        )

    def get_images(
        self, *, after_id: int = 0, limit: int = 100, **wanted: Unpack[ImageFilter]
    ) -> Page[ImageRecord]:
        """Images by id, a page at a time; see `Images.list`."""
        return self.images.list(after_id=after_id, limit=limit, **wanted)

    def get_image(self, image_id: int) -> ImageRecord:
        """One image; see `Images.get`."""
        return self.images.get(image_id)

    def update_image(self, image_id: int, **metadata: Unpack[kw.ImageMetadata]) -> ImageRecord:
        """Correct an image's metadata; see `Images.update`."""
        return self.images.update(image_id, **metadata)

    def update_image_quality(
        self, image_id: int, quality_score: float, is_valid: bool | None = None
    ) -> ImageRecord:
        """Record an image's quality; see `Images.update_quality`."""
        return self.images.update_quality(image_id, quality_score, is_valid=is_valid)

    def register_specimen(self, specimen_id: str, **details: Unpack[kw.SpecimenDetails]) -> int:
        """Register a specimen; see `Specimens.register`."""
        return self.specimens.register(specimen_id, **details)

    # People and models

    def register_technician(
        self, technician_id: str, name: str, **details: Unpack[kw.TechnicianDetails]
    ) -> int:
        """Register a technician and return the id to label with; see `Technicians.register`."""
        return self.technicians.register(technician_id, name, **details)

    def register_model_version(
        self, version: str, name: str, model_path: str, **details: Unpack[kw.ModelDetails]
    ) -> int:
        """Register a model version and return its id; see `Models.register`."""
        return self.models.register(version, name, model_path, **details)

    def set_active_model(self, model: int | str) -> ModelVersionRecord:
        """Make one model version the active one; see `Models.set_active`."""
        return self.models.set_active(model)

    def get_active_model(self) -> ModelVersionRecord | None:
        """The active model version, or None; see `Models.active`."""
        return self.models.active()

    # Predictions and labels

    def store_prediction(
        self,
        image_id: int,
        model_version_id: int,
        prediction: float,
        confidence: float,
        **details: Unpack[kw.PredictionDetails],
    ) -> int:
        """Store one prediction and return its id; see `Predictions.add`."""
        return self.predictions.add(image_id, model_version_id, prediction, confidence, **details)

    def store_predictions(
        self, data: Any = None, /, *, on_error: OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many predictions at once; see `Predictions.add_many`."""
        return self.predictions.add_many(data, on_error=on_error, **common)

    def get_predictions(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[PredictionFilter],
    ) -> Page[PredictionRecord]:
        """Predictions by id, a page at a time; see `Predictions.list`."""
        return self.predictions.list(image_id, after_id=after_id, limit=limit, **wanted)

    def store_label(
        self, image_id: int, technician_id: int, label: float, **details: Unpack[kw.LabelDetails]
    ) -> int:
        """Store one label and return its id; see `Labels.add`."""
        return self.labels.add(image_id, technician_id, label, **details)

    def store_labels(
        self, data: Any = None, /, *, on_error: OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many labels at once; see `Labels.add_many`."""
        return self.labels.add_many(data, on_error=on_error, **common)

    def get_labels(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[LabelFilter],
    ) -> Page[LabelRecord]:
        """Labels by id, a page at a time; see `Labels.list`."""
        return self.labels.list(image_id, after_id=after_id, limit=limit, **wanted)

    def update_label(
        self, label_id: int, *, reason: str, **change: Unpack[kw.LabelCorrection]
    ) -> LabelRecord:
        """Correct a label, keeping its earlier state; see `Labels.correct`."""
        return self.labels.correct(label_id, reason=reason, **change)

    def verify_label(
        self, label_id: int, verified_by: str, **verdict: Unpack[kw.LabelVerdict]
    ) -> LabelRecord:
        """Record that somebody checked a label; see `Labels.verify`."""
        return self.labels.verify(label_id, verified_by, **verdict)

    def get_label_revisions(self, label_id: int) -> list[LabelRevisionRecord]:
        """A label's earlier states; see `Labels.revisions`."""
        return self.labels.revisions(label_id)

    # Features and training data

    @overload
    def store_features(
        self,
        image_id: int,
        feature_type: str,
        feature_vector: Any,
        extractor_version: str,
        **details: Any,
    ) -> int: ...
    @overload
    def store_features(
        self,
        image_id: Any,
        feature_type: str | None = None,
        feature_vector: Any = None,
        extractor_version: str | None = None,
        **details: Any,
    ) -> BulkResult: ...
    def store_features(
        self,
        image_id: Any,
        feature_type: str | None = None,
        feature_vector: Any = None,
        extractor_version: str | None = None,
        **details: Any,
    ) -> int | BulkResult:
        """Store one image's vector (returns its id) or many; see `Features.add`, `add_many`."""
        return self.features.store(
            image_id, feature_type, feature_vector, extractor_version, **details
        )

    def get_features(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[FeatureFilter],
    ) -> Page[FeatureRecord]:
        """Feature vectors by id, a page at a time; see `Features.list`."""
        return self.features.list(image_id, after_id=after_id, limit=limit, **wanted)

    def get_training_data(
        self,
        train_split: float = 0.7,
        val_split: float = 0.15,
        test_split: float = 0.15,
        verified_only: bool = False,
        min_confidence: float | None = None,
        data_version: str | None = None,
        feature_type: str | None = None,
        group_by: GroupBy = "specimen",
        stratify: bool = True,
        seed: int = 0,
        label_policy: Literal["latest", "mean", "consensus", "verified"] = "latest",
        *,
        extractor_version: str | None = None,
        model_version_id: int | None = None,
    ) -> TrainingData:
        """Leak-free, repeatable splits of the labelled images; see `Training.splits`."""
        return self.training.splits(
            train_split,
            val_split,
            test_split,
            verified_only=verified_only,
            min_confidence=min_confidence,
            data_version=data_version,
            feature_type=feature_type,
            group_by=group_by,
            stratify=stratify,
            seed=seed,
            label_policy=label_policy,
            extractor_version=extractor_version,
            model_version_id=model_version_id,
        )

    def get_features_for_training(
        self,
        image_ids: Sequence[int] | NDArray[np.int64],
        feature_type: str,
        extractor_version: str | None = None,
        missing: Literal["error", "nan", "drop"] = "error",
    ) -> NDArray[np.float32]:
        """Vectors of many images, row i for id i; see `FeatureReads.for_training`."""
        return self.feature_reads.for_training(image_ids, feature_type, extractor_version, missing)

    def get_system_health(self) -> SystemHealth:
        """The state of the database at a glance; see `Health.status`."""
        return self.health.status()
