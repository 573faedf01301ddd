"""The register of people's requests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.privacy.requests import DONE, OPEN, RequestRecord
from mlmcsc.store.models import privacy_requests, subjects
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_c = privacy_requests.c
_COLUMNS: dict[str, sa.Column[Any]] = {**_c, "person": subjects.c.identifier}


def listing(
    view: View,
    *,
    subject_ids: Collection[str] | None = None,
    closed: bool = True,
    request_id: int | None = None,
) -> list[RequestRecord]:
    """Requests by their deadline, the most pressing first.

    Args:
        view: An open transaction.
        subject_ids: Of these people only.
        closed: Also those that were answered.
        request_id: The one of this number only.
    """
    query = (
        sa.select(*(_COLUMNS[f.name] for f in fields(RequestRecord)))
        .select_from(privacy_requests)
        .outerjoin(subjects, subjects.c.subject_id == _c.subject_id)
        .order_by(_c.due_at, _c.id)
    )
    if subject_ids is not None:
        query = query.where(_c.subject_id.in_(list(subject_ids)))
    if not closed:
        query = query.where(_c.state == OPEN)
    if request_id is not None:
        query = query.where(_c.id == request_id)
    return [RequestRecord(*row) for row in view.conn.execute(query)]


def one(tx: Transaction, request_id: int) -> RequestRecord | None:
    """The request of this number; others who change the register wait."""
    tx.dialect.lock_table(tx.conn, privacy_requests)
    found = listing(tx, request_id=request_id)
    return found[0] if found else None


def close(tx: Transaction, request: RequestRecord, state: str, outcome: str) -> None:
    """Mark one request as answered, with its event."""
    told = outcome if request.outcome is None else f"{request.outcome}\n{outcome}"
    values = {
        "state": state,
        "closed_at": tx.now,
        "handled_by": tx.vault.person(tx, tx.actor.subject),
        "outcome": told,
    }
    rows.update(tx, privacy_requests, request.id, values)
    old = {"kind": request.kind, "subject_id": request.subject_id, "state": request.state}
    tx.record(AuditEvent(Operation.REQUEST, "privacy_requests", request.id, old, values))


def close_for(
    tx: Transaction, subject_ids: Collection[str], kinds: Collection[str], outcome: str
) -> tuple[int, ...]:
    """Mark a person's open requests of these kinds as done.

    Args:
        tx: The open transaction.
        subject_ids: All random ids of the person: a request may be filed under any.
        kinds: Such as `["erasure"]`.
        outcome: What was done, without a name.

    Returns:
        Their numbers.
    """
    tx.dialect.lock_table(tx.conn, privacy_requests)
    found = listing(tx, subject_ids=subject_ids, closed=False)
    chosen = [request for request in found if request.kind in kinds]
    for request in chosen:
        close(tx, request, DONE, outcome)
    return tuple(request.id for request in chosen)
