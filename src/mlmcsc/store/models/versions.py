"""Versions of models and of data."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import created_at, finite, flag, fraction, not_negative, table
from mlmcsc.store.types import BigId, Json

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
    sa.Index("idx_data_versions_created_at", "created_at"),
    fraction("train_split"),
    fraction("val_split"),
    fraction("test_split"),
    fraction("avg_quality_score"),
)
