"""Images that check the people who label: blind duplicates, and images with a gold label."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import images, label_reservations, labels
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.label_queue.candidates import WINDOW, Asking
from mlmcsc.store.queries.rows import View

PROBES = 8
"""Places at random where labels are looked at, before those that come first."""
LONG_AGO = timedelta(days=7)
"""Since a technician labelled an image before it comes again."""
OTHERS_SINCE = 50
"""Labels that the technician made since."""
_r = label_reservations.c


def duplicates(view: View, asking: Asking, rng: np.random.Generator) -> Iterator[list[int]]:
    """Images that the technician labelled long ago, and nobody gave them again as a check."""
    c, who = labels.c, asking.technician_id
    recent = (
        sa.select(c.id).where(c.technician_id == who).order_by(c.id.desc()).offset(OTHERS_SINCE - 1)
    )
    before = view.conn.scalar(recent.limit(1))
    if before is None:
        return
    mine = sa.select(c.id, c.image_id).where(c.technician_id == who, c.id + 0 < before)
    for ids in _windows(view, mine, rng):
        yield free_duplicates(view, asking, ids)


def free_duplicates(view: View, asking: Asking, ids: list[int]) -> list[int]:
    """Which of these may come again: labelled long ago, and not checked so before."""
    c, i, who = labels.c, images.c, asking.technician_id
    mine = (c.image_id == i.id, c.technician_id == who)
    lately = sa.exists().where(*mine, c.timestamp > asking.now - LONG_AGO)
    given = sa.exists().where(
        _r.image_id == i.id,
        _r.technician_id == who,
        sa.or_(_r.released_at.is_(None), (_r.purpose == "duplicate") & _r.label_id.is_not(None)),
    )
    return _fitting(view, ids, sa.exists().where(*mine), ~lately, ~given)


def golds(view: View, asking: Asking, rng: np.random.Generator) -> Iterator[list[int]]:
    """Images with a gold label by somebody else that the technician has not labelled."""
    gold = sa.select(labels.c.id, labels.c.image_id).where(*_gold(view, asking))
    for ids in _windows(view, gold, rng):
        yield free_golds(view, asking, ids)


def free_golds(view: View, asking: Asking, ids: list[int]) -> list[int]:
    """Which of these still check the technician."""
    i, who = images.c, asking.technician_id
    made = labels.alias("mine").c
    labelled = sa.exists().where(made.image_id == i.id, made.technician_id == who)
    given = sa.exists().where(
        _r.image_id == i.id, _r.technician_id == who, _r.released_at.is_(None)
    )
    gold = sa.exists().where(labels.c.image_id == i.id, *_gold(view, asking))
    return _fitting(view, ids, gold, ~labelled, ~given)


def _gold(view: View, asking: Asking) -> list[sa.ColumnElement[bool]]:
    c, restricted = labels.c, restricted_technicians(view)
    barred = [asking.technician_id, *restricted.tolist()]
    return [c.label_type == LabelType.GOLD.value, ~view.dialect.ids_in(c.technician_id, barred)]


def _fitting(view: View, ids: list[int], *conditions: sa.ColumnElement[bool]) -> list[int]:
    c = images.c
    query = sa.select(c.id).where(view.dialect.ids_in(c.id, ids), c.is_valid, *conditions)
    good = set(view.conn.scalars(query))
    return [image for image in ids if image in good]


def _windows(view: View, query: sa.Select[Any], rng: np.random.Generator) -> Iterator[list[int]]:
    """The images of windows of such labels: at random places, then the first ones."""
    c = labels.c
    last = int(view.conn.scalar(sa.select(sa.func.max(c.id))) or 0)
    for start in [*rng.integers(0, last + 1, PROBES).tolist(), 0]:
        # The sum keeps the planner off the ids of all labels: few are gold, or of one person.
        found = view.conn.execute(query.where(c.id + 0 >= start).order_by(c.id).limit(WINDOW)).all()
        ids = list(dict.fromkeys(row.image_id for row in found))
        yield rng.permutation(np.asarray(ids, np.int64)).tolist() if ids else []
