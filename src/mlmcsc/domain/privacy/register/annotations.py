"""Tags of what people and models say of images."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

ANNOTATIONS: Mapping[str, Columns] = {
    "predictions": columns(
        (named.MODEL_RESULT, "id image_id model_version_id prediction confidence detection_bbox"),
        (
            named.MODEL_RESULT,
            "detection_confidence detection_class processing_time timestamp raw_output",
        ),
        (named.MODEL_RESULT, "preprocessing_params"),
    ),
    "labels": columns(
        (named.MEASUREMENT, "id image_id label label_type original_prediction original_confidence"),
        (named.MEASUREMENT, "model_version_used is_verified revision"),
        (named.MEASURED_BY, "technician_id"),
        (named.MEASURED_AT, "timestamp"),
        (named.SPEED, "time_spent"),
        (named.OPINION, "difficulty_rating"),
        (named.NOTE, "notes"),
        (named.VERIFIED_BY, "verified_by"),
        (named.VERIFIED_AT, "verification_timestamp"),
        (named.MEASURED_REGIONS, "annotation_data"),
    ),
    "label_revisions": columns(
        (named.MEASUREMENT, "id label_id revision label label_type is_verified"),
        (named.OPINION, "difficulty_rating"),
        (named.NOTE, "notes"),
        (named.MEASURED_REGIONS, "annotation_data"),
        (named.VERIFIED_BY, "verified_by"),
        (named.CORRECTED_AT, "replaced_at"),
        (named.CORRECTED_BY, "replaced_by"),
        (named.CORRECTION_REASON, "reason"),
    ),
    "features": columns(
        (
            named.MODEL_RESULT,
            "id image_id feature_type extractor_version extraction_timestamp feature_dimension",
        ),
        (named.MODEL_RESULT, "dtype extraction_time preprocessing_params feature_vector"),
    ),
    "feature_sets": columns(
        (
            named.NOT_PERSONAL,
            "id feature_type extractor_version feature_dimension dtype n_vectors tokens",
        ),
    ),
}
"""Predictions, labels and feature vectors."""
