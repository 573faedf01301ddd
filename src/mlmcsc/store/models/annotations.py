"""What models and people say of images."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import between, flag, fraction, not_negative, reference, table
from mlmcsc.store.types import Json, UtcDateTime

LABEL_RANGE = (0.0, 1.0)
"""The range of labels and predictions unless the database is created with another."""

predictions = table(
    "predictions",
    reference("image_id", "images"),
    reference("model_version_id", "model_versions"),
    sa.Column("prediction", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("detection_bbox", Json),
    sa.Column("detection_confidence", sa.Float),
    sa.Column("detection_class", sa.String(50)),
    sa.Column("processing_time", sa.Float),
    sa.Column("timestamp", UtcDateTime, nullable=False, index=True),
    sa.Column("raw_output", Json),
    sa.Column("preprocessing_params", Json),
    sa.Index("idx_predictions_image_id", "image_id"),
    sa.Index("idx_predictions_model_version_id", "model_version_id"),
    sa.Index("idx_predictions_confidence", "confidence"),
    between("prediction", *LABEL_RANGE),
    fraction("confidence"),
    fraction("detection_confidence"),
    not_negative("processing_time"),
)

labels = table(
    "labels",
    reference("image_id", "images"),
    reference("technician_id", "technicians"),
    sa.Column("label", sa.Float, nullable=False),
    sa.Column("label_type", sa.String(50), nullable=False, server_default="manual"),
    sa.Column("original_prediction", sa.Float),
    sa.Column("original_confidence", sa.Float),
    sa.Column("model_version_used", sa.String(50)),
    sa.Column("timestamp", UtcDateTime, nullable=False, index=True),
    sa.Column("time_spent", sa.Float),
    sa.Column("difficulty_rating", sa.Integer),
    sa.Column("notes", sa.Text),
    flag("is_verified", default=False),
    sa.Column("verified_by", sa.String(50)),
    sa.Column("verification_timestamp", UtcDateTime),
    sa.Column("annotation_data", Json),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Index("idx_labels_image_id", "image_id"),
    sa.Index("idx_labels_technician_id", "technician_id"),
    sa.Index("idx_labels_label_type", "label_type"),
    sa.Index("idx_labels_is_verified", "is_verified"),
    between("label", *LABEL_RANGE),
    between("original_prediction", *LABEL_RANGE),
    fraction("original_confidence"),
    not_negative("time_spent"),
    between("difficulty_rating", 1, 5),
    between("revision", 1, 2**31 - 1),
)

label_revisions = table(
    "label_revisions",
    reference("label_id", "labels", ondelete="CASCADE"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("label", sa.Float, nullable=False),
    sa.Column("label_type", sa.String(50), nullable=False),
    sa.Column("notes", sa.Text),
    sa.Column("difficulty_rating", sa.Integer),
    sa.Column("annotation_data", Json),
    sa.Column("is_verified", sa.Boolean, nullable=False),
    sa.Column("verified_by", sa.String(50)),
    sa.Column("replaced_at", UtcDateTime, nullable=False),
    sa.Column("replaced_by", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.UniqueConstraint("label_id", "revision"),
)
"""Earlier values of corrected labels; the first revision is the first measurement."""

features = table(
    "features",
    reference("image_id", "images"),
    sa.Column("feature_type", sa.String(50), nullable=False),
    sa.Column("extractor_version", sa.String(50), nullable=False),
    sa.Column("extraction_timestamp", UtcDateTime, nullable=False, index=True),
    sa.Column("feature_dimension", sa.Integer, nullable=False),
    sa.Column("dtype", sa.String(10), nullable=False, server_default="float32"),
    sa.Column("extraction_time", sa.Float),
    sa.Column("preprocessing_params", Json),
    # Last, so that reading the other columns never touches a vector's overflow pages.
    sa.Column("feature_vector", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("feature_type", "extractor_version", "image_id"),
    sa.Index("idx_features_image_id", "image_id"),
    between("feature_dimension", 1, 2**31 - 1),
    not_negative("extraction_time"),
    sa.CheckConstraint("dtype IN ('float16', 'float32', 'float64')", name="dtype_known"),
)
"""One current vector per image, type and extractor: raw little-endian numbers."""

feature_sets = table(
    "feature_sets",
    sa.Column("feature_type", sa.String(50), nullable=False),
    sa.Column("extractor_version", sa.String(50), nullable=False),
    sa.Column("feature_dimension", sa.Integer, nullable=False),
    sa.Column("dtype", sa.String(10), nullable=False),
    sa.Column("n_vectors", sa.Integer, nullable=False, server_default="0"),
    # The last writes to the set, each a random token: a copy made at the newest is fresh. A counter
    # would not do: two copies of a database, or a restored one, count to the same number.
    sa.Column("tokens", Json, nullable=False, server_default="[]"),
    sa.UniqueConstraint("feature_type", "extractor_version"),
    not_negative("n_vectors"),
)
