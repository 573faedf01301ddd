"""Labels, their revisions, and who made how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.columns import Checked
from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.records import LabelRecord, LabelRevisionRecord
from mlmcsc.domain.results import Page
from mlmcsc.errors import ConflictError, HeldError
from mlmcsc.store.models import images, label_revisions, labels, technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.uow import Transaction

_BOTH = rows.both_known(images, technicians)
_PARENTS = (
    "SELECT (SELECT id FROM images WHERE id = ?), "
    "(SELECT is_active FROM technicians WHERE id = ?), "
    "EXISTS (SELECT 1 FROM subjects AS s JOIN privacy_holds AS h ON h.subject_id = s.subject_id "
    "WHERE s.technician_id = ? AND h.kind = 'restrict' AND h.released_at IS NULL)"
)


def require_parents(view: View, image_id: int, technician_id: int) -> None:
    """Refuse ids that point nowhere, and technicians who may not label.

    Raises:
        UnknownRecordError: Naming the id.
        ConflictError: The technician is not active.
        HeldError: The processing of the technician's data is restricted.
    """
    (row,) = view.dialect.execute(view.conn, _PARENTS, (image_id, technician_id, technician_id))
    image, active, restricted = row
    if image is None or active is None:
        rows.require_both(view, _BOTH, image=image_id, technician=technician_id)
    if not active or restricted:
        kind = HeldError if active else ConflictError
        raise kind(f"{_barred(view, [technician_id])[technician_id]} Nothing was stored.")


def reject_barred(view: View, checked: Checked) -> None:
    """Reject rows of technicians who may not label."""
    column = checked.columns["technician_id"]
    plain = column.tolist() if isinstance(column, np.ndarray) else column
    barred = _barred(view, {who for who in plain if who is not None})
    for index, who in enumerate(plain) if barred else ():
        if who in barred:
            checked.rejected.setdefault(index, barred[who])


def _barred(view: View, ids: Iterable[int]) -> dict[int, str]:
    """Why they may not label, by id."""
    c = technicians.c
    restricted = restricted_technicians(view)
    query = sa.select(c.id, c.technician_id, c.is_active).where(
        view.dialect.ids_in(c.id, ids),
        sa.or_(~c.is_active, view.dialect.ids_in(c.id, restricted)),
    )
    return {
        row.id: _restricted(row.id, row.technician_id)
        if row.is_active
        else _inactive(row.id, row.technician_id)
        for row in view.conn.execute(query)
    }


def _inactive(technician_id: int, staff: str) -> str:
    return (
        f"technician_id={technician_id}: {staff} is not active and may not label. Allow it with "
        f"`technician set {staff} --active`."
    )


def _restricted(technician_id: int, staff: str) -> str:
    # Not the ground: it may say more of the person than who labels may know.
    return (
        f"technician_id={technician_id}: the processing of the data of {staff} is restricted on a "
        f"recorded ground, so new labels are refused. `privacy holds {staff}` shows it to those "
        "who have the right `privacy`."
    )


def page(view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int) -> Page[LabelRecord]:
    """Labels by id, in their current state."""
    c, agreed = labels.c, LabelType.CONSENSUS.value
    found = given(
        wanted,
        image_id=c.image_id.__eq__,
        image_ids=lambda ids: view.dialect.ids_in(c.image_id, ids),
        technician_id=c.technician_id.__eq__,
        label_type=c.label_type.__eq__,
        is_verified=c.is_verified.__eq__,
        by_people=lambda yes: c.label_type != agreed if yes else c.label_type == agreed,
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
