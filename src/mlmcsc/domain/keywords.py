"""The optional keywords of the documented calls, as types.

Their meaning, units and limits stand in `mlmcsc.domain.tables`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict


class ImageMetadata(TypedDict, total=False):
    """Keywords of `store_image`."""

    specimen_id: str | None
    magnification: float | None
    pixel_size_um: float | None
    detector: str | None
    accelerating_voltage_kv: float | None
    timestamp: datetime | None
    acquisition_settings: dict[str, Any] | None
    quality_score: float | None
    is_valid: bool


class SpecimenDetails(TypedDict, total=False):
    """Keywords of `register_specimen`."""

    material: str | None
    heat: str | None
    temperature_c: float | None
    orientation: str | None
    kv_joule: float | None
    le_mm: float | None
    notes: str | None
    sfa_percent: float | None
    sfa_method: str | None
    sfa_details: dict[str, Any] | None


class TechnicianDetails(TypedDict, total=False):
    """Keywords of `register_technician`."""

    email: str | None
    department: str | None
    experience_level: str | None
    is_active: bool


class ModelDetails(TypedDict, total=False):
    """Keywords of `register_model_version`."""

    description: str | None
    config_path: str | None
    created_by: str | None
    training_accuracy: float | None
    validation_accuracy: float | None
    test_accuracy: float | None
    training_loss: float | None
    training_data_version: str | None
    training_duration: float | None
    hyperparameters: dict[str, Any] | None


class PredictionDetails(TypedDict, total=False):
    """Keywords of `store_prediction`."""

    detection_bbox: list[float] | dict[str, float] | None
    detection_confidence: float | None
    detection_class: str | None
    processing_time: float | None
    timestamp: datetime | None
    raw_output: Any
    preprocessing_params: dict[str, Any] | None


class LabelDetails(TypedDict, total=False):
    """Keywords of `store_label`."""

    label_type: str
    original_prediction: float | None
    original_confidence: float | None
    model_version_used: str | None
    timestamp: datetime | None
    time_spent: float | None
    difficulty_rating: int | None
    notes: str | None
    is_verified: bool
    verified_by: str | None
    verification_timestamp: datetime | None
    annotation_data: Any


class LabelChange(TypedDict, total=False):
    """What may be corrected of a label."""

    label: float
    label_type: str
    difficulty_rating: int | None
    notes: str | None
    annotation_data: Any


class LabelCorrection(LabelChange, total=False):
    """Keywords of `update_label`: what is corrected, and the revision it was decided on."""

    expected_revision: int | None


class LabelVerdict(TypedDict, total=False):
    """Keywords of `verify_label`: the verdict, and the revision that was checked."""

    is_verified: bool
    expected_revision: int | None


class FeatureDetails(TypedDict, total=False):
    """Keywords of `store_features`."""

    extraction_time: float | None
    extraction_timestamp: datetime | None
    preprocessing_params: dict[str, Any] | None
