"""Legal holds in the way of an erasure."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.errors import HeldError
from mlmcsc.store.models import images, labels, privacy_holds
from mlmcsc.store.queries import holds
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


def refuse_held(view: View, person: Person, labels_: LabelChoice) -> None:
    """Refuse while a legal hold is in force; in a write transaction, none can be placed meanwhile.

    Raises:
        HeldError: On the person; or, if labels are to be deleted, on what they measured.
    """
    if isinstance(view, Transaction):
        view.dialect.lock_table(view.conn, privacy_holds)
    people = set(person.subject_ids)
    specimens: set[str | None] = set()
    if labels_ == "delete" and person.technician_row is not None:
        colleagues, specimens = _of_measured(view, person.technician_row)
        people |= colleagues
    in_force = [h for h in holds.listing(view, {}, released=False) if h.kind == HoldKind.HOLD]
    wins = (h for h in in_force if h.subject_id in people or h.specimen_id in specimens)
    held = next(wins, None)
    if held is not None:
        what = f"specimen {held.specimen_id}" if held.specimen_id else "a person"
        raise HeldError(
            f"Legal hold {held.id} on {what} ({held.ground}) forbids this erasure; nothing was "
            "erased. Release it first with `mlmcsc privacy release`"
            + (", or keep the labels with --labels keep." if held.specimen_id else ".")
        )


def _of_measured(view: View, row: int) -> tuple[set[str], set[str | None]]:
    """Held people who measured the same images, and the specimens that these are of."""
    mine, other = labels.alias().c, labels.alias().c
    measured = sa.select(mine.image_id).where(mine.technician_id == row)
    specimens = view.conn.scalars(
        sa.select(images.c.specimen_id).where(
            images.c.id.in_(measured), images.c.specimen_id.is_not(None)
        )
    )
    makers = sa.select(other.technician_id).where(other.image_id.in_(measured)).distinct()
    also = set(view.conn.scalars(makers))
    held = [who for who in holds.persons_of(view, HoldKind.HOLD) if who.technician_row in also]
    return {each for who in held for each in who.subject_ids}, set(specimens)
