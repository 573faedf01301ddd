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
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.errors import HeldError
from mlmcsc.store.models import (
    images,
    label_revisions,
    labels,
    predictions,
    privacy_holds,
    subjects,
)
from mlmcsc.store.queries import persons
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import restricted_subjects

__all__ = ["restricted_subjects"]  # by its other name

_c = privacy_holds.c
Condition = sa.ColumnElement[bool]
Target = Mapping[str, tuple[str, ...]]
"""`{"subject_id": …}`, all of a person, or `{"specimen_id": …}`."""


def targets(kind: HoldKind, target: sa.Column[str]) -> sa.Select[tuple[str]]:
    """Subject ids or specimen numbers for which something of this kind is in force.

    Of an alias, which no query that it stands in can take for its own.
    """
    h = privacy_holds.alias().c
    return sa.select(h[target.name]).where(
        h.kind == kind.value, h.released_at.is_(None), h[target.name].is_not(None)
    )


def persons_of(view: View, kind: HoldKind) -> list[Person]:
    """Everybody on whom something of this kind is in force, as a whole.

    Where it is on a name that several technicians bear by now, all of them.

    Raises:
        MissingKeyError: Names cannot be read, as the master key is not here.
    """
    found = view.conn.scalars(targets(kind, _c.subject_id).distinct()).all()
    return [person for subject_id in found for person in persons.every(view, str(subject_id))]


def held_names(view: View) -> list[str]:
    """Every name of everybody under a legal hold, as it is spelt."""
    found = persons_of(view, HoldKind.HOLD)
    return sorted({name for person in found for name in person.identifiers})


def technicians_of(view: View, kind: HoldKind) -> list[int]:
    """Ids of the technicians among them, ascending."""
    s = subjects.c
    placed = targets(kind, _c.subject_id)
    query = sa.select(s.subject_id, s.technician_id).where(s.subject_id.in_(placed))
    found = set[int | None]()
    for subject_id, row in view.conn.execute(query):
        people = persons.every(view, subject_id) if row is None else ()
        found |= {row, *(person.technician_row for person in people)}
    return sorted(row for row in found if row is not None)


def specimens_held() -> sa.Select[tuple[str]]:
    """Specimen numbers under a legal hold."""
    return targets(HoldKind.HOLD, _c.specimen_id)


def labels_held(view: View) -> Condition:
    """Condition on `labels`: made, verified or corrected by a held person, or of a held image."""
    c, held = labels.c, technicians_of(view, HoldKind.HOLD)
    names, r = held_names(view), label_revisions.alias().c
    by_them = sa.or_(r.replaced_by.in_(names), r.verified_by.in_(names))
    return sa.or_(
        c.technician_id.in_(held),
        c.image_id.in_(_held_images(held)),
        c.verified_by.in_(names),
        c.id.in_(sa.select(r.label_id).where(by_them)),
    )


def images_held(view: View) -> Condition:
    """Condition on `images`: of a held specimen, or labelled by a held person."""
    return images.c.id.in_(_held_images(technicians_of(view, HoldKind.HOLD)))


def predictions_held(view: View) -> Condition:
    """Condition on `predictions`: of a held image."""
    return predictions.c.image_id.in_(_held_images(technicians_of(view, HoldKind.HOLD)))


def _held_images(held: list[int]) -> sa.CompoundSelect[Any]:
    i, made = images.alias(), labels.alias()
    of_specimen = sa.select(i.c.id).where(i.c.specimen_id.in_(specimens_held()))
    by_person = sa.select(made.c.image_id).where(made.c.technician_id.in_(held))
    return sa.union(of_specimen, by_person)


def held_subjects(view: View) -> set[str]:
    """Subject ids of the persons under a legal hold, as they were placed."""
    return set(view.conn.scalars(targets(HoldKind.HOLD, _c.subject_id)))


def restricted_technicians(view: View) -> NDArray[np.int64]:
    """Ids of the technicians whose data may not be used, ascending, shape `(R,)`."""
    return np.asarray(technicians_of(view, HoldKind.RESTRICT), dtype=np.int64)


def refuse_restricted(view: View, technician: int, checker: str) -> None:
    """Refuse to use a technician's data, or those of who checks them.

    Raises:
        HeldError: The processing of one of these is restricted (GDPR Art. 18).
    """
    placed = restricted_subjects(view)
    if not placed:
        return
    people = [*persons.every(view, technician), *(persons.every(view, checker) if checker else ())]
    rows = set(technicians_of(view, HoldKind.RESTRICT))
    if any(who.technician_row in rows or placed & {*who.subject_ids} for who in people):
        raise HeldError(
            "The processing of the data of the label's maker or checker is restricted on a "
            "recorded ground, so the label stays as it is. `privacy holds` shows the ground to "
            "those who have the right `privacy`."
        )


def in_force(tx: Transaction, target: Target, kind: HoldKind | None = None) -> list[HoldRecord]:
    """What is in force on persons or a specimen, oldest first.

    Others who place or release wait until the transaction ends.
    """
    tx.dialect.lock_table(tx.conn, privacy_holds)
    found = listing(tx, target, released=False)
    return [held for held in found if kind is None or held.kind == kind]


def listing(view: View, target: Target, *, released: bool) -> list[HoldRecord]:
    """Holds and restrictions on a target (of all where it is empty), oldest first.

    Args:
        view: An open transaction.
        target: Subject ids or specimen numbers, or nothing.
        released: Also those that have ended.
    """
    query = (
        sa.select(*(_COLUMNS[f.name] for f in fields(HoldRecord)))
        .select_from(privacy_holds)
        .outerjoin(subjects, subjects.c.subject_id == _c.subject_id)
        .where(*(_c[name].in_(values) for name, values in target.items()))
        .order_by(_c.id)
    )
    if not released:
        query = query.where(_c.released_at.is_(None))
    return [HoldRecord(*row) for row in view.conn.execute(query)]


_COLUMNS: dict[str, sa.Column[Any]] = {**_c, "person": subjects.c.identifier}
