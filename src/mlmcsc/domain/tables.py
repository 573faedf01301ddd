"""The fields that users may write, table by table."""

from __future__ import annotations

from mlmcsc.domain.charpy.methods import METHODS
from mlmcsc.domain.fields import Field, Kind, RowSpec

K = Kind


def _fraction(name: str, text: str) -> Field:
    return Field(name, K.REAL, text, minimum=0.0, maximum=1.0)


def _seconds(name: str, text: str) -> Field:
    return Field(name, K.REAL, text, minimum=0.0)


def _id(name: str, table: str) -> Field:
    return Field(name, K.INTEGER, f"id in {table}", required=True, minimum=1, references=table)


SPECIMENS = RowSpec(
    "specimens",
    (
        Field(
            "specimen_id",
            K.TEXT,
            "the laboratory's specimen number",
            required=True,
            max_length=100,
            is_name=True,
        ),
        Field("material", K.TEXT, "material or steel grade", max_length=100, is_name=True),
        Field("heat", K.TEXT, "heat (melt) number", max_length=100),
        Field("temperature_c", K.REAL, "test temperature in °C", minimum=-273.15, maximum=2000.0),
        Field("orientation", K.TEXT, "specimen orientation, e.g. T-L (ASTM E399)", max_length=20),
        Field("kv_joule", K.REAL, "absorbed energy KV in J", minimum=0.0),
        Field("le_mm", K.REAL, "lateral expansion LE in mm", minimum=0.0),
        Field("notes", K.TEXT, "free text"),
        Field(
            "sfa_percent", K.REAL, "measured SFA in percent, 0 to 100", minimum=0.0, maximum=100.0
        ),
        Field("sfa_method", K.TEXT, "how the SFA was measured", choices=METHODS, max_length=20),
        Field("sfa_details", K.JSON, "what the SFA was computed from, an object"),
    ),
)

IMAGES = RowSpec(
    "images",
    (
        Field("image_path", K.TEXT, "path of the image file", required=True, max_length=500),
        Field("specimen_id", K.TEXT, "specimen number", max_length=100, is_name=True),
        Field("magnification", K.REAL, "nominal magnification, 400 means 400x", minimum=1e-6),
        Field("pixel_size_um", K.REAL, "pixel size in µm (OME PhysicalSizeX)", minimum=1e-9),
        Field("detector", K.TEXT, "detector or camera", max_length=100),
        Field("accelerating_voltage_kv", K.REAL, "accelerating voltage in kV", minimum=0.0),
        Field("timestamp", K.TIMESTAMP, "when the image was taken"),
        Field("acquisition_settings", K.JSON, "further instrument settings, an object"),
        _fraction("quality_score", "image quality"),
        Field("is_valid", K.FLAG, "may be used for training"),
    ),
)

TECHNICIANS = RowSpec(
    "technicians",
    (
        Field(
            "technician_id",
            K.TEXT,
            "the laboratory's staff number",
            required=True,
            max_length=50,
            is_name=True,
        ),
        Field("name", K.TEXT, "full name", required=True, max_length=100),
        Field("email", K.TEXT, "e-mail address", max_length=100),
        Field("department", K.TEXT, "department", max_length=100),
        Field(
            "experience_level",
            K.TEXT,
            "experience, e.g. novice, expert",
            max_length=20,
            is_name=True,
        ),
        Field("is_active", K.FLAG, "may label"),
    ),
)

MODEL_VERSIONS = RowSpec(
    "model_versions",
    (
        Field("version", K.TEXT, "unique version name", required=True, max_length=50, is_name=True),
        Field("name", K.TEXT, "model name", required=True, max_length=100),
        Field("model_path", K.TEXT, "where the model file lies", required=True, max_length=500),
        Field("description", K.TEXT, "free text"),
        Field("config_path", K.TEXT, "where the model's configuration lies", max_length=500),
        Field("created_by", K.TEXT, "who trained it", max_length=100),
        _fraction("training_accuracy", "accuracy on the training split"),
        _fraction("validation_accuracy", "accuracy on the validation split"),
        _fraction("test_accuracy", "accuracy on the test split"),
        Field("training_loss", K.REAL, "final training loss"),
        Field(
            "training_data_version",
            K.TEXT,
            "data version it was trained on",
            max_length=50,
            is_name=True,
        ),
        _seconds("training_duration", "training time in s"),
        Field("hyperparameters", K.JSON, "training settings, an object"),
    ),
)

PREDICTIONS = RowSpec(
    "predictions",
    (
        _id("image_id", "images"),
        _id("model_version_id", "model_versions"),
        Field(
            "prediction",
            K.REAL,
            "predicted value, in the label range",
            required=True,
            in_label_range=True,
        ),
        Field(
            "confidence", K.REAL, "the model's confidence", required=True, minimum=0.0, maximum=1.0
        ),
        Field("detection_bbox", K.BOX, "where the fracture surface was found"),
        _fraction("detection_confidence", "confidence of the detection"),
        Field("detection_class", K.TEXT, "class of the detection", max_length=50, is_name=True),
        _seconds("processing_time", "inference time in s"),
        Field("timestamp", K.TIMESTAMP, "when it was predicted"),
        Field("raw_output", K.JSON, "the model's raw output"),
        Field("preprocessing_params", K.JSON, "how the image was prepared"),
    ),
)

LABELS = RowSpec(
    "labels",
    (
        _id("image_id", "images"),
        _id("technician_id", "technicians"),
        Field(
            "label",
            K.REAL,
            "measured value, in the label range",
            required=True,
            in_label_range=True,
        ),
        Field(
            "label_type",
            K.TEXT,
            "how it came about: manual, corrected, consensus …",
            max_length=50,
            is_name=True,
        ),
        Field("original_prediction", K.REAL, "the prediction that was shown", in_label_range=True),
        _fraction("original_confidence", "confidence of the prediction that was shown"),
        Field(
            "model_version_used",
            K.TEXT,
            "version name of the model that was shown",
            max_length=50,
            is_name=True,
        ),
        Field("timestamp", K.TIMESTAMP, "when it was measured"),
        _seconds("time_spent", "time spent in s"),
        Field("difficulty_rating", K.INTEGER, "1 easy to 5 hard", minimum=1, maximum=5),
        Field("notes", K.TEXT, "free text"),
        Field("is_verified", K.FLAG, "checked by a second person"),
        Field("verified_by", K.TEXT, "who checked it", max_length=50, is_name=True),
        Field("verification_timestamp", K.TIMESTAMP, "when it was checked"),
        Field("annotation_data", K.JSON, "regions, points or measured A x B"),
    ),
)

FEATURES = RowSpec(
    "features",
    (
        _id("image_id", "images"),
        Field(
            "feature_type",
            K.TEXT,
            "kind of feature, e.g. cnn",
            required=True,
            max_length=50,
            is_name=True,
        ),
        Field(
            "extractor_version",
            K.TEXT,
            "version of the extractor",
            required=True,
            max_length=50,
            is_name=True,
        ),
        Field("feature_vector", K.VECTOR, "the vector, finite numbers", required=True),
        _seconds("extraction_time", "extraction time in s"),
        Field("extraction_timestamp", K.TIMESTAMP, "when it was extracted"),
        Field("preprocessing_params", K.JSON, "how the image was prepared"),
    ),
)

SYSTEM_METRICS = RowSpec(
    "system_metrics",
    (
        Field("metric_name", K.TEXT, "name of the metric", required=True, max_length=100),
        Field("metric_value", K.REAL, "its value", required=True),
        Field("metric_unit", K.TEXT, "its unit", max_length=20),
        Field("component", K.TEXT, "what was measured", max_length=50),
        Field("timestamp", K.TIMESTAMP, "when it was measured"),
        Field("metric_metadata", K.JSON, "further facts"),
    ),
)

WRITABLE = {
    spec.table: spec
    for spec in (
        SPECIMENS,
        IMAGES,
        TECHNICIANS,
        MODEL_VERSIONS,
        PREDICTIONS,
        LABELS,
        FEATURES,
        SYSTEM_METRICS,
    )
}
"""The tables that bulk import accepts."""
