"""Which images may be handed out: conditions, asked of a few images at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import images, label_reservations, labels, technicians
from mlmcsc.store.queries.rows import View

_r = label_reservations.c
VALID = images.c.is_valid.is_not(sa.false())
"""Said so that no index serves it: SQLite would read all valid images, not the few asked for."""


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and when.

    Attributes:
        technician_id: Who is to label.
        now: The time; reservations that ended before it do not count.
        restricted: Ids of technicians whose data may not be used.
    """

    technician_id: int
    now: datetime
    restricted: tuple[int, ...]


def unlabelled(image: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """No label by anybody."""
    return ~sa.exists().where(labels.alias().c.image_id == image)


def not_labelled_by(image: sa.ColumnElement[int], technician: int) -> sa.ColumnElement[bool]:
    """No label by this person."""
    made = labels.alias().c
    return ~sa.exists().where(made.image_id == image, made.technician_id == technician)


def pending(now: datetime, restricted: Sequence[int]) -> list[sa.ColumnElement[bool]]:
    """Reservations that still keep an image, whether the ended ones were closed yet or not.

    Not those whose holder has labelled the image since, may not label by now, or whose image has
    become invalid.
    """
    made, image, holder = labels.alias().c, images.alias().c, technicians.alias().c
    # The sum keeps the planner off the index of people: of one image there are few labels.
    return [
        _r.released_at.is_(None),
        _r.expires_at > now,
        ~sa.exists().where(
            made.image_id == _r.image_id,
            made.technician_id + 0 == _r.technician_id,
            made.timestamp >= _r.reserved_at,
        ),
        sa.exists().where(image.id == _r.image_id, image.is_valid.is_not(sa.false())),
        sa.exists().where(holder.id == _r.technician_id, holder.is_active.is_not(sa.false())),
        _r.technician_id.not_in(restricted),
    ]


def _not_out(
    image: sa.ColumnElement[int], asking: Asking, *, anybody: bool
) -> sa.ColumnElement[bool]:
    """Not with the technician; where `anybody`, also not as a new image with somebody else."""
    whose: Any = _r.technician_id == asking.technician_id
    if anybody:
        whose = sa.or_(whose, _r.purpose == "new")
    return ~sa.exists().where(_r.image_id == image, whose, *pending(asking.now, asking.restricted))


def usable(view: View, asking: Asking) -> list[sa.ColumnElement[bool]]:
    """Labels by persons whose data may be used; what was agreed is nobody's own label."""
    c = labels.c
    by_persons = c.label_type != LabelType.CONSENSUS.value
    barred = ~view.dialect.ids_in(c.technician_id, asking.restricted)
    return [by_persons, barred] if asking.restricted else [by_persons]


def fitting(view: View, ids: list[int], *conditions: sa.ColumnElement[bool]) -> list[int]:
    """Which of these images are valid and fulfil the conditions, in their order."""
    if not ids:
        return []
    c = images.c
    query = sa.select(c.id).where(view.dialect.ids_in(c.id, ids), VALID, *conditions)
    good = set(view.conn.scalars(query))
    return [image for image in ids if image in good]


def free_new(view: View, asking: Asking, ids: list[int], *, labelled: bool) -> list[int]:
    """Which of these may be handed out as new, in their order.

    Args:
        view: An open transaction.
        asking: For whom.
        ids: Images.
        labelled: Whether images with labels of others count too.
    """
    c = images.c
    fresh = not_labelled_by(c.id, asking.technician_id) if labelled else unlabelled(c.id)
    return fitting(view, ids, fresh, _not_out(c.id, asking, anybody=True))


def free_overlap(view: View, asking: Asking, ids: list[int], raters: int) -> list[int]:
    """Which of these still want a rater, and may have this one; in their order."""
    c, i = labels.c, images.c
    made = (
        sa.select(sa.func.count(c.technician_id.distinct()))
        .where(c.image_id == i.id, *usable(view, asking))
        .scalar_subquery()
    )
    out = (
        sa.select(sa.func.count())
        .where(
            _r.image_id == i.id,
            *pending(asking.now, asking.restricted),
            _not_labelled_by_holder(),  # who did, for a check or long ago, counts once
        )
        .scalar_subquery()
    )
    return fitting(
        view,
        ids,
        not_labelled_by(i.id, asking.technician_id),
        _not_out(i.id, asking, anybody=False),
        made >= 1,
        made + out < raters,
    )


def _not_labelled_by_holder() -> sa.ColumnElement[bool]:
    made = labels.alias().c
    return ~sa.exists().where(
        made.image_id == _r.image_id, made.technician_id + 0 == _r.technician_id
    )


def facts(view: View, ids: list[int]) -> dict[int, tuple[str, str | None]]:
    """Path and specimen of each image."""
    c = images.c
    query = sa.select(c.id, c.path, c.specimen_id).where(view.dialect.ids_in(c.id, ids))
    return {row.id: (row.path, row.specimen_id) for row in view.conn.execute(query)}
