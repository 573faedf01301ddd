"""The database's own affairs: audit, metrics, settings, jobs and alerts."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import created_at, finite, metadata, not_negative, table
from mlmcsc.store.types import AuditJson, BigId, Json, UtcDateTime, sealed_text

audit_logs = table(
    "audit_logs",
    sa.Column("operation", sa.String(50), nullable=False),
    sa.Column("table_name", sa.String(50), nullable=False),
    sa.Column("record_id", BigId),
    sa.Column("user_id", sa.String(100), nullable=False),
    sa.Column("timestamp", UtcDateTime, nullable=False),
    sa.Column("old_values", AuditJson(none_as_null=True)),
    sa.Column("new_values", AuditJson(none_as_null=True)),
    sa.Column("reason", sa.Text),
    sa.Column("ip_address", sealed_text(45)),
    sa.Column("user_agent", sealed_text(500)),
    sa.Column("n_rows", sa.Integer, nullable=False, server_default="1"),
    sa.Column("digest", sa.String(64)),
    sa.Column("subject_id", sa.String(32)),
    sa.Column("who_salt", sa.LargeBinary),
    sa.Column("who_commit", sa.LargeBinary),
    sa.Column("payload_salt", sa.LargeBinary),
    sa.Column("payload_commit", sa.LargeBinary),
    sa.Column("leaf", sa.LargeBinary),
    sa.Column("seq", BigId),
    sa.Index("idx_audit_logs_table_name_record_id", "table_name", "record_id"),
    # No index on user_id and timestamp, and a partial one here, as a new event has no place yet:
    # each index that an event enters is a page more in every commit.
    sa.Index(
        "uq_audit_logs_seq",
        "seq",
        unique=True,
        sqlite_where=sa.text("seq IS NOT NULL"),
        postgresql_where=sa.text("seq IS NOT NULL"),
    ),
    not_negative("n_rows"),
)

audit_checkpoints = table(
    "audit_checkpoints",
    created_at(),
    sa.Column("tree_size", BigId, nullable=False, unique=True),
    sa.Column("root_hash", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
)

system_metrics = table(
    "system_metrics",
    sa.Column("metric_name", sa.String(100), nullable=False),
    sa.Column("metric_value", sa.Float, nullable=False),
    sa.Column("metric_unit", sa.String(20)),
    sa.Column("component", sa.String(50), index=True),
    sa.Column("timestamp", UtcDateTime, nullable=False, index=True),
    sa.Column("metric_metadata", Json),
    sa.Index("idx_system_metrics_metric_name_timestamp", "metric_name", "timestamp"),
    finite("metric_value"),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.String(50), primary_key=True),
    sa.Column("value", Json, nullable=False),
    comment="Facts that belong to this database: its id, its label range",
)

job_leases = sa.Table(
    "job_leases",
    metadata,
    sa.Column("job", sa.String(100), primary_key=True),
    sa.Column("holder", sa.String(200), nullable=False),
    sa.Column("fencing_token", BigId, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
)

job_runs = table(
    "job_runs",
    sa.Column("job", sa.String(100), nullable=False),
    sa.Column("slot", UtcDateTime, nullable=False),
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("fencing_token", BigId, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("outcome", sa.String(16)),
    sa.Column("numbers", Json),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("job", "slot"),
)

alerts = table(
    "alerts",
    sa.Column("rule", sa.String(100), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, server_default="open"),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("details", Json),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("acknowledged_by", sa.String(100)),
    sa.Column("resolved_at", UtcDateTime),
    sa.Index("idx_alerts_state_opened_at", "state", "opened_at"),
    sa.CheckConstraint("state IN ('open', 'acknowledged', 'resolved')", name="state_known"),
)
