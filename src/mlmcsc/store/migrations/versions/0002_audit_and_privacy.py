"""The audit trail becomes provable, and people get rights."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mlmcsc.store.migrations.triggers_0002 import create_triggers, drop_triggers
from mlmcsc.store.types import BigId, Json, UtcDateTime

revision = "0002"
down_revision = "0001"

SEALED = (
    ("technicians", "name", 100),
    ("technicians", "email", 100),
    ("technicians", "department", 100),
    ("sessions", "ip_address", 45),
    ("sessions", "user_agent", 500),
    ("login_attempts", "ip_address", 45),
    ("audit_logs", "ip_address", 45),
    ("audit_logs", "user_agent", 500),
)
"""Columns whose sealed text is longer than their plain text; SQLite enforces no lengths."""

AUDIT_COLUMNS = (
    ("subject_id", sa.String(length=32)),
    ("who_salt", sa.LargeBinary()),
    ("who_commit", sa.LargeBinary()),
    ("payload_salt", sa.LargeBinary()),
    ("payload_commit", sa.LargeBinary()),
    ("leaf", sa.LargeBinary()),
    ("seq", BigId),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column, _ in SEALED:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE TEXT")
        for column in ("old_values", "new_values"):
            op.execute(f"ALTER TABLE audit_logs ALTER COLUMN {column} TYPE JSON USING {column}")
    for name, kind in AUDIT_COLUMNS:
        op.add_column("audit_logs", sa.Column(name, kind, nullable=True))
    # Ids follow time, and who is looked for rarely; each index cost every commit a page.
    for name in ("timestamp", "user_id"):
        op.drop_index(f"idx_audit_logs_{name}", table_name="audit_logs")
    placed = sa.text("seq IS NOT NULL")
    op.create_index(
        "uq_audit_logs_seq",
        "audit_logs",
        ["seq"],
        unique=True,
        sqlite_where=placed,
        postgresql_where=placed,
    )
    op.add_column("subjects", sa.Column("identifier", sa.String(length=100), nullable=True))
    op.create_index("uq_subjects_identifier", "subjects", ["identifier"], unique=True)
    op.create_index("idx_subjects_technician_id", "subjects", ["technician_id"])
    _requests()
    _holds()
    _erasures()
    _archives()
    op.create_table(
        "split_anchors",
        sa.Column("image_id", BigId, autoincrement=False, nullable=False),
        sa.Column("specimen_id", sa.String(length=100), nullable=True),
        sa.Column("first_label_id", BigId, nullable=False),
        sa.Column("initial_value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_split_anchors")),
        sa.UniqueConstraint("first_label_id", name=op.f("uq_split_anchors_first_label_id")),
    )
    op.create_index(op.f("idx_split_anchors_specimen_id"), "split_anchors", ["specimen_id"])
    op.create_table(
        "split_links",
        sa.Column("image_id", BigId, autoincrement=False, nullable=False),
        sa.Column("older_image_id", BigId, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "older_image_id", name=op.f("pk_split_links")),
    )
    create_triggers(op)


def _requests() -> None:
    op.create_table(
        "privacy_requests",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("handled_by", sa.String(length=32), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('access', 'portability', 'rectification', 'erasure', 'restriction', "
            "'objection')",
            name=op.f("ck_privacy_requests_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'refused')", name=op.f("ck_privacy_requests_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("idx_privacy_requests_subject_id"), "privacy_requests", ["subject_id"])
    op.create_index("idx_privacy_requests_state_due_at", "privacy_requests", ["state", "due_at"])


def _holds() -> None:
    op.create_table(
        "privacy_holds",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=True),
        sa.Column("specimen_id", sa.String(length=100), nullable=True),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.Column("placed_by", sa.String(length=32), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("released_by", sa.String(length=32), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('restrict', 'hold')", name=op.f("ck_privacy_holds_kind_known")
        ),
        sa.CheckConstraint(
            "(subject_id IS NULL) <> (specimen_id IS NULL)",
            name=op.f("ck_privacy_holds_one_target"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_holds")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("idx_privacy_holds_subject_id"), "privacy_holds", ["subject_id"])
    op.create_index(op.f("idx_privacy_holds_specimen_id"), "privacy_holds", ["specimen_id"])


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("technician_row", BigId, nullable=True),
        sa.Column("request_id", BigId, nullable=True),
        sa.Column("labels", sa.String(length=16), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("identifier", sa.String(length=100), nullable=True),
        sa.Column("steps", Json, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("certificate", Json, nullable=True),
        sa.CheckConstraint("labels IN ('keep', 'delete')", name=op.f("ck_erasures_labels_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_erasures_subject_id")),
        sqlite_autoincrement=True,
    )


def _archives() -> None:
    op.create_table(
        "archives",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("table_name", sa.String(length=50), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("first_id", BigId, nullable=False),
        sa.Column("last_id", BigId, nullable=False),
        sa.Column("oldest", UtcDateTime(), nullable=False),
        sa.Column("newest", UtcDateTime(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("restored_at", UtcDateTime(), nullable=True),
        sa.Column("manifest", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archives")),
        sa.UniqueConstraint("name", name=op.f("uq_archives_name")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_archives_table_name", "archives", ["table_name"])


def downgrade() -> None:
    drop_triggers(op)
    op.drop_table("split_links")
    for table in ("split_anchors", "archives", "erasures", "privacy_holds", "privacy_requests"):
        op.drop_table(table)
    for index in ("idx_subjects_technician_id", "uq_subjects_identifier"):
        op.drop_index(index, table_name="subjects")
    op.drop_column("subjects", "identifier")
    op.drop_index("uq_audit_logs_seq", table_name="audit_logs")
    for name in ("timestamp", "user_id"):
        op.create_index(f"idx_audit_logs_{name}", "audit_logs", [name])
    for name, _ in reversed(AUDIT_COLUMNS):
        op.drop_column("audit_logs", name)
    if op.get_bind().dialect.name == "postgresql":
        for column in ("old_values", "new_values"):
            op.execute(f"ALTER TABLE audit_logs ALTER COLUMN {column} TYPE JSONB USING {column}")
        for table, column, length in SEALED:
            # Sealed text does not fit; the plain texts are gone with the vault that held the keys.
            op.execute(
                f"ALTER TABLE {table} ALTER COLUMN {column} TYPE VARCHAR({length}) "
                f"USING left({column}, {length})"
            )
