"""Which tables may leave, which may come in, and why others may not."""

from __future__ import annotations

import difflib
from typing import Any

from mlmcsc.domain.permissions import Permission
from mlmcsc.domain.tables import WRITABLE
from mlmcsc.errors import UnsupportedError, ValidationError
from mlmcsc.services.exchange.reports import TableInfo
from mlmcsc.store import models

EXPORTED: dict[str, Any] = {
    table.name: table
    for table in (
        models.specimens,
        models.images,
        models.image_aliases,
        models.technicians,
        models.model_versions,
        models.predictions,
        models.labels,
        models.label_revisions,
        models.features,
        models.feature_sets,
        models.data_versions,
        models.version_tags,
        models.version_features,
        models.dataset_exports,
        models.audit_logs,
        models.system_metrics,
        models.alerts,
        models.job_runs,
        models.image_quality,
        models.label_reservations,
        models.backups,
        models.backup_drills,
    )
}

NOT_EXPORTED = {
    **dict.fromkeys(
        ("accounts", "sessions", "api_tokens", "login_attempts", "subjects"),
        "it holds credentials or keys, which never leave the database",
    ),
    **dict.fromkeys(
        ("settings", "job_leases", "audit_checkpoints", "archives", "split_anchors", "split_links"),
        "it is the database's own book-keeping",
    ),
    **dict.fromkeys(
        ("privacy_requests", "privacy_holds", "erasures"),
        "it is the register of people's rights; see `privacy report`",
    ),
    **dict.fromkeys(
        ("image_fingerprints", "near_duplicates"), "it is derived from the image files at ingest"
    ),
    **dict.fromkeys(
        ("quality_aggregates", "quality_marks"),
        "it keeps sums of other tables; see `quality check`",
    ),
    **dict.fromkeys(
        ("frozen_images", "feature_revisions"), "it belongs to frozen versions; use version export"
    ),
}

NOT_IMPORTED = {
    **NOT_EXPORTED,
    "audit_logs": "an audit trail that can be imported proves nothing; restore a backup instead",
    "data_versions": "a version describes the data that this database froze; create one instead",
    "version_tags": "a tag names a version of this database; use version tag",
    "version_features": "a version describes the data that this database froze",
    "dataset_exports": "exports are listed as they are made",
    "label_revisions": "revisions come about by correcting labels, with a reason",
    "image_aliases": "aliases come about by ingesting the same content at another path",
    "feature_sets": "sets come about by storing features",
    "alerts": "alerts are raised by the monitoring",
    "job_runs": "runs are written by the pipeline",
    "image_quality": "quality is measured; see `quality update-scores`",
    "label_reservations": "images are handed out by `labels queue`",
    "backups": "backups are listed as they are made",
    "backup_drills": "drills are recorded as they are done",
}

EXPORT_NEEDS = {
    "technicians": Permission.MANAGE_PEOPLE,
    "audit_logs": Permission.ADMINISTER,
    "job_runs": Permission.ADMINISTER,
    "alerts": Permission.ADMINISTER,
    "backups": Permission.BACKUP,
    "backup_drills": Permission.BACKUP,
}
"""What beyond `read` an export needs: personal data and the running of the system."""

REJECT_COLUMNS = ("_line", "_reason")


COMMITMENTS = frozenset({"who_salt", "who_commit", "payload_salt", "payload_commit", "leaf"})
"""Raw hashes of audit events: `audit export --evidence` gives them with their proofs."""


def exported_columns(table: Any) -> list[str]:
    """The columns of a table that may leave, in order."""
    names = [str(column.name) for column in table.c]  # SQLAlchemy's names are a subclass
    return [name for name in names if table is not models.audit_logs or name not in COMMITMENTS]


def read_only(table: str) -> frozenset[str]:
    """Columns that an export has and an import passes over: mlmcsc fills them itself."""
    own = {column.name for column in EXPORTED[table].c}
    return frozenset(own - WRITABLE[table].by_name.keys() | set(REJECT_COLUMNS))


def exported_table(name: str) -> Any:
    """A table that may be exported.

    Raises:
        UnsupportedError: If it must not be; the message says why.
        ValidationError: If there is no such table.
    """
    if name not in EXPORTED:
        raise _refused("exported", name, NOT_EXPORTED)
    return EXPORTED[name]


def check_importable(name: str) -> None:
    """Refuse tables that cannot be imported.

    Raises:
        UnsupportedError: If it must not be; the message says why.
        ValidationError: If there is no such table.
    """
    if name not in WRITABLE:
        raise _refused("imported", name, NOT_IMPORTED)


def _refused(what: str, name: str, reasons: dict[str, str]) -> Exception:
    if name in reasons:
        return UnsupportedError(f"{name} cannot be {what}: {reasons[name]}.")
    allowed = EXPORTED if what == "exported" else WRITABLE
    near = difflib.get_close_matches(name, [*allowed, *reasons], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ValidationError(f"There is no table {name!r}.{hint} Choose from {', '.join(allowed)}.")


def every_table() -> tuple[TableInfo, ...]:
    """All tables, and what may be done with them."""
    names = [*EXPORTED, *NOT_EXPORTED]
    return tuple(
        TableInfo(n, n in WRITABLE, n in EXPORTED, NOT_EXPORTED.get(n) or NOT_IMPORTED.get(n))
        for n in names
    )
