"""Backups that were made, and the drills that proved them."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import flag, not_negative, reference, table
from mlmcsc.store.types import BigId, Json, UtcDateTime

backups = table(
    "backups",
    sa.Column("name", sa.String(100), nullable=False),
    # Where it lies: a folder or a URL, without secrets.
    sa.Column("place", sa.String(500), nullable=False),
    sa.Column("set_id", sa.String(32), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=False),
    sa.Column("n_bytes", BigId, nullable=False),
    sa.Column("new_bytes", BigId, nullable=False),
    flag("encrypted", default=False),
    flag("with_images", default=False),
    # SHA-256 of the manifest file.
    sa.Column("manifest_sha256", sa.String(64), nullable=False),
    # When every byte was last read and right; NULL: never, or a later check found it damaged.
    sa.Column("verified_at", UtcDateTime),
    # When a check found it damaged; NULL: never, or it was whole again at a later one.
    sa.Column("failed_at", UtcDateTime),
    sa.Column("pruned_at", UtcDateTime),
    sa.Index("idx_backups_taken_at", "taken_at"),
    sa.CheckConstraint("kind IN ('manual', 'scheduled', 'safety')", name="kind_known"),
    not_negative("n_bytes"),
    not_negative("new_bytes"),
)
"""One row a set that this database made; the sets themselves tell the same, signed."""

backup_drills = table(
    "backup_drills",
    reference("backup_id", "backups"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    flag("passed", default=False),
    # Recovery time: from the first byte read to a checked database ready to be swapped in.
    sa.Column("rto_seconds", sa.Float, nullable=False),
    # Recovery point: what would be lost if the disk went just before the next backup was whole.
    sa.Column("rpo_seconds", sa.Float),
    sa.Column("details", Json, nullable=False),
    sa.Index("idx_backup_drills_backup_id", "backup_id"),
    not_negative("rto_seconds"),
    not_negative("rpo_seconds"),
)
"""Restores to scratch that proved a backup, or did not."""
