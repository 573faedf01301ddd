"""Who and what is held or restricted, as conditions for those who delete, archive or use data.

A *hold* (legal hold) keeps everything of a person or specimen from being deleted. A *restriction*
(GDPR Art. 18) keeps a person's data from being used; they may only be stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.holds import HoldKind, HoldRecord
from mlmcsc.store.models import (
    images,
    labels,
    predictions,
    privacy_holds,
    subjects,
    technicians,
)
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import restricted_subjects

__all__ = ["restricted_subjects"]  # by its other name

_c = privacy_holds.c


def _targets(kind: HoldKind, target: sa.Column[Any]) -> sa.Select[Any]:
    """Persons or specimens for which something of this kind is in force.

    Of an alias, which no query that it stands in can take for its own.
    """
    h = privacy_holds.alias()
    column = h.c[target.name]
    return sa.select(column).where(
        h.c.kind == kind.value, h.c.released_at.is_(None), column.is_not(None)
    )


def _technicians(kind: HoldKind) -> sa.Select[Any]:
    s = subjects.alias()
    return sa.select(s.c.technician_id).where(
        s.c.technician_id.is_not(None), s.c.subject_id.in_(_targets(kind, _c.subject_id))
    )


def labels_held() -> sa.ColumnElement[bool]:
    """Condition on `labels`: made by a held person, or of a held image."""
    return sa.or_(
        labels.c.technician_id.in_(_technicians(HoldKind.HOLD)),
        labels.c.image_id.in_(_held_images()),
    )


def images_held() -> sa.ColumnElement[bool]:
    """Condition on `images`: of a held specimen, or labelled by a held person."""
    return images.c.id.in_(_held_images())


def predictions_held() -> sa.ColumnElement[bool]:
    """Condition on `predictions`: of a held image."""
    return predictions.c.image_id.in_(_held_images())


def _held_images() -> sa.CompoundSelect[Any]:
    i, made = images.alias(), labels.alias()
    of_specimen = sa.select(i.c.id).where(
        i.c.specimen_id.in_(_targets(HoldKind.HOLD, _c.specimen_id))
    )
    by_person = sa.select(made.c.image_id).where(
        made.c.technician_id.in_(_technicians(HoldKind.HOLD))
    )
    return sa.union(of_specimen, by_person)


def held_subjects(view: View) -> set[str]:
    """Subject ids of the persons under a legal hold."""
    return set(view.conn.scalars(_targets(HoldKind.HOLD, _c.subject_id)))


def held_technicians(view: View) -> set[int]:
    """Ids of the technicians under a legal hold."""
    return set(view.conn.scalars(_technicians(HoldKind.HOLD)))


def held_specimens(view: View) -> set[str]:
    """Specimen numbers under a legal hold."""
    return set(view.conn.scalars(_targets(HoldKind.HOLD, _c.specimen_id)))


def restricted_technicians(view: View) -> NDArray[np.int64]:
    """Ids of the technicians whose data may not be used, ascending, shape `(R,)`."""
    found = view.conn.scalars(_technicians(HoldKind.RESTRICT)).all()
    return np.unique(np.asarray(found, dtype=np.int64))


def in_force(
    tx: Transaction, target: Mapping[str, str], kind: HoldKind | None = None
) -> list[HoldRecord]:
    """What is in force on `{"subject_id": …}` or `{"specimen_id": …}`, oldest first.

    Others who place or release wait until the transaction ends.
    """
    tx.dialect.lock_table(tx.conn, privacy_holds)
    found = listing(tx, target, released=False)
    return [held for held in found if kind is None or held.kind == kind]


def listing(view: View, target: Mapping[str, str], *, released: bool) -> list[HoldRecord]:
    """Holds and restrictions on a target (of all where it is empty), oldest first.

    Args:
        view: An open transaction.
        target: `{"subject_id": …}`, `{"specimen_id": …}` or nothing.
        released: Also those that have ended.
    """
    query = (
        sa.select(*(_COLUMNS[f.name] for f in fields(HoldRecord)))
        .select_from(privacy_holds)
        .outerjoin(subjects, subjects.c.subject_id == _c.subject_id)
        .where(*(_c[name] == value for name, value in target.items()))
        .order_by(_c.id)
    )
    if not released:
        query = query.where(_c.released_at.is_(None))
    return [HoldRecord(*row) for row in view.conn.execute(query)]


_COLUMNS: dict[str, sa.Column[Any]] = {**_c, "person": subjects.c.identifier}


def technician_id(view: View, staff_number: str) -> int | None:
    """The id of the technician with this staff number."""
    c = technicians.c
    return view.conn.scalar(sa.select(c.id).where(c.technician_id == staff_number))
