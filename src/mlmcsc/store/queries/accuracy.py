"""Technicians' accuracy scores: which differ from what is stored, and writing those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from mlmcsc.domain.agreement.accuracy import Accuracy, AccuracyUpdate, Scored
from mlmcsc.domain.enums import Operation
from mlmcsc.store.models import subjects, technicians
from mlmcsc.store.queries import holds, rows
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_t = technicians.c


def differing(
    view: View, scores: Sequence[Accuracy], names: Mapping[int, str]
) -> list[tuple[Change, Accuracy]]:
    """What would be written: of everybody whose score is no longer the one that is stored.

    Who was erased gets none: it was removed as theirs. Who is restricted keeps what there is.

    Args:
        view: An open transaction.
        scores: As computed now; whoever is not among them has nothing to compare.
        names: Staff numbers as they were then: whoever was erased since bears another.
    """
    now = {each.technician: each for each in scores}
    restricted = set(holds.restricted_technicians(view).tolist())
    erased = sa.select(subjects.c.technician_id).where(
        subjects.c.erased_at.is_not(None), subjects.c.technician_id.is_not(None)
    )
    query = (
        sa.select(_t.id, _t.technician_id, _t.accuracy_score, _t.accuracy_labels)
        .where(_t.id.not_in(erased))
        .order_by(_t.id)
    )
    found = []
    for row in view.conn.execute(query):
        new = now.get(row.id, Accuracy(row.id, None, 0))
        renamed = row.id in now and names.get(row.id) != row.technician_id
        if row.id in restricted or renamed or new.stands(row.accuracy_score, row.accuracy_labels):
            continue
        before = {"accuracy_score": row.accuracy_score, "accuracy_labels": row.accuracy_labels}
        after = {"accuracy_score": new.score, "accuracy_labels": new.labels}
        found.append((Change(row.id, before, after), new))
    return found


def write(tx: Transaction, scores: Sequence[Accuracy], names: Mapping[int, str]) -> int:
    """Store the scores that differ, and tell of all of them; says how many."""
    changes = differing(tx, scores, names)
    if changes:
        rows.update_many(
            tx,
            technicians,
            [
                {
                    "row_id": new.technician,
                    "accuracy_score": new.score,
                    "accuracy_labels": new.labels,
                    "accuracy_scored_at": tx.now,
                }
                for _, new in changes
            ],
        )
        record_changes(tx, Operation.UPDATE, technicians.name, [change for change, _ in changes])
    return len(changes)


def summary(view: View, *, changed: int) -> AccuracyUpdate:
    """What the scores are now."""
    query = (
        sa.select(_t.technician_id, _t.accuracy_score, _t.accuracy_labels, _t.accuracy_scored_at)
        .where(_t.accuracy_labels > 0)
        .order_by(_t.technician_id)
    )
    return AccuracyUpdate(
        technicians=tuple(Scored(*row) for row in view.conn.execute(query)),
        changed=changed,
        restricted=len(holds.restricted_technicians(view)),
    )
