"""For each data type: its table, the moment that counts, and the conditions that hold a row.

What is held are short lists (`IN` a subquery), what refers to an image is one look into an index
(`EXISTS`): a database reads each table once, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.consensus_labels import RESERVED
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.retention import Cause
from mlmcsc.store.models import (
    accounts,
    alerts,
    api_tokens,
    archives,
    audit_logs,
    erasures,
    frozen_images,
    images,
    job_runs,
    label_reservations,
    labels,
    login_attempts,
    predictions,
    privacy_holds,
    privacy_requests,
    sessions,
    specimens,
    split_anchors,
    subjects,
    system_metrics,
    technicians,
)
from mlmcsc.store.queries.holds import (
    images_held,
    labels_held,
    predictions_held,
    specimens_held,
    technicians_of,
)
from mlmcsc.store.queries.retention.held import (
    Condition,
    Holds,
    Reached,
    any_hold,
    of_specimens,
    personal,
)
from mlmcsc.store.queries.rows import View


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows of one data type are.

    Attributes:
        table: Their table.
        since: The moment from which the period counts; a row without one is never due.
        holds: Why a row beyond its period stays; the first that applies is told.
        subject: What else makes a row one that the period is about.
        locks: Tables whose writers wait while a batch is chosen and goes.
    """

    table: sa.Table
    since: sa.ColumnElement[datetime]
    holds: Holds
    subject: Condition | None = None
    locks: tuple[sa.Table, ...] = ()

    def due(self, before: datetime) -> Condition:
        """Fits rows beyond their period."""
        late = self.since < before
        return late if self.subject is None else sa.and_(late, self.subject)

    def free(self, before: datetime) -> Condition:
        """Fits rows beyond their period that nothing holds."""
        # IS NOT TRUE: a condition about a person whom a row does not name is unknown, not false.
        return sa.and_(self.due(before), *(held.is_not(sa.true()) for held in self.holds.values()))


def source(view: View, name: str, cutoffs: Mapping[str, datetime]) -> Source:
    """The source of a data type.

    Args:
        view: An open transaction; holds that are placed later are not seen.
        name: A key of `domain.retention.TYPES`.
        cutoffs: Of the types that are dealt with in the same go: an image waits for labels and
            predictions that are kept, which all are where theirs is missing.
    """
    return _images(view, cutoffs) if name == "images" else _SOURCES[name](view)


def _labels(view: View) -> Source:
    c = labels.c
    holds = {
        Cause.SPECIMEN: of_specimens(c.image_id),
        Cause.PERSON: labels_held(view),
        Cause.RESTRICTED: c.technician_id.in_(technicians_of(view, HoldKind.RESTRICT)),
    }
    return Source(labels, c.timestamp, holds, locks=(labels,))


def _predictions(view: View) -> Source:
    c = predictions.c
    holds = {Cause.SPECIMEN: of_specimens(c.image_id), Cause.PERSON: predictions_held(view)}
    return Source(predictions, c.timestamp, holds, locks=(predictions,))


def _images(view: View, cutoffs: Mapping[str, datetime]) -> Source:
    c = images.c
    holds = {
        Cause.SPECIMEN: c.specimen_id.in_(specimens_held()),
        Cause.PERSON: images_held(view),
        Cause.VERSION: _frozen(),
        Cause.LABELS: _kept(_labels(view), cutoffs.get("labels")),
        Cause.PREDICTIONS: _kept(_predictions(view), cutoffs.get("predictions")),
        Cause.ARCHIVED: _archived(cutoffs.get("labels")),
    }
    return Source(images, c.created_at, holds, locks=(images, predictions, labels, frozen_images))


def _frozen() -> Condition:
    """Fits images of any data version; one look into the index per image."""
    f = frozen_images.alias().c
    return sa.exists(sa.select(f.image_id).where(f.image_id == images.c.id))


def _kept(of: Source, before: datetime | None) -> Condition:
    """Fits images with labels or predictions that stay; one look into the index per image."""
    query = sa.select(of.table.c.id).where(of.table.c.image_id == images.c.id)
    return sa.exists(query if before is None else query.where(sa.not_(of.free(before))))


def _archived(before: datetime | None) -> Condition:
    """Fits images whose first label is gone, while labels to be kept are in an archive."""
    a, anchored = archives.alias().c, split_anchors.alias().c
    kept = sa.select(a.id).where(a.table_name == labels.name, a.restored_at.is_(None))
    return sa.and_(
        sa.exists(kept if before is None else kept.where(a.newest >= before)),
        images.c.id.in_(sa.select(anchored.image_id)),
    )


def _archives_of(table: sa.Table) -> Source:
    """Archives that were not restored. Nobody knows here whose rows they hold."""
    c = archives.c
    of_table = sa.and_(c.table_name == table.name, c.restored_at.is_(None))
    return Source(archives, c.newest, {Cause.ANY_HOLD: any_hold()}, of_table)


def _audit(view: View) -> Source:
    """Events that still have something personal, or a payload.

    An event of a held person stays whole; so does one about a held row. A bulk event is about many
    rows and may be about a held one, so while any hold is in force it stays, too.
    """
    c = audit_logs.c
    holds = {
        Cause.PERSON: _of_person(view, HoldKind.HOLD),
        Cause.RESTRICTED: _of_person(view, HoldKind.RESTRICT),
        Cause.SPECIMEN: _of_held_rows(view),
        Cause.ANY_HOLD: sa.and_(c.record_id.is_(None), any_hold()),
        Cause.UNSEALED: sa.or_(c.leaf.is_(None), c.subject_id.is_(None)),
    }
    whole = sa.or_(
        c.who_salt.is_not(None),
        # What a redaction says of itself stays: it tells a redaction from a forgery.
        sa.and_(c.payload_salt.is_not(None), c.operation != Operation.REDACT.value),
        c.leaf.is_(None),
    )
    return Source(audit_logs, c.timestamp, holds, whole)


def events_held(view: View) -> Condition:
    """Events by people under a legal hold, and about rows under one."""
    return sa.or_(_of_person(view, HoldKind.HOLD), _of_held_rows(view))


def _of_person(view: View, kind: HoldKind) -> Condition:
    """Events by a person, or about their rows."""
    who, t = Reached.by(view, kind), technicians.c
    of_labels = sa.select(labels.c.id).where(who.technician(labels.c.technician_id))
    return sa.or_(
        who.person(audit_logs.c.subject_id),
        _about(labels, of_labels),
        _about(technicians, sa.select(t.id).where(who.technician(t.id))),
        _about(accounts, who.accounts()),
    )


def _of_held_rows(view: View) -> Condition:
    """Events about held specimens, and about what is held with images."""
    s = specimens.c
    return sa.or_(
        _about(specimens, sa.select(s.id).where(s.specimen_id.in_(specimens_held()))),
        _about(images, sa.select(images.c.id).where(images_held(view))),
        _about(labels, sa.select(labels.c.id).where(labels_held(view))),
        _about(predictions, sa.select(predictions.c.id).where(predictions_held(view))),
    )


def _about(table: sa.Table, ids: sa.Select[tuple[int]]) -> Condition:
    return sa.and_(audit_logs.c.table_name == table.name, audit_logs.c.record_id.in_(ids))


def _technicians(view: View) -> Source:
    c, s, e = technicians.c, subjects.alias().c, erasures.alias().c
    erased = sa.select(s.technician_id).where(
        s.technician_id.is_not(None), s.erased_at.is_not(None)
    )
    begun = sa.select(e.technician_row).where(e.technician_row.is_not(None))
    nobody = c.technician_id.in_(RESERVED) & c.is_active.is_(False)  # the row of consensus labels
    return Source(
        technicians,
        sa.func.coalesce(c.last_active, c.created_at),
        personal(view, lambda who: who.technician(c.id)),
        c.id.not_in(erased) & c.id.not_in(begun) & ~nobody,
    )


def _ended(view: View, table: sa.Table) -> Source:
    """Sessions or tokens, from when they were revoked, else from when they ran out."""
    c = table.c
    held = personal(view, lambda who: c.account_id.in_(who.accounts()))
    return Source(table, sa.func.coalesce(c.revoked_at, c.expires_at), held)


def _login_attempts(view: View) -> Source:
    c = login_attempts.c
    held = personal(view, lambda who: who.named(c.username))
    return Source(login_attempts, c.timestamp, held)


def _privacy_requests(view: View) -> Source:
    c = privacy_requests.c
    held = personal(view, lambda who: who.person(c.subject_id))
    return Source(privacy_requests, c.closed_at, held)


def _privacy_holds(view: View) -> Source:
    """Released ones; they are evidence while another is in force on the same person or specimen."""
    c = privacy_holds.c
    holds = {
        **personal(view, lambda who: who.person(c.subject_id)),
        Cause.SPECIMEN: c.specimen_id.in_(specimens_held()),
    }
    return Source(privacy_holds, c.released_at, holds)


_SOURCES: Mapping[str, Callable[[View], Source]] = {
    "labels": _labels,
    "predictions": _predictions,
    "archived_labels": lambda _view: _archives_of(labels),
    "archived_predictions": lambda _view: _archives_of(predictions),
    "archived_metrics": lambda _view: _archives_of(system_metrics),
    "metrics": lambda _view: Source(system_metrics, system_metrics.c.timestamp, {}),
    "login_attempts": _login_attempts,
    "sessions": lambda view: _ended(view, sessions),
    "api_tokens": lambda view: _ended(view, api_tokens),
    "alerts": lambda _view: Source(alerts, alerts.c.resolved_at, {}),
    "job_runs": lambda _view: Source(job_runs, job_runs.c.ended_at, {}),
    "label_reservations": lambda _view: Source(
        label_reservations, label_reservations.c.released_at, {}
    ),
    "privacy_requests": _privacy_requests,
    "privacy_holds": _privacy_holds,
    "audit": _audit,
    "technicians": _technicians,
}
