"""Counting and naming what a check of quality finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.training_data import training_data
from mlmcsc.store.models import (
    IMAGES_PER_CHUNK,
    image_quality,
    images,
    labels,
    model_versions,
    near_duplicates,
    predictions,
)
from mlmcsc.store.queries.lineage import names_of_versions
from mlmcsc.store.queries.rows import View

_i = images.c
ABSENT: Final = {
    "no_specimen": _i.specimen_id.is_(None),
    "no_magnification": _i.magnification.is_(None),
    "no_pixel_size": _i.pixel_size_um.is_(None),
    "not_labelled": ~sa.exists().where(labels.c.image_id == _i.id),
}
"""Kind of finding to the images that it is about."""


def first_images(view: View, kind: str, chunks: Sequence[int], most: int) -> list[int]:
    """The first images that lack something, looked for in these chunks, ascending."""
    found: list[int] = []
    for chunk in chunks:
        if len(found) >= most:
            break
        low = chunk * IMAGES_PER_CHUNK
        within = (_i.id >= low) & (_i.id < low + IMAGES_PER_CHUNK)
        query = sa.select(_i.id).where(within, ABSENT[kind]).order_by(_i.id)
        found += view.conn.scalars(query.limit(most - len(found)))
    return found


def poor_images(view: View, threshold: float, most: int) -> tuple[int, list[int]]:
    """Images in use whose score is below the threshold: how many, and the worst."""
    poor = sa.and_(_i.is_valid, _i.quality_score < threshold)
    query = sa.select(_i.id).where(poor).order_by(_i.quality_score, _i.id).limit(most)
    return _counted(view, poor), list(view.conn.scalars(query))


def unscored_images(view: View, most: int) -> tuple[int, list[int]]:
    """Images in use without a score: how many, and the first."""
    unknown = sa.and_(_i.is_valid, _i.quality_score.is_(None))
    query = sa.select(_i.id).where(unknown).order_by(_i.id).limit(most)
    return _counted(view, unknown), list(view.conn.scalars(query))


def _counted(view: View, condition: sa.ColumnElement[bool]) -> int:
    return view.conn.scalar(sa.select(sa.func.count()).select_from(images).where(condition)) or 0


def unverified_labels(view: View, restricted: NDArray[np.int64], most: int) -> list[int]:
    """The first labels of people that nobody has checked."""
    c = labels.c
    by_people = c.label_type != LabelType.CONSENSUS.value
    query = sa.select(c.id).where(~c.is_verified, by_people).order_by(c.id).limit(most)
    if len(restricted):
        query = query.where(~view.dialect.ids_in(c.technician_id, restricted))
    return list(view.conn.scalars(query))


def unsure_predictions(view: View, threshold: float, most: int) -> list[int]:
    """Predictions of a confidence below the threshold, the least sure first."""
    c = predictions.c
    query = sa.select(c.id).where(c.confidence < threshold).order_by(c.confidence, c.id)
    return list(view.conn.scalars(query.limit(most)))


def unsure_between(view: View, low: float, high: float) -> int:
    """How many predictions have a confidence from `low` to below `high`."""
    c = predictions.c
    within = (c.confidence >= low) & (c.confidence < high)
    return view.conn.scalar(sa.select(sa.func.count()).where(within)) or 0


def unreadable_images(view: View, most: int) -> tuple[int, list[int]]:
    """Images whose files could not be measured when last tried: how many, and the first."""
    c = image_quality.c
    failed = sa.select(c.image_id).where(c.problem.is_not(None))
    count = view.conn.scalar(sa.select(sa.func.count()).select_from(failed.subquery())) or 0
    return count, list(view.conn.scalars(failed.order_by(c.image_id).limit(most)))


def unscored_and_unreadable(view: View) -> int:
    """How many images in use have no score because their files cannot be read."""
    c = image_quality.c
    failed = sa.select(c.image_id).where(c.problem.is_not(None))
    return _counted(view, sa.and_(_i.is_valid, _i.quality_score.is_(None), _i.id.in_(failed)))


def look_alikes(view: View, most: int) -> tuple[int, list[tuple[int, int]]]:
    """Pairs of images in use that look the same: how many, and the first, older image first."""
    c = near_duplicates.c
    # Not a join: without statistics SQLite walks all valid images twice, one inside the other.
    unused = sa.select(_i.id).where(~_i.is_valid)
    pairs = sa.select(c.older_image_id, c.image_id).where(
        c.image_id.not_in(unused), c.older_image_id.not_in(unused)
    )
    count = view.conn.scalar(sa.select(sa.func.count()).select_from(pairs.subquery())) or 0
    first = pairs.order_by(c.older_image_id, c.image_id).limit(most)
    return count, [(older, newer) for older, newer in view.conn.execute(first)]


def versions(view: View) -> dict[int, str]:
    """Names of model versions by id."""
    c = model_versions.c
    found = view.conn.execute(sa.select(c.id, c.version))
    return {row.id: row.version for row in found}


@dataclass(frozen=True, slots=True)
class TrainingVersion:
    """What a model was trained on.

    Attributes:
        name: Of the data version.
        root: Its Merkle root, hex.
        model: A model version that was trained on it.
    """

    name: str
    root: str
    model: str


def training_versions(view: View) -> dict[int, TrainingVersion]:
    """The data version that each model version was trained on, by id, where it is known."""
    c = model_versions.c
    stated = sa.select(c.id, c.version, c.training_data_version, c.created_at)
    models = view.conn.execute(stated.where(c.training_data_version.is_not(None))).all()
    if not models:
        return {}
    names, found = names_of_versions(view), {}
    for model in models:
        link = training_data(model.training_data_version, model.created_at, names)
        if link.version is not None and link.root is not None:  # else it lists no images
            found[model.id] = TrainingVersion(link.version, link.root, model.version)
    return found


def image_files(view: View, ids: NDArray[np.int64] | None) -> list[tuple[int, str]]:
    """Ids and paths of these images, or of all."""
    query = sa.select(_i.id, _i.path).order_by(_i.id)
    if ids is not None:
        query = query.where(view.dialect.ids_in(_i.id, ids))
    return [(row, path) for row, path in view.conn.execute(query).all()]
