"""Images that may be handed out, ranked; read before anything is locked.

Every look is bounded: a window of an index at a time, until the caller has enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import images, label_reservations, labels, model_versions, predictions
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]
_ID = np.dtype([("id", "<i8")])
_r = label_reservations.c
WINDOW = 256
PROBES = 20
"""Looks at random images before all unlabelled ones are listed."""


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and when.

    Attributes:
        technician_id: Who is to label.
        now: The time; reservations that ended before it do not count.
    """

    technician_id: int
    now: datetime


def _valid(image: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return sa.exists().where(images.c.id == image, images.c.is_valid)


def _unlabelled(image: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return ~sa.exists().where(labels.c.image_id == image)


def _not_labelled_by(image: sa.ColumnElement[int], technician: int) -> sa.ColumnElement[bool]:
    made = labels.alias("mine").c
    return ~sa.exists().where(made.image_id == image, made.technician_id == technician)


def _not_out(
    image: sa.ColumnElement[int], asking: Asking, *, anybody: bool
) -> sa.ColumnElement[bool]:
    """Not with the technician; where `anybody`, also not as a new image with somebody else."""
    whose: Any = _r.technician_id == asking.technician_id
    if anybody:
        whose = sa.or_(whose, _r.purpose == "new")
    return ~sa.exists().where(
        _r.image_id == image, _r.released_at.is_(None), _r.expires_at > asking.now, whose
    )


def free_new(view: View, asking: Asking, ids: list[int], *, labelled: bool) -> list[int]:
    """Which of these may be handed out as new, in their order.

    Args:
        view: An open transaction.
        asking: For whom.
        ids: Images.
        labelled: Whether images with labels of others count too.
    """
    c = images.c
    fresh = _not_labelled_by(c.id, asking.technician_id) if labelled else _unlabelled(c.id)
    query = sa.select(c.id).where(
        view.dialect.ids_in(c.id, ids), c.is_valid, fresh, _not_out(c.id, asking, anybody=True)
    )
    good = set(view.conn.scalars(query))
    return [image for image in ids if image in good]


def at_random(view: View, asking: Asking, rng: np.random.Generator) -> Iterator[list[int]]:
    """Unlabelled images in random order; a few probes first, then the list of all."""
    seen: set[int] = set()
    low, high = view.conn.execute(
        sa.select(sa.func.min(images.c.id), sa.func.max(images.c.id))
    ).one()
    if high is None:
        return
    for _ in range(PROBES):
        drawn = dict.fromkeys(rng.integers(low, high + 1, WINDOW).tolist())
        ids = [image for image in drawn if image not in seen]
        seen.update(ids)
        yield free_new(view, asking, ids, labelled=False)
    every = unlabelled(view)
    rest = rng.permutation(every[~np.isin(every, np.fromiter(seen, np.int64, len(seen)))])
    for start in range(0, len(rest), WINDOW):
        ids = rest[start : start + WINDOW].tolist()
        yield free_new(view, asking, ids, labelled=False)


def unlabelled(view: View) -> Ids:
    """Valid images without any label, ascending."""
    c = images.c
    query = sa.select(c.id).where(c.is_valid, _unlabelled(c.id)).order_by(c.id)
    return np.ascontiguousarray(view.dialect.read_numbers(view.conn, query, _ID)["id"])


def labelled(view: View) -> Ids:
    """Images with a label, ascending."""
    query = sa.select(labels.c.image_id).distinct().order_by(labels.c.image_id)
    return np.ascontiguousarray(view.dialect.read_numbers(view.conn, query, _ID)["id"])


def model_in_use(view: View) -> int | None:
    """The active model where it has predictions, else the newest that has; None without any."""
    m, p = model_versions.c, predictions.c
    has = sa.exists().where(p.model_version_id == m.id)
    query = sa.select(m.id).where(has).order_by(m.is_active.desc(), m.id.desc()).limit(1)
    found = view.conn.scalar(query)
    return None if found is None else int(found)


def least_confident(view: View, asking: Asking, model: int) -> Iterator[list[int]]:
    """Unlabelled images by the confidence of the model's newest prediction, lowest first."""
    c, newer = predictions.c, predictions.alias("newer").c
    newest = ~sa.exists().where(
        newer.image_id == c.image_id, newer.model_version_id == model, newer.id > c.id
    )
    at: tuple[float, int] = (-1.0, 0)
    window = WINDOW
    while True:
        # The sum keeps the planner off the model's index: it is to walk along the confidences.
        ranked = (
            sa.select(c.id, c.image_id, c.confidence)
            .where(
                c.model_version_id + 0 == model,
                c.confidence >= at[0],
                sa.or_(c.confidence > at[0], c.id > at[1]),
            )
            .order_by(c.confidence, c.id)
            .limit(window)
            .subquery()
        )
        good = sa.and_(
            _valid(ranked.c.image_id),
            _unlabelled(ranked.c.image_id),
            _not_out(ranked.c.image_id, asking, anybody=True),
            newest.correlate(ranked),
        )
        del good
        rows = view.conn.execute(
            sa.select(ranked.c.id, ranked.c.image_id, ranked.c.confidence).order_by(
                ranked.c.confidence, ranked.c.id
            )
        ).all()
        if not rows:
            return
        at = (rows[-1].confidence, rows[-1].id)
        ids = [row.image_id for row in rows]
        yield free_new(view, asking, _newest_only(view, rows, model, ids), labelled=False)
        window = min(window * 2, 8 * 4096)
