"""Legal holds in the way of an erasure."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.errors import HeldError
from mlmcsc.store.models import images, labels, privacy_holds, subjects
from mlmcsc.store.queries.erasure.people import Person
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


def refuse_held(view: View, person: Person, labels_: LabelChoice) -> None:
    """Refuse while a legal hold is in force; in a write transaction, none can be placed meanwhile.

    Raises:
        HeldError: On the person; or, if labels are to be deleted, on what they measured.
    """
    if isinstance(view, Transaction):
        view.dialect.lock_table(view.conn, privacy_holds)
    h = privacy_holds.c
    which: sa.ColumnElement[bool] = h.subject_id.in_(person.subject_ids)
    if labels_ == "delete" and person.technician_row is not None:
        which = sa.or_(which, *_of_measured(person.technician_row))
    query = (
        sa.select(h.id, h.ground, h.specimen_id)
        .where(h.kind == HoldKind.HOLD.value, h.released_at.is_(None), which)
        .order_by(h.id)
        .limit(1)
    )
    held = view.conn.execute(query).first()
    if held is not None:
        what = f"specimen {held.specimen_id}" if held.specimen_id else "a person"
        raise HeldError(
            f"Legal hold {held.id} on {what} ({held.ground}) forbids this erasure; nothing was "
            "erased. Release it first with `mlmcsc privacy release`"
            + (", or keep the labels with --labels keep." if held.specimen_id else ".")
        )


def _of_measured(row: int) -> list[sa.ColumnElement[bool]]:
    """Holds on specimens that the person measured, and on those who measured the same images."""
    h, mine, other = privacy_holds.c, labels.alias(), labels.alias()
    measured = sa.select(mine.c.image_id).where(mine.c.technician_id == row)
    specimens = sa.select(images.c.specimen_id).where(images.c.id.in_(measured))
    people = (
        sa.select(subjects.c.subject_id)
        .join(other, other.c.technician_id == subjects.c.technician_id)
        .where(other.c.image_id.in_(measured))
    )
    return [h.specimen_id.in_(specimens), h.subject_id.in_(people)]
