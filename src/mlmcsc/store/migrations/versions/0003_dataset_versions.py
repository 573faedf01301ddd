"""Dataset versions are frozen, tagged, exported; their images and vectors stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlmcsc.store.types import BigId, Json, UtcDateTime

revision = "0003"
down_revision = "0002"

LARGEST = "1e308"
VERSION_COLUMNS = (
    ("root", sa.String(length=64)),
    ("manifest", Json),
    ("layers", Json),
)


def upgrade() -> None:
    for name, kind in VERSION_COLUMNS:
        op.add_column("data_versions", sa.Column(name, kind, nullable=True))
    # Plain SQL: SQLite takes a check with a new column, but not afterwards.
    op.execute(
        "ALTER TABLE data_versions ADD COLUMN n_redacted INTEGER DEFAULT 0 NOT NULL "
        "CONSTRAINT ck_data_versions_n_redacted_range "
        f"CHECK (n_redacted >= 0 AND n_redacted <= {LARGEST})"
    )
    _tags()
    _features()
    op.create_table(
        "frozen_images",
        sa.Column("image_id", BigId, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_frozen_images_image_id_images")
        ),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_frozen_images")),
    )
    _exports()


def _tags() -> None:
    op.create_table(
        "version_tags",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("tag", sa.String(length=50), nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["data_versions.id"],
            name=op.f("fk_version_tags_version_id_data_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_tags")),
        sa.UniqueConstraint("tag", name=op.f("uq_version_tags_tag")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_version_tags_version_id", "version_tags", ["version_id"])


def _features() -> None:
    op.create_table(
        "version_features",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("feature_type", sa.String(length=50), nullable=False),
        sa.Column("extractor_version", sa.String(length=50), nullable=False),
        sa.Column("feature_dimension", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(length=10), nullable=False),
        sa.Column("n_vectors", sa.Integer(), nullable=False),
        sa.Column("marker", BigId, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            f"feature_dimension >= 1 AND feature_dimension <= {2**31 - 1}",
            name=op.f("ck_version_features_feature_dimension_range"),
        ),
        sa.CheckConstraint(
            f"n_vectors >= 0 AND n_vectors <= {LARGEST}",
            name=op.f("ck_version_features_n_vectors_range"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["data_versions.id"],
            name=op.f("fk_version_features_version_id_data_versions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_features")),
        sa.UniqueConstraint(
            "version_id",
            "feature_type",
            "extractor_version",
            name=op.f("uq_version_features_version_id_feature_type_extractor_version"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feature_revisions",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("feature_type", sa.String(length=50), nullable=False),
        sa.Column("extractor_version", sa.String(length=50), nullable=False),
        sa.Column("dtype", sa.String(length=10), nullable=False),
        sa.Column("gone_at", BigId, nullable=False),
        sa.Column("feature_vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_feature_revisions_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_revisions")),
    )
    of_set = ["feature_type", "extractor_version", "image_id"]
    op.create_index("idx_feature_revisions_set", "feature_revisions", of_set)
    op.create_index("idx_feature_revisions_image_id", "feature_revisions", ["image_id"])


def _exports() -> None:
    op.create_table(
        "dataset_exports",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_bytes", BigId, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("with_people", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("technicians", Json, server_default="[]", nullable=False),
        sa.Column("exported_at", UtcDateTime(), nullable=False),
        sa.Column("exported_by", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            f"n_rows >= 0 AND n_rows <= {LARGEST}", name=op.f("ck_dataset_exports_n_rows_range")
        ),
        sa.CheckConstraint(
            f"n_bytes >= 0 AND n_bytes <= {LARGEST}", name=op.f("ck_dataset_exports_n_bytes_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_exports")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("idx_dataset_exports_version"), "dataset_exports", ["version"])


def downgrade() -> None:
    tables = ("dataset_exports", "frozen_images", "feature_revisions", "version_features")
    for table in (*tables, "version_tags"):
        op.drop_table(table)
    for name in ("n_redacted", *(name for name, _ in reversed(VERSION_COLUMNS))):
        op.drop_column("data_versions", name)
