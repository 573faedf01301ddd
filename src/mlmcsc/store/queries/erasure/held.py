"""Legal holds in the way of an erasure, and what is left for their sake."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.errors import HeldError
from mlmcsc.store.models import (
    audit_logs,
    images,
    label_revisions,
    labels,
    privacy_holds,
    specimens,
)
from mlmcsc.store.queries import holds, persons
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.retention.sources import events_held
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


def refuse_held(view: View, person: Person, labels_: LabelChoice) -> None:
    """Refuse while a legal hold is in force; in a write transaction, none can be placed meanwhile.

    What a person has noted on a held specimen would be unreadable without their key, whatever
    becomes of the measurement.

    Raises:
        HeldError: On the person, or on a specimen of which they made, verified or corrected
            labels; or, if labels are to be deleted, on who measured, verified or corrected these.
    """
    if isinstance(view, Transaction):
        view.dialect.lock_table(view.conn, privacy_holds)
    in_force = [h for h in holds.listing(view, {}, released=False) if h.kind == HoldKind.HOLD]
    if not in_force:
        return
    people = set(person.subject_ids)
    if labels_ == "delete" and person.technician_row is not None:
        people |= _of_measured(view, person.technician_row)
    worked_on = _specimens_of(view, person)
    wins = (h for h in in_force if h.subject_id in people or h.specimen_id in worked_on)
    held = next(wins, None)
    if held is not None:
        what = f"specimen {held.specimen_id}" if held.specimen_id else "a person"
        raise HeldError(
            f"Legal hold {held.id} on {what} ({held.ground}) forbids this erasure; nothing was "
            "erased. Release it first with `mlmcsc privacy release`."
        )


def refuse_held_rows(
    view: View, version: str, technicians: Collection[int], specimens: Collection[str] | None
) -> None:
    """Refuse to delete a frozen dataset while a legal hold is in force on what it has.

    Args:
        view: In a write transaction, none can be placed meanwhile.
        version: Its name.
        technicians: Row ids of those on whose labels its rows rest.
        specimens: Of its images; None where its rows cannot be read, so that nobody can tell.

    Raises:
        HeldError: On a person or specimen among them; on anybody where nobody can tell.
    """
    if isinstance(view, Transaction):
        view.dialect.lock_table(view.conn, privacy_holds)
    for held in holds.listing(view, {}, released=False):
        if held.kind != HoldKind.HOLD:
            continue
        what = f"specimen {held.specimen_id}" if held.specimen_id else "a person"
        why = "it has rows of theirs"
        if specimens is None:
            why = "its rows are damaged, so that nobody can tell whose they are"
        elif held.specimen_id is not None:
            if held.specimen_id not in specimens:
                continue
        else:
            people = persons.every(view, str(held.subject_id))
            if {each.technician_row for each in people}.isdisjoint(technicians):
                continue
        raise HeldError(
            f"Legal hold {held.id} on {what} ({held.ground}) forbids to delete version "
            f"{version!r}: {why}. Nothing was deleted, and force changes nothing. Release "
            "the hold first with `mlmcsc privacy release`."
        )


def holds_specimens(view: View) -> bool:
    """Whether any specimen is under a legal hold."""
    return view.conn.scalar(holds.specimens_held().limit(1)) is not None


def _specimens_of(view: View, person: Person) -> set[str | None]:
    """Of which the person made, verified or corrected labels."""
    c, r, names = labels.alias().c, label_revisions.alias().c, person.identifiers
    theirs = sa.select(c.image_id).where(
        sa.or_(
            c.technician_id == (person.technician_row or 0),
            is_called(c.verified_by, names),
            c.id.in_(
                sa.select(r.label_id).where(
                    sa.or_(is_called(r.replaced_by, names), is_called(r.verified_by, names))
                )
            ),
        )
    )
    query = sa.select(images.c.specimen_id).where(images.c.id.in_(theirs))
    return set(view.conn.scalars(query.where(images.c.specimen_id.is_not(None)).distinct()))


def _of_measured(view: View, row: int) -> set[str]:
    """Held people with a part in the person's labels, or in others of the same images."""
    mine, other, r = labels.alias().c, labels.alias().c, label_revisions.alias().c
    measured = sa.select(mine.image_id).where(mine.technician_id == row)
    own = sa.select(mine.id).where(mine.technician_id == row)
    makers = sa.select(other.technician_id).where(other.image_id.in_(measured)).distinct()
    also = set(view.conn.scalars(makers))
    named = {
        *view.conn.scalars(sa.select(other.verified_by).where(other.technician_id == row)),
        *view.conn.scalars(sa.select(r.replaced_by).where(r.label_id.in_(own))),
        *view.conn.scalars(sa.select(r.verified_by).where(r.label_id.in_(own))),
    }
    return {
        each
        for who in holds.persons_of(view, HoldKind.HOLD)
        if who.technician_row in also or named.intersection(who.identifiers)
        for each in who.subject_ids
    }


def kept(view: View) -> Mapping[str, sa.ColumnElement[bool]]:
    """Of each table, the rows under a legal hold: the search for a person's names leaves them."""
    if not any(h.kind == HoldKind.HOLD for h in holds.listing(view, {}, released=False)):
        return {}
    h, r = privacy_holds.c, label_revisions.c
    held_labels = holds.labels_held(view)
    return {
        privacy_holds.name: h.released_at.is_(None),
        labels.name: held_labels,
        label_revisions.name: r.label_id.in_(sa.select(labels.c.id).where(held_labels)),
        specimens.name: specimens.c.specimen_id.in_(holds.specimens_held()),
        images.name: holds.images_held(view),
        audit_logs.name: events_held(view),
    }
