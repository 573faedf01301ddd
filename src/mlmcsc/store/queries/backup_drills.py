"""The register of drills, and what the database's health tells of its backups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.backups.drills import BackupStanding, DrillReport, MadeBackup, standing
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import audit_logs, backup_drills, backups
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_b, _d = backups.c, backup_drills.c
_LAST_DRILL = (
    sa.select(_d.passed)
    .where(_d.backup_id == _b.id)
    .order_by(_d.id.desc())
    .limit(1)
    .correlate(backups)
    .scalar_subquery()
)
_MADE: sa.Select[Any] = sa.select(
    _b.id,
    _b.name,
    _b.place,
    _b.set_id,
    _b.kind,
    _b.taken_at,
    _b.finished_at,
    _b.manifest_sha256,
    _b.pruned_at,
    _b.failed_at,
    _LAST_DRILL.label("drill_passed"),
)
_DRILLS = (
    sa.select(
        _d.id,
        _b.name,
        _b.set_id,
        _b.place,
        _b.taken_at,
        _d.started_at,
        _d.passed,
        _d.rto_seconds,
        _d.rpo_seconds,
        _d.details,
    )
    .join_from(backup_drills, backups, _d.backup_id == _b.id)
    .order_by(_d.id.desc())
)


def made(view: View) -> list[MadeBackup]:
    """Every backup in the register, oldest snapshot first."""
    query = _MADE.order_by(_b.taken_at, _b.id)
    return [MadeBackup(*row) for row in view.conn.execute(query)]


def of_set(view: View, set_id: str) -> MadeBackup | None:
    """The backup in the register that is this set."""
    row = view.conn.execute(_MADE.where(_b.set_id == set_id)).first()
    return None if row is None else MadeBackup(*row)


def last_scheduled(view: View) -> datetime | None:
    """When the snapshot of the newest scheduled backup was taken, also if it was removed since."""
    query = sa.select(_b.taken_at).where(_b.kind == "scheduled").order_by(_b.taken_at.desc())
    taken_at: datetime | None = view.conn.scalar(query.limit(1))
    return taken_at


def undrilled(view: View) -> list[MadeBackup]:
    """Scheduled backups that are there and were never drilled, oldest snapshot first."""
    query = _MADE.where(_b.kind == "scheduled", _b.pruned_at.is_(None), _LAST_DRILL.is_(None))
    return [MadeBackup(*row) for row in view.conn.execute(query.order_by(_b.taken_at, _b.id))]


def drills(view: View, limit: int) -> list[DrillReport]:
    """The newest drills, newest first."""
    return _reports(view, _DRILLS.limit(limit))


def glance(view: View, now: datetime) -> BackupStanding:
    """How well the database is backed up; four queries by index, whatever its size."""
    there = _MADE.where(_b.pruned_at.is_(None)).order_by(_b.taken_at.desc(), _b.id.desc())
    good = there.where(_b.failed_at.is_(None), sa.func.coalesce(_LAST_DRILL, sa.true()))
    row = view.conn.execute(good.limit(1)).first()
    last = _reports(view, _DRILLS.limit(1))
    passed = _reports(view, _DRILLS.where(_d.passed).limit(1))
    return standing(
        None if row is None else MadeBackup(*row),
        last[0] if last else None,
        passed[0] if passed else None,
        now,
    )


def first_event(view: View) -> datetime | None:
    """When the database's story begins."""
    query = sa.select(audit_logs.c.timestamp).order_by(audit_logs.c.id).limit(1)
    moment: datetime | None = view.conn.scalar(query)
    return moment


def base_events(view: View) -> list[dict[str, Any]]:
    """What the trail tells of base backups, made and removed, oldest first."""
    _a = audit_logs.c
    about = (_a.operation == Operation.BACKUP.value) & (_a.table_name == backups.name)
    query = sa.select(_a.new_values).where(about, _a.record_id.is_(None)).order_by(_a.id)
    told = view.conn.scalars(query)
    return [each for each in told if each is not None and each.get("kind") == "physical"]


def add_drill(tx: Transaction, backup_id: int, values: dict[str, Any]) -> int:
    """Write a drill into the register, with its event."""
    row = {"backup_id": backup_id} | values
    drill_id = rows.insert(tx, backup_drills, row)
    told = row | {"started_at": row["started_at"].isoformat()}
    tx.record(AuditEvent(Operation.BACKUP, backup_drills.name, drill_id, new_values=told))
    return drill_id


def _reports(view: View, query: sa.Select[Any]) -> list[DrillReport]:
    found: Sequence[Any] = view.conn.execute(query).all()
    return [DrillReport(*row) for row in found]
