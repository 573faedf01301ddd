"""Consensus labels whose labels are gone, changed or may not be used: found, and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.consensus_labels import RESERVED, labels_behind
from mlmcsc.domain.enums import LabelType, Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import label_revisions, labels, technicians
from mlmcsc.store.queries import batches, holds, removal, rows
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.erasure.touched import Touched
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

PAGE: Final = 5_000
"""Labels whose annotations are held in memory."""
RESTRICTED: Final = "the processing of labels behind these consensus labels was restricted"
Ids = NDArray[np.int64]
_c, _r = labels.c, label_revisions.c


def standing(view: View, label_ids: Sequence[int] | Ids) -> dict[int, int]:
    """The revision of each of these labels that is there and may be used, by id."""
    barred = set(holds.restricted_technicians(view).tolist())
    query = sa.select(_c.id, _c.revision, _c.technician_id).where(
        view.dialect.ids_in(_c.id, np.unique(np.asarray(label_ids, dtype=np.int64)))
    )
    return {
        row.id: row.revision for row in view.conn.execute(query) if row.technician_id not in barred
    }


def withdraw(tx: Transaction, ids: Ids, reason: str) -> Ids:
    """Delete these consensus labels with their earlier values, with one event; gives their ids.

    Those under a legal hold stay.
    """
    which = sa.and_(tx.dialect.ids_in(_c.id, ids), ~holds.labels_held(tx))
    found = tx.conn.execute(
        sa.select(_c.id, _c.image_id, _c.label).where(which).order_by(_c.id)
    ).all()
    if not found:
        return np.empty(0, np.int64)
    going = np.array([row.id for row in found], dtype=np.int64)
    earlier = rows.count(tx, label_revisions, tx.dialect.ids_in(_r.label_id, going))
    removal.delete_labels(tx, tx.dialect.ids_in(_c.id, going))
    tx.record(
        AuditEvent(
            Operation.DELETE,
            labels.name,
            int(going[0]) if len(going) == 1 else None,
            old_values=batches.id_span(going)
            | {"columns": ["id", "image_id", "label"], "revisions": earlier},
            reason=reason,
            n_rows=len(going),
            digest=batches.digest(list(zip(*found, strict=True))),
        )
    )
    return going


def count_held(view: View, ids: Ids) -> int:
    """How many of these consensus labels a legal hold keeps."""
    return rows.count(view, labels, view.dialect.ids_in(_c.id, ids), holds.labels_held(view))


def restricted(tx: Transaction) -> int:
    """Delete the consensus labels that rest on labels of people who are restricted; says how many.

    Of those under a legal hold the trail keeps the values: they may be stored, but not used.
    """
    people = holds.restricted_technicians(tx)
    number = 0
    for ids in _pages_made_of(tx, people, earlier=False):
        gone = withdraw(tx, ids, RESTRICTED)
        _to_the_trail(tx, np.setdiff1d(ids, gone))
        number += len(ids)
    return number


def _to_the_trail(tx: Transaction, ids: Ids) -> None:
    if not len(ids):
        return
    query = sa.select(_c.id, _c.image_id, _c.label, _c.annotation_data, _c.revision)
    found = tx.conn.execute(query.where(tx.dialect.ids_in(_c.id, ids))).all()
    removal.delete_labels(tx, tx.dialect.ids_in(_c.id, ids))
    record_changes(
        tx,
        Operation.DELETE,
        labels.name,
        [
            Change(
                row.id,
                {
                    "image_id": row.image_id,
                    "label": row.label,
                    "annotation_data": row.annotation_data,
                    "revision": row.revision,
                    "reason": RESTRICTED,
                },
                None,
            )
            for row in found
        ],
    )


def erased(tx: Transaction, technician: int) -> dict[str, int]:
    """Delete the consensus labels that rest, or rested, on a person's labels.

    Those under a legal hold stay.

    Returns:
        How many went, with their revisions, and how many stay.
    """
    touched, held = Touched(), 0
    gone = earlier = 0
    for ids in _pages_made_of(tx, np.array([technician]), earlier=True):
        free = sa.and_(tx.dialect.ids_in(_c.id, ids), ~holds.labels_held(tx))
        going = np.array(tx.conn.scalars(sa.select(_c.id).where(free)).all(), dtype=np.int64)
        held += len(ids) - len(going)
        of_these = sa.select(_r.id).where(tx.dialect.ids_in(_r.label_id, going))
        earlier += touched.removed(label_revisions, tx.conn.scalars(of_these))
        gone += touched.removed(labels, going.tolist())
        removal.delete_labels(tx, tx.dialect.ids_in(_c.id, going))
    touched.tell(tx)
    return {
        "consensus_labels": gone,
        "consensus_revisions": earlier,
        "consensus_held": held,
    }


def resting_on_gone(view: View, ids: Ids) -> Ids:
    """Those of these labels of which the present or an earlier state rests on a deleted label."""
    owners, behind = _flat(_states(view, ids, earlier=True))
    there = view.conn.scalars(
        sa.select(_c.id).where(view.dialect.ids_in(_c.id, np.unique(behind)))
    ).all()
    return np.unique(owners[~np.isin(behind, np.array(there, dtype=np.int64))])


def _pages_made_of(view: View, people: Ids, *, earlier: bool) -> Iterator[Ids]:
    """Consensus labels that rest on labels of these technicians, ascending, page by page.

    Args:
        view: An open transaction.
        people: Ids of the technicians.
        earlier: Also those of which an earlier state did.
    """
    if not len(people):
        return
    own = _labels_of(view, people)
    agreed = sa.select(technicians.c.id).where(technicians.c.technician_id.in_(RESERVED))
    made = labels.alias()
    theirs = sa.select(made.c.image_id).where(view.dialect.ids_in(made.c.technician_id, people))
    query = (
        sa.select(_c.id)
        .where(
            _c.label_type == LabelType.CONSENSUS.value,
            _c.technician_id.in_(agreed),
            _c.image_id.in_(theirs),
        )
        .order_by(_c.id)
        .limit(PAGE)
    )
    last = 0
    while True:
        page = np.array(view.conn.scalars(query.where(_c.id > last)).all(), dtype=np.int64)
        if not len(page):
            return
        owners, behind = _flat(_states(view, page, earlier=earlier))
        found = np.unique(owners[np.isin(behind, own) | (behind == UNREADABLE)])
        if len(found):
            yield found
        last = int(page[-1])


def _labels_of(view: View, people: Ids) -> Ids:
    dtype = np.dtype([("id", "<i8")])
    found = [np.empty(0, np.int64)]
    for who in people.tolist():
        query: sa.Select[Any] = sa.select(_c.id).where(_c.technician_id == who)
        found.append(view.dialect.read_numbers(view.conn, query, dtype)["id"])
    return np.concatenate(found)


def _states(view: View, ids: Ids, *, earlier: bool) -> list[tuple[int, Any]]:
    """Id and annotation of each label as it is, and as it was."""
    present = sa.select(_c.id, _c.annotation_data).where(view.dialect.ids_in(_c.id, ids))
    found = [(row[0], row[1]) for row in view.conn.execute(present)]
    if earlier:
        before = sa.select(_r.label_id, _r.annotation_data)
        query = before.where(view.dialect.ids_in(_r.label_id, ids))
        found += [(row[0], row[1]) for row in view.conn.execute(query)]
    return found


UNREADABLE: Final = -1
"""Stands for the labels behind a consensus whose annotation tells none: it may be of anybody."""


def _flat(states: Sequence[tuple[int, Any]]) -> tuple[Ids, Ids]:
    """Each consensus label beside each label behind it."""
    owners, behind = list[int](), list[int]()
    for owner, annotation in states:
        found = [*(labels_behind(annotation) or (UNREADABLE,))]
        owners += [owner] * len(found)
        behind += found
    return np.array(owners, dtype=np.int64), np.array(behind, dtype=np.int64)
