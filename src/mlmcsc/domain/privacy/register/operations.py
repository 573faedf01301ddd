"""Tags of the audit trail, metrics, settings, jobs and alerts."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

OPERATIONS: Mapping[str, Columns] = {
    "audit_logs": columns(
        (named.EVENT, "id operation table_name record_id timestamp n_rows subject_id"),
        (named.EVENT_ACTOR, "user_id"),
        (named.EVENT_VALUES, "old_values new_values"),
        (named.EVENT_REASON, "reason"),
        (named.EVENT_CONNECTION, "ip_address user_agent"),
        (named.EVENT_SALT, "who_salt"),
        (named.EVENT_PROOF, "digest who_commit payload_salt payload_commit leaf seq"),
    ),
    "audit_checkpoints": columns(
        (named.NOT_PERSONAL, "id created_at tree_size root_hash key_id signature"),
    ),
    "system_metrics": columns(
        (
            named.NOT_PERSONAL,
            "id metric_name metric_value metric_unit component timestamp metric_metadata",
        ),
    ),
    "settings": columns((named.NOT_PERSONAL, "key value")),
    "job_leases": columns((named.NOT_PERSONAL, "job holder fencing_token expires_at")),
    "job_runs": columns(
        (
            named.NOT_PERSONAL,
            "id job slot host pid fencing_token started_at ended_at outcome numbers",
        ),
        (named.PROGRAM_MESSAGE, "error"),
    ),
    "alerts": columns(
        (named.NOT_PERSONAL, "id rule fingerprint severity state opened_at resolved_at"),
        (named.PROGRAM_MESSAGE, "message details"),
        (named.ACKNOWLEDGED_BY, "acknowledged_by"),
        (named.ACKNOWLEDGED_AT, "acknowledged_at"),
    ),
}
"""The database's own affairs."""
