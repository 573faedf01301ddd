"""Documented calls on feature vectors and training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlmcsc.domain.filters import FeatureFilter
    from mlmcsc.domain.records import FeatureRecord
    from mlmcsc.domain.results import BulkResult, Page
    from mlmcsc.domain.training import GroupBy, TrainingData


class LearningCalls(Services):
    """Each one line onto `Features`, `FeatureReads` or `Training`."""

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
