"""What the tables know of the kinship of models, data versions and labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.lineage import Given, ModelName
from mlmcsc.store.models import (
    data_versions,
    dataset_exports,
    labels,
    model_versions,
    predictions,
    technicians,
    version_tags,
)
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View

_SEEN = np.dtype([("id", "<i8"), ("model", "<i8"), ("confirmed", "<i8")])


@dataclass(frozen=True, slots=True)
class Assisted:
    """Labels made in sight of a prediction; arrays of equal length, ascending by label id.

    Attributes:
        label_ids: int64.
        models: int64, which of `names`.
        confirmed: bool, whether the prediction was accepted unchanged.
        names: Model version names, as the labels have them.
    """

    label_ids: NDArray[np.int64]
    models: NDArray[np.int64]
    confirmed: NDArray[np.bool_]
    names: tuple[str, ...]


def named(view: View, stated: str) -> tuple[str, str | None] | None:
    """Version name, and the tag if it was one, of what `stated` names; a version goes first."""
    c = data_versions.c
    if view.conn.scalar(sa.select(c.id).where(c.version == stated)) is not None:
        return stated, None
    query = sa.select(c.version).join(version_tags, version_tags.c.version_id == c.id)
    tagged = view.conn.scalar(query.where(version_tags.c.tag == stated))
    return None if tagged is None else (tagged, stated)


def models_trained(view: View) -> dict[str, tuple[ModelName, ...]]:
    """The models trained on each version, by version name; a tag counts for its version."""
    c = model_versions.c
    query = (
        sa.select(c.id, c.version, c.name, c.training_data_version)
        .where(c.training_data_version.is_not(None))
        .order_by(c.id)
    )
    found: dict[str, tuple[ModelName, ...]] = {}
    for row in view.conn.execute(query).all():
        link = named(view, row.training_data_version)
        if link is not None:
            model = ModelName(row.id, row.version, row.name)
            found[link[0]] = (*found.get(link[0], ()), model)
    return found


def assisted_labels(view: View) -> Assisted:
    """Every label of today that names the model whose prediction was shown."""
    c = labels.c
    each = (
        sa.select(c.model_version_used, sa.func.min(c.id).label("code"))
        .where(c.model_version_used.is_not(None))
        .group_by(c.model_version_used)
        .order_by(sa.func.min(c.id))
    )
    known = view.conn.execute(each).all()
    codes = each.order_by(None).subquery()
    confirmed = sa.case((c.label_type == LabelType.CONFIRMED.value, 1), else_=0)
    query: sa.Select[tuple[int, int, int]] = (
        sa.select(c.id, codes.c.code, confirmed)
        .join(codes, codes.c.model_version_used == c.model_version_used)
        .order_by(c.id)
    )
    found = view.dialect.read_numbers(view.conn, query, _SEEN)
    first = np.asarray([row.code for row in known], dtype=np.int64)
    return Assisted(
        np.ascontiguousarray(found["id"]),
        np.searchsorted(first, found["model"]).astype(np.int64),
        found["confirmed"] != 0,
        tuple(row.model_version_used for row in known),
    )


def label_ids(view: View) -> NDArray[np.int64]:
    """Ids of the labels of today, ascending."""
    query = sa.select(labels.c.id).order_by(labels.c.id)
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))
    return np.ascontiguousarray(found["id"])


def predictions_made(view: View, model_id: int) -> int:
    """How many predictions a model made."""
    return rows.count(view, predictions, predictions.c.model_version_id == model_id)


def labels_seeing(view: View, model: str) -> int:
    """How many labels were made in sight of this model's predictions."""
    return rows.count(view, labels, labels.c.model_version_used == model)


def exports_of(view: View, version: str) -> list[Given]:
    """The exports of a version, oldest first; recipients as stored, sealed or not."""
    c = dataset_exports.c
    query = (
        sa.select(c.format, c.path, c.recipient, c.n_rows, c.exported_at)
        .where(c.version == version)
        .order_by(c.id)
    )
    return [Given(*row) for row in view.conn.execute(query)]


def staff_numbers(view: View, ids: Iterable[int]) -> dict[int, str]:
    """Staff numbers by row id; of an erased person the pseudonym in its place."""
    c = technicians.c
    query = sa.select(c.id, c.technician_id).where(view.dialect.ids_in(c.id, ids))
    return {row.id: row.technician_id for row in view.conn.execute(query)}
