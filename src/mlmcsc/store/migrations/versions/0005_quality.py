"""Quality: of images, of labels, of people, of models; what is handed out to be labelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlmcsc.store.migrations.triggers_0005 import marking, unmarking
from mlmcsc.store.types import BigId, Json, UtcDateTime

revision = "0005"
down_revision = "0004"

LARGEST = "1e308"


def upgrade() -> None:
    _image_quality()
    _sums()
    _reservations()
    # Plain SQL: SQLite takes a check with a new column, but not afterwards.
    op.execute(
        "ALTER TABLE specimens ADD COLUMN sfa_percent FLOAT CONSTRAINT "
        "ck_specimens_sfa_percent_range CHECK (sfa_percent >= 0 AND sfa_percent <= 100)"
    )
    op.add_column("specimens", sa.Column("sfa_method", sa.String(length=20), nullable=True))
    op.add_column("specimens", sa.Column("sfa_details", Json, nullable=True))
    op.execute(
        "ALTER TABLE technicians ADD COLUMN accuracy_labels INTEGER CONSTRAINT "
        "ck_technicians_accuracy_labels_range "
        f"CHECK (accuracy_labels >= 0 AND accuracy_labels <= {LARGEST})"
    )
    op.add_column("technicians", sa.Column("accuracy_scored_at", UtcDateTime(), nullable=True))
    for statement in marking(op.get_context().dialect.name):
        op.execute(statement)


def _image_quality() -> None:
    op.create_table(
        "image_quality",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("formula", sa.String(length=16), nullable=False),
        sa.Column("measured_at", UtcDateTime(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("tenengrad", sa.Float(), nullable=True),
        sa.Column("laplacian_variance", sa.Float(), nullable=True),
        sa.Column("rms_contrast", sa.Float(), nullable=True),
        sa.Column("clipped_low", sa.Float(), nullable=True),
        sa.Column("clipped_high", sa.Float(), nullable=True),
        sa.Column("noise", sa.Float(), nullable=True),
        sa.Column("illumination_gradient", sa.Float(), nullable=True),
        sa.Column("saturation", sa.Float(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("flagged", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        *(_between("image_quality", name, 0, LARGEST) for name in NOT_NEGATIVE),
        *(_between("image_quality", name, 0, 1) for name in FRACTIONS),
        sa.CheckConstraint(
            "score IS NOT NULL OR problem IS NOT NULL",
            name=op.f("ck_image_quality_scored_or_problem"),
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_image_quality_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_quality")),
        sa.UniqueConstraint("image_id", name=op.f("uq_image_quality_image_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_image_quality_measured_at", "image_quality", ["measured_at"])
    op.create_index("idx_image_quality_flagged", "image_quality", ["flagged"])


def _sums() -> None:
    op.create_table(
        "quality_aggregates",
        sa.Column("chunk", BigId, autoincrement=False, nullable=False),
        sa.Column("sums", Json, nullable=False),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chunk", name=op.f("pk_quality_aggregates")),
    )
    op.create_table(
        "quality_marks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("chunk", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_marks")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_quality_marks_chunk", "quality_marks", ["chunk"])


def _reservations() -> None:
    op.create_table(
        "label_reservations",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("technician_id", BigId, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("strategy", sa.String(length=16), nullable=False),
        sa.Column("reserved_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("label_id", BigId, nullable=True),
        sa.CheckConstraint(
            "purpose IN ('new', 'overlap', 'duplicate', 'gold')",
            name=op.f("ck_label_reservations_purpose_known"),
        ),
        _reference("image_id", "images", "CASCADE"),
        _reference("technician_id", "technicians", None),
        _reference("label_id", "labels", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_reservations")),
        sqlite_autoincrement=True,
    )
    for columns in (["technician_id", "released_at"], ["image_id"], ["label_id"]):
        op.create_index(f"idx_label_reservations_{columns[0]}", "label_reservations", columns)
    op.create_index(
        "idx_label_reservations_expires_at",
        "label_reservations",
        ["expires_at"],
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    _open("uq_label_reservations_open", ["image_id", "technician_id"], "released_at IS NULL")
    _open("uq_label_reservations_new", ["image_id"], "released_at IS NULL AND purpose = 'new'")


def _open(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(
        name,
        "label_reservations",
        columns,
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def _reference(column: str, target: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{target}.id"],
        name=op.f(f"fk_label_reservations_{column}_{target}"),
        ondelete=ondelete,
    )


NOT_NEGATIVE = (
    "tenengrad",
    "laplacian_variance",
    "rms_contrast",
    "noise",
    "illumination_gradient",
)
FRACTIONS = ("clipped_low", "clipped_high", "saturation", "score", "threshold")


def _between(table: str, column: str, low: float | str, high: float | str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{column} >= {low} AND {column} <= {high}", name=op.f(f"ck_{table}_{column}_range")
    )


def downgrade() -> None:
    for statement in unmarking(op.get_context().dialect.name):
        op.execute(statement)
    for column in ("accuracy_scored_at", "accuracy_labels"):
        op.drop_column("technicians", column)
    for column in ("sfa_details", "sfa_method", "sfa_percent"):
        op.drop_column("specimens", column)
    for table in ("label_reservations", "quality_marks", "quality_aggregates", "image_quality"):
        op.drop_table(table)
