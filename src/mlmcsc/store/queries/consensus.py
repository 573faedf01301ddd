"""Consensus labels: the row that they are stored under, and writing them in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.consensus_labels import FULL_NAME, STAFF_NUMBER, Agreed
from mlmcsc.domain.enums import LabelType, Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import images, label_revisions, labels, technicians
from mlmcsc.store.queries import batches, holds, people, removal, rows
from mlmcsc.store.queries import labels as label_queries
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

REASON = "consensus made anew from the labels of the image"
KEPT = tuple(sorted(({*labels.c.keys()} & {*label_revisions.c.keys()}) - {"id", "revision"}))
"""What a revision keeps of a label, under the same name."""
_c = labels.c


@dataclass(frozen=True, slots=True)
class Stored:
    """A consensus label as it is; `revision` counts its states."""

    id: int
    image_id: int
    label: float
    revision: int
    annotation_data: Any


def rater(view: View) -> int | None:
    """Id of the row that consensus labels are stored under; None before the first.

    Raises:
        ConflictError: That staff number is a person's.
    """
    t = technicians.c
    query = sa.select(t.id, t.is_active).where(t.technician_id == STAFF_NUMBER)
    found = view.conn.execute(query).first()
    if found is None:
        return None
    if found.is_active:
        raise ConflictError(
            f"The staff number {STAFF_NUMBER!r} is in use by somebody who may label, and consensus "
            "labels are stored under it. Register the person under another number, then "
            f"`technician set {STAFF_NUMBER} --inactive`."
        )
    return int(found.id)


def register(tx: Transaction) -> int:
    """The row that consensus labels are stored under, made on first use."""
    known = rater(tx)
    if known is not None:
        return known
    values = {"technician_id": STAFF_NUMBER, "name": FULL_NAME, "is_active": False}
    return people.register(tx, values)


def lock(tx: Transaction) -> None:
    """Keep other makers of consensus labels out: two of them would give an image two."""
    tx.dialect.lock_table(tx.conn, technicians)


def stored(view: View, who: int, image_ids: NDArray[np.int64]) -> dict[int, Stored]:
    """The consensus label of each of these images that has one."""
    query = (
        sa.select(_c.id, _c.image_id, _c.label, _c.revision, _c.annotation_data)
        .where(
            _c.technician_id == who,
            _c.label_type == LabelType.CONSENSUS.value,
            view.dialect.ids_in(_c.image_id, image_ids),
        )
        .order_by(_c.id)
    )
    return {row.image_id: Stored(*row) for row in view.conn.execute(query)}


def images_with(view: View, who: int) -> NDArray[np.int64]:
    """Images that have a consensus label, ascending."""
    query: sa.Select[Any] = (
        sa.select(_c.image_id)
        .where(_c.technician_id == who, _c.label_type == LabelType.CONSENSUS.value)
        .distinct()
    )
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("image", "<i8")]))
    return np.unique(found["image"])


def there(view: View, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of these images that are there, ascending."""
    return np.setdiff1d(image_ids, rows.missing_ids(view, images, image_ids))


def add(tx: Transaction, who: int, made: Sequence[Agreed]) -> None:
    """Store new consensus labels with one event."""
    if not made:
        return
    batches.insert_batch(
        tx,
        labels,
        {
            "image_id": np.array([each.image_id for each in made], dtype=np.int64),
            "technician_id": np.full(len(made), who, dtype=np.int64),
            "label": np.array([each.value for each in made]),
            "label_type": [LabelType.CONSENSUS.value] * len(made),
            "timestamp": [tx.now] * len(made),
            "annotation_data": [each.annotation for each in made],
        },
    )
    label_queries.count_labels(tx, {who: len(made)})


def correct(tx: Transaction, pairs: Sequence[tuple[Stored, Agreed]]) -> None:
    """Give consensus labels new values; the earlier ones are kept as revisions."""
    if not pairs:
        return
    before = np.array(sorted(old.id for old, _ in pairs), dtype=np.int64)
    source = sa.select(
        _c.id,
        _c.revision,
        *(_c[name] for name in KEPT),
        sa.literal(tx.now, label_revisions.c.replaced_at.type),
        sa.literal(tx.actor.subject),
        sa.literal(REASON),
    ).where(tx.dialect.ids_in(_c.id, before))
    names = ["label_id", "revision", *KEPT, "replaced_at", "replaced_by", "reason"]
    tx.conn.execute(label_revisions.insert().from_select(names, source))
    rows.update_many(
        tx,
        labels,
        [
            {
                "row_id": old.id,
                "label": new.value,
                "annotation_data": new.annotation,
                "revision": old.revision + 1,
                "is_verified": False,
                "verified_by": None,
                "verification_timestamp": None,
            }
            for old, new in pairs
        ],
    )
    record_changes(tx, Operation.UPDATE, labels.name, [_told(old, new) for old, new in pairs])


def _told(old: Stored, new: Agreed) -> Change:
    before = {"label": old.label, "annotation_data": old.annotation_data, "revision": old.revision}
    after = {
        "label": new.value,
        "annotation_data": new.annotation,
        "revision": old.revision + 1,
        "reason": REASON,
    }
    return Change(old.id, before, after)


def withdraw(tx: Transaction, who: int, image_ids: NDArray[np.int64]) -> int:
    """Delete the consensus labels of images that have too few labels left; says how many.

    Those under a legal hold stay.
    """
    c = sa.and_(
        _c.technician_id == who,
        _c.label_type == LabelType.CONSENSUS.value,
        tx.dialect.ids_in(_c.image_id, image_ids),
        ~holds.labels_held(tx),
    )
    ids = np.array(tx.conn.scalars(sa.select(_c.id).where(c).order_by(_c.id)).all(), np.int64)
    if not len(ids):
        return 0
    found = tx.conn.execute(
        sa.select(_c.id, _c.image_id, _c.label).where(tx.dialect.ids_in(_c.id, ids)).order_by(_c.id)
    ).all()
    earlier = rows.count(tx, label_revisions, tx.dialect.ids_in(label_revisions.c.label_id, ids))
    removal.delete_labels(tx, tx.dialect.ids_in(_c.id, ids))
    tx.record(
        AuditEvent(
            Operation.DELETE,
            labels.name,
            int(ids[0]) if len(ids) == 1 else None,
            old_values=batches.id_span(ids)
            | {"columns": ["id", "image_id", "label"], "revisions": earlier},
            reason="too few labels are left behind these consensus labels",
            n_rows=len(ids),
            digest=batches.digest(list(zip(*found, strict=True))),
        )
    )
    return len(ids)
