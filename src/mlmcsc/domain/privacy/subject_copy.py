"""The parts of a person's copy of their data (GDPR Art. 15(3))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mlmcsc.domain.records import Record

FORMAT = "mlmcsc-subject-copy-1"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one kind.

    Attributes:
        name: Key in the JSON file, and name of the CSV file.
        table: The table they come from.
        meaning: What they are, told to the person.
        columns: What is in them.
        period: The data type whose retention period applies; None: while the record lives.
        own: Whether all of it is about the person alone, so that nothing in it is replaced.
    """

    name: str
    table: str
    meaning: str
    columns: tuple[str, ...]
    period: str | None = None
    own: bool = False


def _part(
    name: str,
    table: str,
    columns: str,
    meaning: str,
    period: str | None = None,
    *,
    own: bool = False,
) -> Part:
    return Part(name, table, meaning, tuple(columns.split()), period, own)


LABEL = (
    "id image_id technician_id label label_type original_prediction original_confidence "
    "model_version_used timestamp time_spent difficulty_rating notes is_verified verified_by "
    "verification_timestamp annotation_data revision"
)
REVISION = (
    "id label_id revision label label_type notes difficulty_rating annotation_data is_verified "
    "verified_by replaced_at replaced_by reason"
)

PARTS = (
    _part(
        "person",
        "subjects",
        "subject_id identifier created_at",
        "How the program knows you, under each of your names.",
        own=True,
    ),
    _part(
        "technicians",
        "technicians",
        "id technician_id name email department experience_level created_at last_active is_active "
        "total_labels accuracy_score accuracy_labels accuracy_scored_at",
        "Your entry in the register of technicians.",
        "technicians",
        own=True,
    ),
    _part(
        "accounts",
        "accounts",
        "id username role technician_id is_active created_at last_login",
        "Your accounts, without secrets.",
        own=True,
    ),
    _part(
        "sessions",
        "sessions",
        "id account_id created_at last_seen expires_at revoked_at ip_address user_agent",
        "When and from where you were signed in.",
        "sessions",
        own=True,
    ),
    _part(
        "api_tokens",
        "api_tokens",
        "id account_id name scopes created_at expires_at last_used revoked_at",
        "Your API tokens, without secrets.",
        "api_tokens",
        own=True,
    ),
    _part(
        "login_attempts",
        "login_attempts",
        "id username ip_address timestamp succeeded",
        "Attempts to sign in with your logins.",
        "login_attempts",
        own=True,
    ),
    _part("labels", "labels", LABEL, "Measurements that you made, with your notes.", "labels"),
    _part(
        "label_revisions",
        "label_revisions",
        REVISION,
        "Earlier states of your measurements.",
        "labels",
    ),
    _part(
        "corrections",
        "label_revisions",
        "id label_id revision replaced_at replaced_by reason",
        "Colleagues' measurements that you corrected: when and why.",
        "labels",
    ),
    _part(
        "verifications",
        "labels",
        "id verified_by verification_timestamp",
        "Colleagues' measurements that you checked (id is the measurement's).",
        "labels",
    ),
    _part(
        "earlier_verifications",
        "label_revisions",
        "id label_id revision verified_by replaced_at",
        "Earlier states of colleagues' measurements that you checked.",
        "labels",
    ),
    _part(
        "label_reservations",
        "label_reservations",
        "id image_id technician_id purpose strategy reserved_at expires_at released_at label_id",
        "Images that were handed out to you to measure, and why: new, for a comparison with a "
        "colleague (overlap) or with yourself (duplicate), or with a reference (gold).",
    ),
    _part(
        "model_versions",
        "model_versions",
        "id version name description created_at created_by",
        "Versions of models that you entered.",
    ),
    _part(
        "data_versions",
        "data_versions",
        "id version name description created_at created_by",
        "Versions of data that you made.",
    ),
    _part(
        "alerts",
        "alerts",
        "id rule message acknowledged_at acknowledged_by",
        "Alerts that you acknowledged.",
        "alerts",
    ),
    _part(
        "audit",
        "audit_logs",
        "id timestamp operation table_name record_id n_rows user_id reason ip_address user_agent "
        "old_values new_values",
        "Events of the audit trail that you caused, or that are about your entry, your "
        "measurements, your requests and holds on your data. Values before and after are given of "
        "your own entry; network address and client program of your own acts.",
        "audit",
    ),
    _part(
        "exports",
        "audit_logs",
        "id timestamp table_name n_rows user_id new_values",
        "Files that were written from the database and may contain rows about you: recipients. "
        "Names of colleagues are replaced in their paths.",
        "audit",
    ),
    _part(
        "privacy_requests",
        "privacy_requests",
        "id kind subject_id received_at due_at state closed_at outcome",
        "Your requests, and how they were answered.",
        "privacy_requests",
    ),
    _part(
        "privacy_holds",
        "privacy_holds",
        "id kind subject_id ground placed_at released_at release_reason",
        "Restrictions and legal holds on your data.",
        "privacy_holds",
    ),
    _part(
        "erasures",
        "erasures",
        "id subject_id labels ground started_at finished_at",
        "An erasure of your data that is under way.",
    ),
)
"""Every part that comes from the database, in the order of the copy."""

MENTIONED = _part(
    "mentions",
    "free text",
    "table column id text",
    "Texts of colleagues in which you are named; who wrote them is left out.",
)
"""What others wrote of the person is about them, too."""

FROZEN = _part(
    "frozen",
    "data_versions",
    "version commitment rows recipients",
    "Versions of data that rest on measurements of yours: the hash that commits to a version's "
    "rows, how many of these rest on yours, and to whom it was given. Your name is not in them.",
)
"""Measurements in the files of data versions."""

_MOVED = ("labels", "label_revisions", "corrections", "verifications", "earlier_verifications")
ARCHIVED = {
    part.name: replace(
        part,
        name=f"archived_{part.name}",
        meaning=f"{part.meaning.removesuffix('.')}, moved into archive files.",
    )
    for part in PARTS
    if part.name in _MOVED
}
"""The parts that come from archives, by the part that they continue."""

NEVER_REPLACED = frozenset(
    {"operation", "table_name", "kind", "state", "subject_id", "label_type", "labels", "strategy"}
)
"""Columns of the program's own words."""
PEOPLE = frozenset({"verified_by", "replaced_by", "created_by", "acknowledged_by", "user_id"})
"""Columns that name a person."""
WHILE_IT_LIVES = "no date: while the record lives, or until what it is about has ended"


@dataclass(frozen=True, slots=True)
class CopyReport(Record):
    """A copy that was written.

    Attributes:
        subject_id: The person's random id.
        path: The JSON file.
        sha256: Its digest.
        csv: The folder of CSV files; None where none were asked for.
        rows: Rows of each part.
        generated_at: When.
        incomplete: What could not be read, and why; empty when all is there.
    """

    subject_id: str
    path: str
    sha256: str
    csv: str | None
    rows: Mapping[str, int]
    generated_at: datetime
    incomplete: tuple[str, ...] = ()
