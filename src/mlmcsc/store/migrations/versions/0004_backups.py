"""Backups that were made, and the drills that proved them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlmcsc.store.types import BigId, Json, UtcDateTime

revision = "0004"
down_revision = "0003"

LARGEST = "1e308"


def upgrade() -> None:
    op.create_table(
        "backups",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("set_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.Column("n_bytes", BigId, nullable=False),
        sa.Column("new_bytes", BigId, nullable=False),
        sa.Column("encrypted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("with_images", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("pruned_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('manual', 'scheduled', 'safety')", name=op.f("ck_backups_kind_known")
        ),
        _not_negative("backups", "n_bytes"),
        _not_negative("backups", "new_bytes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
        sa.UniqueConstraint("set_id", name=op.f("uq_backups_set_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_backups_taken_at", "backups", ["taken_at"])
    op.create_table(
        "backup_drills",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("backup_id", BigId, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("passed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("rto_seconds", sa.Float(), nullable=False),
        sa.Column("rpo_seconds", sa.Float(), nullable=True),
        sa.Column("details", Json, nullable=False),
        _not_negative("backup_drills", "rto_seconds"),
        _not_negative("backup_drills", "rpo_seconds"),
        sa.ForeignKeyConstraint(
            ["backup_id"], ["backups.id"], name=op.f("fk_backup_drills_backup_id_backups")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_drills")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_backup_drills_backup_id", "backup_drills", ["backup_id"])
    # They named the version's own files so far; from now on, the backup that holds it.
    op.execute(
        "UPDATE data_versions SET backup_path = NULL, backup_size = NULL, backup_checksum = NULL "
        "WHERE root IS NOT NULL"
    )


def _not_negative(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{column} >= 0 AND {column} <= {LARGEST}", name=op.f(f"ck_{table}_{column}_range")
    )


def downgrade() -> None:
    op.drop_table("backup_drills")
    op.drop_table("backups")
