"""Versions of models and of data."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import (
    between,
    created_at,
    finite,
    flag,
    fraction,
    metadata,
    not_negative,
    reference,
    table,
)
from mlmcsc.store.types import BigId, Json, UtcDateTime

UNVERSIONED_MODEL = 1
"""Seeded as `unversioned`, so that predictions may name model 1 before any is registered."""

model_versions = table(
    "model_versions",
    sa.Column("version", sa.String(50), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("model_path", sa.String(500), nullable=False),
    sa.Column("config_path", sa.String(500)),
    created_at(),
    sa.Column("created_by", sa.String(100)),
    flag("is_active", default=False),
    sa.Column("training_accuracy", sa.Float),
    sa.Column("validation_accuracy", sa.Float),
    sa.Column("test_accuracy", sa.Float),
    sa.Column("training_loss", sa.Float),
    sa.Column("training_data_version", sa.String(50)),
    sa.Column("training_duration", sa.Float),
    sa.Column("hyperparameters", Json),
    sa.Index("idx_model_versions_created_at", "created_at"),
    # At most one active model, whoever writes.
    sa.Index(
        "uq_model_versions_one_active",
        "is_active",
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    ),
    fraction("training_accuracy"),
    fraction("validation_accuracy"),
    fraction("test_accuracy"),
    finite("training_loss"),
    not_negative("training_duration"),
)

data_versions = table(
    "data_versions",
    sa.Column("version", sa.String(50), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("description", sa.Text),
    created_at(),
    sa.Column("created_by", sa.String(100)),
    sa.Column("total_images", sa.Integer),
    sa.Column("total_labels", sa.Integer),
    sa.Column("train_split", sa.Float),
    sa.Column("val_split", sa.Float),
    sa.Column("test_split", sa.Float),
    sa.Column("avg_quality_score", sa.Float),
    sa.Column("label_distribution", Json),
    sa.Column("backup_path", sa.String(500)),
    sa.Column("backup_size", BigId),
    sa.Column("backup_checksum", sa.String(64)),
    # Hex of the Merkle root; NULL for a row that raw SQL wrote, which lists no images.
    sa.Column("root", sa.String(64)),
    sa.Column("manifest", Json),
    sa.Column("layers", Json),
    sa.Column("n_redacted", sa.Integer, nullable=False, server_default="0"),
    sa.Index("idx_data_versions_created_at", "created_at"),
    fraction("train_split"),
    fraction("val_split"),
    fraction("test_split"),
    fraction("avg_quality_score"),
    not_negative("n_redacted"),
)
"""Frozen datasets: `manifest` is what was signed, `layers` where the rows lie now."""

version_tags = table(
    "version_tags",
    sa.Column("tag", sa.String(50), nullable=False, unique=True),
    reference("version_id", "data_versions"),
    created_at(),
    sa.Index("idx_version_tags_version_id", "version_id"),
)
"""Names that move from version to version, such as `production`."""

version_features = table(
    "version_features",
    reference("version_id", "data_versions", ondelete="CASCADE"),
    sa.Column("feature_type", sa.String(50), nullable=False),
    sa.Column("extractor_version", sa.String(50), nullable=False),
    sa.Column("feature_dimension", sa.Integer, nullable=False),
    sa.Column("dtype", sa.String(10), nullable=False),
    sa.Column("n_vectors", sa.Integer, nullable=False),
    # Frozen are the vectors with `id < marker`, also those in `feature_revisions` whose
    # `gone_at > marker`: marker and gone_at are taken from the sequence of `features`.
    sa.Column("marker", BigId, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.UniqueConstraint("version_id", "feature_type", "extractor_version"),
    between("feature_dimension", 1, 2**31 - 1),
    not_negative("n_vectors"),
)
"""The feature sets that a version holds."""

feature_revisions = sa.Table(
    "feature_revisions",
    metadata,
    # The id that the row had in `features`.
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    reference("image_id", "images", ondelete="CASCADE"),
    sa.Column("feature_type", sa.String(50), nullable=False),
    sa.Column("extractor_version", sa.String(50), nullable=False),
    sa.Column("dtype", sa.String(10), nullable=False),
    sa.Column("gone_at", BigId, nullable=False),
    # Last, so that reading the other columns never touches a vector's overflow pages.
    sa.Column("feature_vector", sa.LargeBinary, nullable=False),
    sa.Index("idx_feature_revisions_set", "feature_type", "extractor_version", "image_id"),
    sa.Index("idx_feature_revisions_image_id", "image_id"),
)
"""Vectors that were replaced after a version froze them."""

frozen_images = sa.Table(
    "frozen_images",
    metadata,
    sa.Column("image_id", BigId, sa.ForeignKey("images.id"), primary_key=True, autoincrement=False),
)
"""Images in any version. Without a cascade: nobody can delete one, not even by raw SQL."""

dataset_exports = table(
    "dataset_exports",
    # Without a foreign key: the row outlives the version.
    sa.Column("version", sa.String(50), nullable=False, index=True),
    # Names can be given anew after a version is deleted; its root cannot.
    sa.Column("root", sa.String(64), nullable=False),
    sa.Column("format", sa.String(16), nullable=False),
    sa.Column("path", sa.String(500), nullable=False),
    sa.Column("recipient", sa.Text),
    sa.Column("n_rows", sa.Integer, nullable=False),
    sa.Column("n_bytes", BigId, nullable=False),
    # SHA-256 over the sorted list of the files and their hashes.
    sa.Column("sha256", sa.String(64), nullable=False),
    flag("with_people", default=False),
    # Row ids of the technicians whose labels went out, ascending: told of an erasure also when the
    # version is gone.
    sa.Column("technicians", Json, nullable=False, server_default="[]"),
    sa.Column("exported_at", UtcDateTime, nullable=False),
    sa.Column("exported_by", sa.String(32), nullable=False),
    not_negative("n_rows"),
    not_negative("n_bytes"),
)
"""Who was given which version (GDPR Art. 19: recipients are told of an erasure)."""
