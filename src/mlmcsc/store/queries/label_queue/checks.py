"""Images that check the people who label: blind duplicates, and images with a gold label."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import images, label_reservations, labels
from mlmcsc.store.queries.label_queue.candidates import Asking, fitting, not_labelled_by
from mlmcsc.store.queries.rows import View

WINDOW = 256
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
    for ids in _windows(view, [c.technician_id == who], int(before) - 1, rng):
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
    return fitting(view, ids, sa.exists().where(*mine), ~lately, ~given)


def golds(view: View, asking: Asking, rng: np.random.Generator) -> Iterator[list[int]]:
    """Images with a gold label by somebody else that the technician has not labelled."""
    for ids in _windows(view, _gold(view, asking), None, rng):
        yield free_golds(view, asking, ids)


def free_golds(view: View, asking: Asking, ids: list[int]) -> list[int]:
    """Which of these still check the technician."""
    i, who = images.c, asking.technician_id
    given = sa.exists().where(
        _r.image_id == i.id, _r.technician_id == who, _r.released_at.is_(None)
    )
    gold = sa.exists().where(labels.c.image_id == i.id, *_gold(view, asking))
    return fitting(view, ids, gold, not_labelled_by(i.id, who), ~given)


def _gold(view: View, asking: Asking) -> list[sa.ColumnElement[bool]]:
    c, barred = labels.c, [asking.technician_id, *asking.restricted]
    return [c.label_type == LabelType.GOLD.value, ~view.dialect.ids_in(c.technician_id, barred)]


def _windows(
    view: View,
    which: list[sa.ColumnElement[bool]],
    last: int | None,
    rng: np.random.Generator,
) -> Iterator[list[int]]:
    """The images of windows of such labels: at random places, then the first ones."""
    c: Any = labels.c
    low, high = (
        view.conn.scalar(sa.select(of(c.id)).where(*which)) for of in (sa.func.min, sa.func.max)
    )
    if low is None or high is None:
        return
    high = high if last is None else last
    if high < low:
        return
    query = sa.select(c.id, c.image_id).where(*which, c.id <= high).order_by(c.id).limit(WINDOW)
    # A short span is one window or two, and needs no probing.
    places = PROBES if high - low >= WINDOW else 0
    for start in [*rng.integers(low, high + 1, places).tolist(), low]:
        found = view.conn.execute(query.where(c.id >= start)).all()
        ids = list(dict.fromkeys(row.image_id for row in found))
        yield rng.permutation(np.asarray(ids, np.int64)).tolist()
