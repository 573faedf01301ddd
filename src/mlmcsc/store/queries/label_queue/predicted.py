"""Images ranked by what models say of them, without walking through all predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import labels, model_versions, predictions
from mlmcsc.store.queries.label_queue.candidates import Asking, free_new, unlabelled, usable
from mlmcsc.store.queries.label_queue.drawing import Pool, drawn, first, labelled
from mlmcsc.store.queries.rows import View

_p: Any = predictions.c
STEPS = (512, 2048)
"""Predictions walked over from the least confident on; beyond, they are drawn at random."""
SAMPLE = 512
"""Unlabelled images drawn there: among as many times more, the walk starts near the lowest."""
BELOW = 2_048
"""Predictions walked over from the lowest of these downwards."""
COMPARED = 4_096
"""Labelled images, and images of other models, of which the spread is looked at."""
OTHERS = 4
"""Other models, the newest, that are compared."""
WINDOW = 256


def model_in_use(view: View) -> int | None:
    """The active model where it has predictions, else the newest that has; None without any."""
    found = _models(view, 1)
    return found[0] if found else None


def _models(view: View, most: int) -> list[int]:
    m = model_versions.c
    has = sa.exists().where(_p.model_version_id == m.id)
    query = sa.select(m.id).where(has).order_by(m.is_active.desc(), m.id.desc()).limit(most)
    return [int(found) for found in view.conn.scalars(query)]


def least_confident(
    view: View, asking: Asking, model: int, count: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Unlabelled images by the confidence of the model's newest prediction, lowest first.

    Exact while some of the least confident predictions are of unlabelled images. Once those are
    labelled, walking over them takes ever longer: then unlabelled images are drawn, and the walk
    begins at the least confident of them and goes down.
    """
    at: tuple[float, int] | None = (-1.0, 0)
    for step in STEPS:
        if at is not None:
            end = _boundary(view, at, step)
            ids = _between(view, model, at, end)
            yield free_new(view, asking, ids, labelled=False)
            at = end
    if at is None:
        return
    suitable = [unlabelled(_p.image_id), _newest(model)]
    pool = Pool(_p.id, _p.image_id, [_p.model_version_id == model], suitable)
    sample = first(drawn(view, pool, rng), max(SAMPLE, 2 * count))[0]
    said = newest_predictions(view, model, sample)
    ranked = sorted((said[image][2], said[image][0], image) for image in sample)
    if ranked:
        lowest = ranked[0][:2]
        ids = _between(view, model, _boundary(view, lowest, BELOW, down=True), lowest)
        yield free_new(view, asking, ids, labelled=False)
    yield free_new(view, asking, [image for *_, image in ranked], labelled=False)


_place = sa.tuple_(_p.confidence, _p.id)


def _boundary(
    view: View, at: tuple[float, int], step: int, *, down: bool = False
) -> tuple[float, int] | None:
    """Where `step` predictions further one is, by confidence; None beyond the end."""
    query = sa.select(_p.confidence, _p.id).offset(step - 1).limit(1)
    if down:
        query = query.where(_place < at).order_by(_p.confidence.desc(), _p.id.desc())
    else:
        query = query.where(_place > at).order_by(_p.confidence, _p.id)
    found = view.conn.execute(query).first()
    return None if found is None else (found[0], found[1])


def _between(
    view: View, model: int, low: tuple[float, int] | None, high: tuple[float, int] | None
) -> list[int]:
    """Unlabelled images whose newest prediction lies between, the least confident first."""
    # The sum keeps the planner off the model's index: it is to walk along the confidences.
    query = sa.select(_p.image_id).where(
        _p.model_version_id + 0 == model, unlabelled(_p.image_id), _newest(model)
    )
    if low is not None:
        query = query.where(_place > low)
    if high is not None:
        query = query.where(_place <= high)
    return list(view.conn.scalars(query.order_by(_p.confidence, _p.id)))


def _newest(model: int) -> sa.ColumnElement[bool]:
    """No later prediction of the same image by this model."""
    later = predictions.alias().c
    return ~sa.exists().where(
        later.image_id == _p.image_id, later.model_version_id + 0 == model, later.id + 0 > _p.id
    )


def newest_predictions(
    view: View, model: int, ids: list[int]
) -> dict[int, tuple[int, float, float]]:
    """Id, value and confidence of the model's newest prediction of each image that has one."""
    # Not grouped: for that the planner would walk through all predictions by image.
    query = (
        sa.select(_p.image_id, _p.id, _p.prediction, _p.confidence)
        .where(view.dialect.ids_in(_p.image_id, ids), _p.model_version_id + 0 == model)
        .order_by(_p.id + 0)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in view.conn.execute(query)}


def most_disputed(
    view: View, asking: Asking, model: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Images by what is said of them: the widest spread first.

    Spread: the largest difference between the models' newest predictions, or between that of the
    model in use and any label of a person whose data may be used. Of large tables as many images
    are looked at as can be while somebody waits, drawn at random.
    """
    known = labelled(view, asking, COMPARED, rng)
    others = [other for other in _models(view, OTHERS + 1) if other != model][:OTHERS]
    for other in others:
        pool = Pool(_p.id, _p.image_id, [_p.model_version_id == other])
        known += first(drawn(view, pool, rng, whole=False), COMPARED // len(others))[0]
    images, spreads = _spreads(view, asking, model, np.unique(np.asarray(known, np.int64)))
    ranked = images[np.lexsort((images, -spreads))]
    for start in range(0, len(ranked), WINDOW):
        yield free_new(view, asking, ranked[start : start + WINDOW].tolist(), labelled=True)


def _spreads(
    view: View, asking: Asking, model: int, images: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Those of which two things are said, and how far these are apart."""
    said = view.dialect.read_numbers(
        view.conn,
        sa.select(_p.image_id, _p.model_version_id, _p.id, _p.prediction).where(
            view.dialect.ids_in(_p.image_id, images)
        ),
        np.dtype([("image", "<i8"), ("model", "<i8"), ("id", "<i8"), ("value", "<f8")]),
    )
    c = labels.c
    made = view.dialect.read_numbers(
        view.conn,
        sa.select(c.image_id, c.label).where(
            view.dialect.ids_in(c.image_id, images), *usable(view, asking)
        ),
        np.dtype([("image", "<i8"), ("value", "<f8")]),
    )
    said = said[np.lexsort((said["id"], said["model"], said["image"]))]
    last = np.r_[
        (said["image"][1:] != said["image"][:-1]) | (said["model"][1:] != said["model"][:-1]),
        np.ones(min(len(said), 1), bool),
    ]
    said = said[last]
    at = np.searchsorted(images, said["image"])
    low, high = np.full(len(images), np.inf), np.full(len(images), -np.inf)
    np.minimum.at(low, at, said["value"])
    np.maximum.at(high, at, said["value"])
    spread = np.where(np.bincount(at, minlength=len(images)) > 1, high - low, -1.0)
    used = np.full(len(images), np.nan)
    mine = said["model"] == model
    used[at[mine]] = said["value"][mine]
    place = np.searchsorted(images, made["image"])
    apart = np.abs(made["value"] - used[place])
    np.fmax.at(spread, place, apart)
    told = spread >= 0
    return images[told], spread[told]
