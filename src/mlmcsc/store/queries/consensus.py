"""Consensus labels: the row that they are stored under, and writing them in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.consensus_labels import FULL_NAME, RESERVED, Agreed
from mlmcsc.domain.enums import LabelType, Operation
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import images, label_revisions, labels, technicians
from mlmcsc.store.queries import batches, people, rows
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


def register(tx: Transaction) -> int:
    """The row that consensus labels are stored under, made on first use.

    Raises:
        ConflictError: People bear the staff numbers that are kept for it.
    """
    known = people.consensus_row(tx)
    if known is not None:
        return known
    t = technicians.c
    taken = set(tx.conn.scalars(sa.select(t.technician_id).where(t.technician_id.in_(RESERVED))))
    free = [name for name in RESERVED if name not in taken]
    if not free:
        raise ConflictError(
            f"The staff numbers {' and '.join(RESERVED)} are in use by people, and consensus "
            "labels are stored under one of them."
        )
    values = {"technician_id": free[0], "name": FULL_NAME, "is_active": False}
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
