"""The rows about and by one person, in pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.subject_copy import Part
from mlmcsc.store.models import (
    accounts,
    alerts,
    api_tokens,
    audit_logs,
    data_versions,
    erasures,
    label_reservations,
    label_revisions,
    labels,
    login_attempts,
    model_versions,
    privacy_holds,
    privacy_requests,
    sessions,
    subjects,
    technicians,
)
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View
from mlmcsc.store.types import AuditJson

PAGE = 2_000
"""Rows held in memory."""
SINCE, ROW = "_since", "_row"
"""Beside a part's columns: from when its retention period counts, and its id."""

PERSONAL_TABLES = ("technicians", "labels", "label_revisions", "audit_logs", "subjects")
"""Tables whose exports hold rows about people."""

WRITTEN = (
    labels.c.verified_by,
    label_revisions.c.verified_by,
    label_revisions.c.replaced_by,
    model_versions.c.created_by,
    data_versions.c.created_by,
    alerts.c.acknowledged_by,
    audit_logs.c.user_id,
    accounts.c.username,
    technicians.c.technician_id,
    subjects.c.identifier,
)
"""Columns in which people stand under a staff number, login or written name."""

Query = sa.Select[Any]
_l, _r, _a = labels.c, label_revisions.c, audit_logs.c


def pages(
    view: View, who: Person, part: Part, archived_labels: Sequence[int] = ()
) -> Iterator[Sequence[sa.Row[Any]]]:
    """The rows of a part by id, sealed texts still sealed, with `SINCE` and `ROW`.

    Args:
        view: An open transaction.
        who: Whose.
        part: Which; of the trail also events about labels that are archived.
        archived_labels: Their ids.
    """
    table, source, condition, since = _SOURCES[part.name](who)
    if archived_labels:
        about = view.dialect.ids_in(_a.record_id, sorted(archived_labels))
        condition |= sa.and_(_a.table_name == "labels", about)
    columns: list[Any] = [_readable(table.c[name]) for name in part.columns]
    query: Query = (
        sa.select(*columns, since.label(SINCE), table.c.id.label(ROW))
        .select_from(source)
        .where(condition)
        .order_by(table.c.id)
        .limit(PAGE)
    )
    last = 0
    while True:
        rows = view.conn.execute(query.where(table.c.id > last)).all()
        if not rows:
            return
        yield rows
        last = rows[-1][-1]


def _readable(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Payloads of events as text: one that somebody damaged must not stop the copy."""
    if isinstance(column.type, AuditJson):
        return sa.cast(column, sa.Text).label(column.name)
    return column


def other_names(view: View, who: Person) -> set[str]:
    """Every staff number, login and written name of everybody else."""
    found: set[str] = set()
    for column in WRITTEN:
        query = (
            sa.select(column)
            .where(column.is_not(None), sa.not_(is_called(column, who.identifiers)))
            .distinct()
        )
        found.update(view.conn.scalars(query))
    return found


def technicians_facts(view: View, who: Person, *, own: bool) -> list[tuple[str, str | None]]:
    """Names and e-mail addresses, sealed: the person's own, or everybody else's."""
    c = technicians.c
    is_own = _technician(c.id, who)
    query = sa.select(c.name, c.email).where(is_own if own else sa.not_(is_own))
    return [(name, email) for name, email in view.conn.execute(query)]


def has_labels(view: View, technician: int, after_id: int, until: Any) -> bool:
    """Whether an export of labels at this moment may have held one of the technician's."""
    query = sa.select(sa.literal(1)).where(
        _l.technician_id == technician, _l.id > after_id, _l.timestamp <= until
    )
    return view.conn.execute(query.limit(1)).first() is not None


Source = tuple[sa.Table, sa.FromClause, sa.ColumnElement[bool], sa.ColumnElement[Any]]


def _of(column: sa.Column[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    return column.in_(list(values)) if values else sa.false()


def _technician(column: sa.Column[Any], who: Person) -> sa.ColumnElement[bool]:
    return sa.false() if who.technician_row is None else column == who.technician_row


def _own_labels(who: Person) -> Query:
    return sa.select(_l.id).where(_technician(_l.technician_id, who))


def _accounts(who: Person) -> sa.ColumnElement[bool]:
    c = accounts.c
    return sa.or_(is_called(c.username, who.identifiers), _technician(c.technician_id, who))


def _of_accounts(who: Person, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.select(accounts.c.id).where(_accounts(who)))


def _plain(
    table: sa.Table,
    condition: Callable[[Person], sa.ColumnElement[bool]],
    since: sa.ColumnElement[Any] | None = None,
) -> Callable[[Person], Source]:
    moment = sa.null() if since is None else since
    return lambda who: (table, table, condition(who), moment)


def _with_label(
    condition: Callable[[Person], sa.ColumnElement[bool]],
) -> Callable[[Person], Source]:
    """Revisions are kept as long as their label."""
    joined = label_revisions.join(labels, _l.id == _r.label_id)
    return lambda who: (label_revisions, joined, condition(who), _l.timestamp)


def _others_label(who: Person) -> sa.ColumnElement[bool]:
    return sa.not_(_technician(_l.technician_id, who))


def _about_or_by(who: Person) -> sa.ColumnElement[bool]:
    about = [
        sa.and_(_a.table_name == "technicians", _technician(_a.record_id, who)),
        sa.and_(_a.table_name == "labels", _a.record_id.in_(_own_labels(who))),
    ]
    for table in (privacy_requests, privacy_holds, erasures):
        rows = sa.select(table.c.id).where(_of(table.c.subject_id, who.subject_ids))
        about.append(sa.and_(_a.table_name == table.name, _a.record_id.in_(rows)))
    return sa.or_(
        is_called(_a.user_id, who.identifiers), _of(_a.subject_id, who.subject_ids), *about
    )


def _subject(table: sa.Table) -> Callable[[Person], sa.ColumnElement[bool]]:
    return lambda who: _of(table.c.subject_id, who.subject_ids)


def _named(column: sa.Column[Any]) -> Callable[[Person], sa.ColumnElement[bool]]:
    return lambda who: is_called(column, who.identifiers)


_SOURCES: dict[str, Callable[[Person], Source]] = {
    "person": _plain(subjects, _subject(subjects)),
    "technicians": _plain(
        technicians,
        lambda who: _technician(technicians.c.id, who),
        sa.func.coalesce(technicians.c.last_active, technicians.c.created_at),
    ),
    "accounts": _plain(accounts, _accounts),
    "sessions": _plain(
        sessions,
        lambda who: _of_accounts(who, sessions.c.account_id),
        sa.func.coalesce(sessions.c.revoked_at, sessions.c.expires_at),
    ),
    "api_tokens": _plain(
        api_tokens,
        lambda who: _of_accounts(who, api_tokens.c.account_id),
        sa.func.coalesce(api_tokens.c.revoked_at, api_tokens.c.expires_at),
    ),
    "login_attempts": _plain(
        login_attempts, _named(login_attempts.c.username), login_attempts.c.timestamp
    ),
    "labels": _plain(labels, lambda who: _technician(_l.technician_id, who), _l.timestamp),
    "label_revisions": _with_label(lambda who: _technician(_l.technician_id, who)),
    "corrections": _with_label(
        lambda who: sa.and_(is_called(_r.replaced_by, who.identifiers), _others_label(who))
    ),
    "verifications": _plain(
        labels,
        lambda who: sa.and_(is_called(_l.verified_by, who.identifiers), _others_label(who)),
        _l.timestamp,
    ),
    "earlier_verifications": _with_label(
        lambda who: sa.and_(is_called(_r.verified_by, who.identifiers), _others_label(who))
    ),
    "label_reservations": _plain(
        label_reservations, lambda who: _technician(label_reservations.c.technician_id, who)
    ),
    "model_versions": _plain(model_versions, _named(model_versions.c.created_by)),
    "data_versions": _plain(data_versions, _named(data_versions.c.created_by)),
    "alerts": _plain(alerts, _named(alerts.c.acknowledged_by), alerts.c.resolved_at),
    "audit": _plain(audit_logs, _about_or_by, _a.timestamp),
    "exports": _plain(
        audit_logs,
        lambda _who: sa.and_(
            _a.operation == Operation.EXPORT.value, _a.table_name.in_(PERSONAL_TABLES)
        ),
        _a.timestamp,
    ),
    "privacy_requests": _plain(
        privacy_requests, _subject(privacy_requests), privacy_requests.c.closed_at
    ),
    "privacy_holds": _plain(privacy_holds, _subject(privacy_holds), privacy_holds.c.released_at),
    "erasures": _plain(erasures, _subject(erasures)),
}
