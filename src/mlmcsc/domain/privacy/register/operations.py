"""Tags of the audit trail, metrics, settings, jobs and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import (
    Columns,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)

EVENT = Tag(
    "changes made by a person",
    SubjectKind.ACTOR,
    why.TRAIL,
    action=EraseAction.RESTRICT,
    ground=why.TECHNICAL_RECORDS,
    how=named.UNDER_SUBJECT_ID,
    source=Source.GENERATED,
)
EVENT_PROOF = replace(
    EVENT,
    category="commitments and hashes",
    how="kept, so that the trail's proofs hold: they tell nothing of what was removed",
)
EVENT_ACTOR = replace(
    EVENT,
    category="who made a change",
    retention=named.AUDIT,
    how="replaced by the random subject id, which is kept for proof only",
    identifier=True,
)
EVENT_VALUES = replace(
    EVENT,
    category="values before and after a change",
    retention=named.AUDIT,
    how="personal values in it are sealed, and unreadable as their key is destroyed; all values of "
    "an event in which a text names the person in clear are redacted, colleagues' events included "
    "(they are counted); the others are kept for proof only, until their "
    "retention ends",
    free_text=True,
)
EVENT_VALUES_SALT = replace(
    EVENT_PROOF,
    category="salts of commitments",
    retention=named.AUDIT,
    how="kept as long as the values that it proves, and removed with them",
)
EVENT_REASON = replace(
    EVENT,
    category="reasons of changes",
    retention=named.AUDIT,
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="removed; its commitment stays, which cannot be guessed without the salt",
    free_text=True,
    source=Source.PERSON,
)
EVENT_CONNECTION = replace(
    EVENT_REASON,
    category="network addresses and client programs",
    sealed=True,
    free_text=False,
    source=Source.GENERATED,
)
EVENT_SALT = replace(
    EVENT_REASON,
    category="salts of commitments",
    how="removed, so that the removed values cannot be guessed from their commitment",
    free_text=False,
    source=Source.GENERATED,
)
DRILL_MESSAGE = replace(named.PROGRAM_MESSAGE, retention=named.DESCRIPTION.retention)

OPERATIONS: Mapping[str, Columns] = {
    "audit_logs": columns(
        (EVENT, "id operation table_name record_id timestamp n_rows subject_id"),
        (EVENT_ACTOR, "user_id"),
        (EVENT_VALUES, "old_values new_values"),
        (EVENT_REASON, "reason"),
        (EVENT_CONNECTION, "ip_address user_agent"),
        (EVENT_SALT, "who_salt"),
        (EVENT_VALUES_SALT, "payload_salt"),
        (EVENT_PROOF, "digest who_commit payload_commit leaf seq"),
    ),
    "audit_checkpoints": columns(
        (named.NOT_PERSONAL, "id created_at tree_size root_hash key_id signature"),
    ),
    "system_metrics": columns(
        (
            named.NOT_PERSONAL,
            "id metric_name metric_value metric_unit timestamp",
        ),
        (named.PARAMETERS, "component metric_metadata"),
    ),
    "settings": columns((named.NOT_PERSONAL, "key value")),
    "job_leases": columns((named.NOT_PERSONAL, "job holder fencing_token expires_at")),
    "job_runs": columns(
        (
            named.NOT_PERSONAL,
            "id job slot pid fencing_token started_at ended_at outcome",
        ),
        (named.PROGRAM_MESSAGE, "host numbers error"),
    ),
    "alerts": columns(
        (named.NOT_PERSONAL, "id fingerprint severity state opened_at resolved_at"),
        (named.PROGRAM_MESSAGE, "rule message details"),
        (named.ACKNOWLEDGED_BY, "acknowledged_by"),
        (named.ACKNOWLEDGED_AT, "acknowledged_at"),
    ),
    "backups": columns(
        (
            named.NOT_PERSONAL,
            "id name set_id kind taken_at finished_at n_bytes new_bytes encrypted",
        ),
        (named.NOT_PERSONAL, "with_images manifest_sha256 verified_at failed_at pruned_at"),
        (named.FILE_PATH, "place"),
    ),
    "backup_drills": columns(
        (named.NOT_PERSONAL, "id backup_id started_at passed rto_seconds rpo_seconds"),
        (DRILL_MESSAGE, "details"),
    ),
}
"""The database's own affairs."""
