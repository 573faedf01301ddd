"""Labels, their revisions, and who made how many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlmcsc.domain.records import LabelRecord, LabelRevisionRecord
from mlmcsc.domain.results import Page
from mlmcsc.store.models import images, label_revisions, labels, technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.uow import Transaction

_PARENTS = rows.both_known(images, technicians)


def require_parents(view: View, image_id: int, technician_id: int) -> None:
    """Refuse ids that point nowhere.

    Raises:
        UnknownRecordError: Naming the id.
    """
    rows.require_both(view, _PARENTS, image=image_id, technician=technician_id)


def page(view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int) -> Page[LabelRecord]:
    """Labels by id, in their current state."""
    c = labels.c
    found = given(
        wanted,
        image_id=c.image_id.__eq__,
        image_ids=lambda ids: view.dialect.ids_in(c.image_id, ids),
        technician_id=c.technician_id.__eq__,
        label_type=c.label_type.__eq__,
        is_verified=c.is_verified.__eq__,
        since=c.timestamp.__ge__,
        until=c.timestamp.__lt__,
    )
    return rows.page(view, labels, LabelRecord, found, after_id=after_id, limit=limit)


_COUNT_LABELS = (
    "UPDATE technicians SET total_labels = total_labels + ?, last_active = ? WHERE id = ?"
)


def count_labels(tx: Transaction, made: Mapping[int, int]) -> None:
    """Bring technicians' label counts and last activity up to date."""
    encode = tx.dialect.encoder(technicians.c.last_active)
    at = tx.now if encode is None else encode(tx.now)
    for who, more in made.items():
        tx.dialect.execute(tx.conn, _COUNT_LABELS, (more, at, who))


def keep_revision(tx: Transaction, label: LabelRecord, reason: str) -> None:
    """Keep a label's present state before it changes."""
    tx.conn.execute(
        label_revisions.insert(),
        {
            "label_id": label.id,
            "revision": label.revision,
            "label": label.label,
            "label_type": label.label_type,
            "notes": label.notes,
            "difficulty_rating": label.difficulty_rating,
            "annotation_data": label.annotation_data,
            "is_verified": label.is_verified,
            "verified_by": label.verified_by,
            "replaced_at": tx.now,
            "replaced_by": tx.actor.subject,
            "reason": reason,
        },
    )


def revisions(view: View, label_id: int) -> list[LabelRevisionRecord]:
    """Earlier states of a label, oldest first."""
    query = (
        rows.select_record(label_revisions, LabelRevisionRecord)
        .where(label_revisions.c.label_id == label_id)
        .order_by(label_revisions.c.revision)
    )
    return [LabelRevisionRecord(*row) for row in view.conn.execute(query)]
