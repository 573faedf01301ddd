"""For each data type: its table, the moment that counts, and the conditions that hold a row.

What is held are short lists (`IN` a subquery), what refers to an image is one look into an index
(`EXISTS`): a database reads each table once, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.retention import Cause
from mlmcsc.store.models import (
    accounts,
    alerts,
    api_tokens,
    audit_logs,
    erasures,
    images,
    job_runs,
    labels,
    login_attempts,
    predictions,
    privacy_holds,
    privacy_requests,
    sessions,
    specimens,
    subjects,
    system_metrics,
    technicians,
)
from mlmcsc.store.queries.holds import images_held, labels_held

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows of one data type are.

    Attributes:
        table: Their table.
        since: The moment from which the period counts; a row without one is never due.
        holds: Why a row beyond its period stays; the first that applies is told.
        subject: What else makes a row one that the period is about.
    """

    table: sa.Table
    since: sa.ColumnElement[datetime]
    holds: Mapping[Cause, Condition]
    subject: Condition | None = None

    def due(self, before: datetime) -> Condition:
        """Fits rows beyond their period."""
        late = self.since < before
        return late if self.subject is None else sa.and_(late, self.subject)

    def free(self, before: datetime) -> Condition:
        """Fits rows beyond their period that nothing holds."""
        # IS NOT TRUE: a condition about a person that a row does not name is unknown, not false.
        return sa.and_(self.due(before), *(held.is_not(sa.true()) for held in self.holds.values()))


def source(name: str, cutoffs: Mapping[str, datetime]) -> Source:
    """The source of a data type.

    Args:
        name: A key of `domain.retention.TYPES`.
        cutoffs: Of the types that are dealt with in the same go: an image waits for labels and
            predictions that are kept, which all are where theirs is missing.
    """
    return _images(cutoffs) if name == "images" else _SOURCES[name]()


def _in_force() -> Condition:
    return privacy_holds.c.released_at.is_(None)


def _held_people() -> sa.Select[tuple[str]]:
    """Subject ids under a hold or a restriction: restricted data are kept, too (Art. 18(2))."""
    c = privacy_holds.c
    return sa.select(c.subject_id).where(_in_force(), c.subject_id.is_not(None))


def _held_specimens() -> sa.Select[tuple[str]]:
    c = privacy_holds.c
    return sa.select(c.specimen_id).where(_in_force(), c.specimen_id.is_not(None))


def _of_held_specimens(image_id: sa.ColumnElement[int]) -> Condition:
    return image_id.in_(sa.select(images.c.id).where(images.c.specimen_id.in_(_held_specimens())))


def _held_technicians() -> sa.Select[tuple[int]]:
    c = subjects.c
    return sa.select(c.technician_id).where(
        c.technician_id.is_not(None), c.subject_id.in_(_held_people())
    )


def _held_accounts() -> sa.Select[tuple[int]]:
    by_login = accounts.c.username.in_(_held_names())
    return sa.select(accounts.c.id).where(
        sa.or_(by_login, accounts.c.technician_id.in_(_held_technicians()))
    )


def _held_names() -> sa.Select[tuple[str]]:
    c = subjects.c
    return sa.select(c.identifier).where(
        c.identifier.is_not(None), c.subject_id.in_(_held_people())
    )


def _labels() -> Source:
    of_specimen = _of_held_specimens(labels.c.image_id)
    return Source(
        labels, labels.c.timestamp, {Cause.SPECIMEN: of_specimen, Cause.PERSON: labels_held()}
    )


def _predictions() -> Source:
    c = predictions.c
    return Source(predictions, c.timestamp, {Cause.SPECIMEN: _of_held_specimens(c.image_id)})


def _images(cutoffs: Mapping[str, datetime]) -> Source:
    c = images.c
    holds = {
        Cause.SPECIMEN: c.specimen_id.is_not(None) & c.specimen_id.in_(_held_specimens()),
        Cause.PERSON: images_held(),
        Cause.LABELS: _kept(_labels(), cutoffs.get("labels")),
        Cause.PREDICTIONS: _kept(_predictions(), cutoffs.get("predictions")),
    }
    return Source(images, c.created_at, holds)


def _kept(of: Source, before: datetime | None) -> Condition:
    """Fits images with labels or predictions that stay; one look into the index per image."""
    query = sa.select(of.table.c.id).where(of.table.c.image_id == images.c.id)
    return sa.exists(query if before is None else query.where(sa.not_(of.free(before))))


def _audit() -> Source:
    """Events that still have something personal, or a payload.

    An event of a held person stays whole; so does one about a held row. A bulk event is about many
    rows and may be about a held one, so while any hold is in force it stays, too.
    """
    c = audit_logs.c
    person = sa.or_(
        c.subject_id.in_(_held_people()),
        _about(labels, sa.select(labels.c.id).where(labels_held())),
        _about(technicians, _held_technicians()),
        _about(accounts, _held_accounts()),
    )
    of_specimen = sa.select(specimens.c.id).where(specimens.c.specimen_id.in_(_held_specimens()))
    specimen = sa.or_(
        _about(specimens, of_specimen),
        _about(images, sa.select(images.c.id).where(images_held())),
        _about(
            predictions,
            sa.select(predictions.c.id).where(_of_held_specimens(predictions.c.image_id)),
        ),
    )
    bulk = c.record_id.is_(None) & sa.exists(sa.select(privacy_holds.c.id).where(_in_force()))
    holds = {
        Cause.PERSON: person,
        Cause.SPECIMEN: specimen,
        Cause.ANY_HOLD: bulk,
        Cause.UNSEALED: c.leaf.is_(None),
    }
    whole = sa.or_(c.who_salt.is_not(None), c.payload_salt.is_not(None), c.leaf.is_(None))
    return Source(audit_logs, c.timestamp, holds, whole)


def _about(table: sa.Table, ids: sa.Select[tuple[int]]) -> Condition:
    return sa.and_(audit_logs.c.table_name == table.name, audit_logs.c.record_id.in_(ids))


def _technicians() -> Source:
    c = technicians.c
    erased = sa.select(subjects.c.technician_id).where(
        subjects.c.technician_id.is_not(None), subjects.c.erased_at.is_not(None)
    )
    done = sa.select(erasures.c.technician_row).where(erasures.c.technician_row.is_not(None))
    return Source(
        technicians,
        sa.func.coalesce(c.last_active, c.created_at),
        {Cause.PERSON: c.id.in_(_held_technicians())},
        c.id.not_in(erased) & c.id.not_in(done),
    )


def _sessions() -> Source:
    c = sessions.c
    held = {Cause.PERSON: c.account_id.in_(_held_accounts())}
    return Source(sessions, sa.func.coalesce(c.revoked_at, c.expires_at), held)


def _api_tokens() -> Source:
    c = api_tokens.c
    held = {Cause.PERSON: c.account_id.in_(_held_accounts())}
    return Source(api_tokens, sa.func.coalesce(c.revoked_at, c.expires_at), held)


def _login_attempts() -> Source:
    c = login_attempts.c
    return Source(login_attempts, c.timestamp, {Cause.PERSON: c.username.in_(_held_names())})


def _privacy_requests() -> Source:
    c = privacy_requests.c
    held = {Cause.PERSON: c.subject_id.in_(_held_people())}
    return Source(privacy_requests, c.closed_at, held)


def _privacy_holds() -> Source:
    c = privacy_holds.c
    held = {
        Cause.PERSON: c.subject_id.is_not(None) & c.subject_id.in_(_held_people()),
        Cause.SPECIMEN: c.specimen_id.is_not(None) & c.specimen_id.in_(_held_specimens()),
    }
    return Source(privacy_holds, c.released_at, held)


_SOURCES: Mapping[str, Callable[[], Source]] = {
    "labels": _labels,
    "predictions": _predictions,
    "metrics": lambda: Source(system_metrics, system_metrics.c.timestamp, {}),
    "login_attempts": _login_attempts,
    "sessions": _sessions,
    "api_tokens": _api_tokens,
    "alerts": lambda: Source(alerts, alerts.c.resolved_at, {}),
    "job_runs": lambda: Source(job_runs, job_runs.c.ended_at, {}),
    "privacy_requests": _privacy_requests,
    "privacy_holds": _privacy_holds,
    "audit": _audit,
    "technicians": _technicians,
}
