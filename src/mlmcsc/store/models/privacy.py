"""The privacy vault, and what is done about people's rights."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import created_at, reference, table
from mlmcsc.store.types import BigId, Json, UtcDateTime

subjects = table(
    "subjects",
    sa.Column("subject_id", sa.String(32), nullable=False, unique=True),
    reference("technician_id", "technicians", nullable=True),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("key_id", sa.String(64)),
    created_at(),
    sa.Column("erased_at", UtcDateTime),
    # The staff number, login or written name by which the laboratory knows the person.
    sa.Column("identifier", sa.String(100)),
    sa.Index("uq_subjects_identifier", "identifier", unique=True),
    sa.Index("idx_subjects_technician_id", "technician_id"),
)
"""One row per person: a random subject id, and the data key that erasure destroys."""

privacy_requests = table(
    "privacy_requests",
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.String(32), nullable=False, index=True),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, server_default="open"),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("handled_by", sa.String(32)),
    sa.Column("outcome", sa.Text),
    sa.CheckConstraint(
        "kind IN ('access', 'portability', 'rectification', 'erasure', 'restriction', 'objection')",
        name="kind_known",
    ),
    sa.CheckConstraint("state IN ('open', 'done', 'refused')", name="state_known"),
    sa.Index("idx_privacy_requests_state_due_at", "state", "due_at"),
)
"""What people asked for, and by when it must be answered (GDPR Art. 12(3))."""

privacy_holds = table(
    "privacy_holds",
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.String(32), index=True),
    sa.Column("specimen_id", sa.String(100), index=True),
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("placed_at", UtcDateTime, nullable=False),
    sa.Column("placed_by", sa.String(32), nullable=False),
    sa.Column("released_at", UtcDateTime),
    sa.Column("released_by", sa.String(32)),
    sa.Column("release_reason", sa.Text),
    sa.CheckConstraint("kind IN ('restrict', 'hold')", name="kind_known"),
    sa.CheckConstraint("(subject_id IS NULL) <> (specimen_id IS NULL)", name="one_target"),
)
"""Restrictions of processing (GDPR Art. 18) and legal holds, on a person or a specimen."""

erasures = table(
    "erasures",
    sa.Column("subject_id", sa.String(32), nullable=False, unique=True),
    # Without a foreign key: the row outlives what it speaks of.
    sa.Column("technician_row", BigId),
    sa.Column("request_id", BigId),
    sa.Column("labels", sa.String(16), nullable=False),
    sa.Column("ground", sa.Text, nullable=False),
    # How the person was named in the command, until the last step; a resumed run finds it by this.
    sa.Column("identifier", sa.String(100)),
    sa.Column("steps", Json, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("certificate", Json),
    sa.CheckConstraint("labels IN ('keep', 'delete')", name="labels_known"),
)
"""Erasures of persons, step by step, so that an interrupted one is finished."""

archives = table(
    "archives",
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("table_name", sa.String(50), nullable=False),
    sa.Column("path", sa.String(500), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("n_rows", sa.Integer, nullable=False),
    sa.Column("first_id", BigId, nullable=False),
    sa.Column("last_id", BigId, nullable=False),
    sa.Column("oldest", UtcDateTime, nullable=False),
    sa.Column("newest", UtcDateTime, nullable=False),
    created_at(),
    sa.Column("restored_at", UtcDateTime),
    sa.Column("manifest", Json, nullable=False),
    sa.Index("idx_archives_table_name", "table_name"),
)
"""Rows that were moved out of the live database into signed Parquet files."""

split_anchors = sa.Table(
    "split_anchors",
    subjects.metadata,
    sa.Column("image_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("specimen_id", sa.String(100), index=True),
    sa.Column("first_label_id", BigId, nullable=False, unique=True),
    sa.Column("initial_value", sa.Float, nullable=False),
)
"""What decides an image's split (its first label's id and stratum) after that label was deleted.

Without foreign keys: the rows outlive labels and images. `initial_value` is the centre of the
stratum, not the measurement.
"""

split_links = sa.Table(
    "split_links",
    subjects.metadata,
    sa.Column("image_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("older_image_id", BigId, primary_key=True, autoincrement=False),
)
"""Near-duplicate pairs of which an image was deleted: what it tied together stays in one split.

Without foreign keys: ids of images are never reused, and say nothing once the image is gone.
"""
