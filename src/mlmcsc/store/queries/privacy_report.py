"""Numbers of the privacy report."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.domain.privacy.report import AuditCounts, PeopleCounts
from mlmcsc.store.base import metadata
from mlmcsc.store.models import (
    archives,
    audit_checkpoints,
    audit_logs,
    erasures,
    subjects,
    technicians,
)
from mlmcsc.store.queries.holds import held_subjects, restricted_subjects
from mlmcsc.store.queries.privacy_access import PERSONAL_TABLES
from mlmcsc.store.queries.rows import View, count


def people(view: View) -> PeopleCounts:
    """Subjects in numbers."""
    s = subjects.c
    alive = s.erased_at.is_(None)
    linked = sa.select(s.technician_id).where(s.technician_id.is_not(None))
    return PeopleCounts(
        known=count(view, subjects, alive),
        technicians=count(view, subjects, alive, s.technician_id.is_not(None)),
        erased=count(view, subjects, sa.not_(alive)),
        restricted=len(restricted_subjects(view)),
        held=len(held_subjects(view)),
        outside=count(view, technicians, technicians.c.id.not_in(linked)),
    )


def erasure_counts(view: View) -> tuple[int, int]:
    """Erasures that are finished, and that are not."""
    ended = erasures.c.finished_at
    return count(view, erasures, ended.is_not(None)), count(view, erasures, ended.is_(None))


def last_erasure(view: View) -> datetime | None:
    """When the last one was finished."""
    query = sa.select(sa.func.max(erasures.c.finished_at))
    found: datetime | None = view.conn.scalar(query)
    return found


def audit(view: View) -> AuditCounts:
    """The trail at a glance."""
    c = audit_checkpoints.c
    query = sa.select(c.created_at, c.tree_size).order_by(c.tree_size.desc()).limit(1)
    last = view.conn.execute(query).first()
    return AuditCounts(
        events=count(view, audit_logs),
        checkpoints=count(view, audit_checkpoints),
        last_checkpoint=None if last is None else last.created_at,
        last_size=0 if last is None else last.tree_size,
    )


def personal_archives(view: View) -> int:
    """Archives with rows about people that are not restored."""
    c = archives.c
    return count(view, archives, c.table_name == "labels", c.restored_at.is_(None))


def personal_exports(view: View) -> int:
    """Files with rows about people that were written."""
    c = audit_logs.c
    return count(
        view, audit_logs, c.operation == Operation.EXPORT.value, c.table_name.in_(PERSONAL_TABLES)
    )


def untagged() -> tuple[str, ...]:
    """Columns of the schema without a privacy tag."""
    return tuple(
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name not in REGISTER.get(table.name, {})
    )
