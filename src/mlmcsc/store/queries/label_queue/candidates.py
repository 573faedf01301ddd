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

from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import images, label_reservations, labels, model_versions, predictions
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]
_ID = np.dtype([("id", "<i8")])
_r = label_reservations.c
WINDOW = 256
WIDEST = 8192
"""Rows of the widest window: the first rows of a ranking may all be labelled already."""
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
    # Two queries: of one that asks for both, SQLite reads the whole table.
    low = view.conn.scalar(sa.select(sa.func.min(images.c.id)))
    high = view.conn.scalar(sa.select(sa.func.max(images.c.id)))
    if low is None or high is None:
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
    c = predictions.c
    at, window = (-1.0, 0), WINDOW
    while True:
        # The sum keeps the planner off the model's index: it is to walk along the confidences.
        query = (
            sa.select(c.id, c.image_id, c.confidence)
            .where(
                c.model_version_id + 0 == model,
                c.confidence >= at[0],
                sa.or_(c.confidence > at[0], c.id > at[1]),
            )
            .order_by(c.confidence, c.id)
            .limit(window)
        )
        found = view.conn.execute(query).all()
        if not found:
            return
        at = (found[-1].confidence, found[-1].id)
        newest = newest_predictions(view, model, [row.image_id for row in found])
        ids = [row.image_id for row in found if newest[row.image_id][0] == row.id]
        yield free_new(view, asking, ids, labelled=False)
        window = min(window * 2, WIDEST)


def newest_predictions(
    view: View, model: int, ids: list[int]
) -> dict[int, tuple[int, float, float]]:
    """Id, value and confidence of the model's newest prediction of each image that has one."""
    c = predictions.c
    # Not grouped: for that the planner would walk through all predictions by image.
    query = (
        sa.select(c.image_id, c.id, c.prediction, c.confidence)
        .where(view.dialect.ids_in(c.image_id, ids), c.model_version_id + 0 == model)
        .order_by(c.id + 0)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in view.conn.execute(query)}


def most_disputed(view: View, asking: Asking, model: int) -> Iterator[list[int]]:
    """Images by what is said of them: the widest spread first.

    Spread: the largest difference between the models' predictions, or between the model in use
    and any label of a person whose data may be used.
    """
    c = predictions.c
    spread = (
        sa.select(c.image_id, (sa.func.max(c.prediction) - sa.func.min(c.prediction)).label("of"))
        .group_by(c.image_id)
        .having(sa.func.max(c.model_version_id) > sa.func.min(c.model_version_id))
    )
    apart = sa.func.max(sa.func.abs(labels.c.label - c.prediction))
    against = (
        sa.select(c.image_id, apart.label("of"))
        .join(labels, labels.c.image_id == c.image_id)
        .where(c.model_version_id == model, *_usable(view))
        .group_by(c.image_id)
    )
    both = sa.union_all(spread, against).subquery()
    query = sa.select(both.c.image_id, sa.func.max(both.c.of)).group_by(both.c.image_id)
    dtype = np.dtype([("id", "<i8"), ("of", "<f8")])
    found = view.dialect.read_numbers(view.conn, query, dtype)
    ranked = found["id"][np.lexsort((found["id"], -found["of"]))]
    for start in range(0, len(ranked), WINDOW):
        ids = ranked[start : start + WINDOW].tolist()
        yield free_new(view, asking, ids, labelled=True)


def for_overlap(
    view: View, asking: Asking, raters: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Images that fewer than `raters` colleagues labelled or have, and the technician not.

    Labels are walked from one of them at random to the end, and then from the first.
    """
    c = labels.c
    last = int(view.conn.scalar(sa.select(sa.func.max(c.id))) or 0)
    start = int(rng.integers(0, last + 1))
    for begin, end in ((start, last), (0, start)):
        at = begin
        while at < end:
            query = sa.select(c.id, c.image_id).where(c.id > at, c.id <= end, *_usable(view))
            window = view.conn.execute(query.order_by(c.id).limit(WINDOW)).all()
            if not window:
                break
            at = window[-1].id
            ids = list(dict.fromkeys(row.image_id for row in window))
            yield free_overlap(view, asking, ids, raters)


def free_overlap(view: View, asking: Asking, ids: list[int], raters: int) -> list[int]:
    """Which of these still want a rater, and may have this one; in their order."""
    c, i = labels.c, images.c
    made = (
        sa.select(sa.func.count(c.technician_id.distinct()))
        .where(c.image_id == i.id, *_usable(view))
        .scalar_subquery()
    )
    out = (
        sa.select(sa.func.count())
        .where(_r.image_id == i.id, _r.released_at.is_(None), _r.expires_at > asking.now)
        .scalar_subquery()
    )
    query = sa.select(i.id).where(
        view.dialect.ids_in(i.id, ids),
        i.is_valid,
        _not_labelled_by(i.id, asking.technician_id),
        _not_out(i.id, asking, anybody=False),
        made >= 1,
        made + out < raters,
    )
    good = set(view.conn.scalars(query))
    return [image for image in ids if image in good]


def _usable(view: View) -> list[sa.ColumnElement[bool]]:
    """Labels by persons whose data may be used; what was agreed is nobody's own label."""
    c, restricted = labels.c, restricted_technicians(view)
    by_persons = c.label_type != LabelType.CONSENSUS.value
    barred = [~view.dialect.ids_in(c.technician_id, restricted)] if len(restricted) else []
    return [by_persons, *barred]


def facts(view: View, ids: list[int]) -> dict[int, tuple[str, str | None]]:
    """Path and specimen of each image."""
    c = images.c
    query = sa.select(c.id, c.path, c.specimen_id).where(view.dialect.ids_in(c.id, ids))
    return {row.id: (row.path, row.specimen_id) for row in view.conn.execute(query)}
