"""What the tables know of the kinship of models, data versions and labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType, Operation
from mlmcsc.domain.lineage import Given, ModelName
from mlmcsc.domain.training_data import DeletedVersion, NamedVersion, VersionNames, training_data
from mlmcsc.store.models import (
    audit_logs,
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


def names_of_versions(view: View) -> VersionNames:
    """What names of versions and tags mean today, and which versions bore them before."""
    v, t, e = data_versions.c, version_tags.c, audit_logs.c
    known = sa.select(v.version, v.created_at, v.root)
    tags = sa.select(t.tag, v.version).join(data_versions, v.id == t.version_id)
    told = (Operation.CREATE.value, Operation.DELETE.value)
    events = (
        sa.select(e.record_id, e.operation, e.timestamp, e.old_values, e.digest)
        .where(e.table_name == data_versions.name, e.operation.in_(told))
        .order_by(e.id)
    )
    made: dict[int, datetime] = {}
    deleted: defaultdict[str, list[DeletedVersion]] = defaultdict(list)
    for event in view.conn.execute(events):
        if event.operation == Operation.CREATE.value:
            made[event.record_id] = event.timestamp
        elif name := (event.old_values or {}).get("version"):
            born = made.get(event.record_id)
            deleted[name].append(DeletedVersion(born, event.timestamp, event.digest))
    return VersionNames(
        {row.version: NamedVersion(row.created_at, row.root) for row in view.conn.execute(known)},
        {row.tag: row.version for row in view.conn.execute(tags)},
        deleted,
    )


def models_trained(view: View) -> dict[str, tuple[ModelName, ...]]:
    """The models trained on each version, by version name; a tag counts for its version."""
    c = model_versions.c
    query = (
        sa.select(c.id, c.version, c.name, c.training_data_version, c.created_at)
        .where(c.training_data_version.is_not(None))
        .order_by(c.id)
    )
    names = names_of_versions(view)
    found: defaultdict[str, list[ModelName]] = defaultdict(list)
    for row in view.conn.execute(query):
        version = training_data(row.training_data_version, row.created_at, names).version
        if version is not None:
            found[version].append(ModelName(row.id, row.version, row.name))
    return {version: tuple(models) for version, models in found.items()}


def layers_of_versions(view: View) -> list[tuple[int, Any]]:
    """Which files each version's rows are in."""
    c = data_versions.c
    return [(row.id, row.layers) for row in view.conn.execute(sa.select(c.id, c.layers))]


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


def exports_of(view: View, root: str) -> list[Given]:
    """The exports of a version, oldest first; recipients as stored, sealed or not.

    Args:
        view: An open transaction.
        root: The version's; its name may have been another's before.
    """
    c = dataset_exports.c
    query = (
        sa.select(c.format, c.path, c.recipient, c.n_rows, c.exported_at)
        .where(c.root == root)
        .order_by(c.id)
    )
    return [Given(*row) for row in view.conn.execute(query)]


def staff_numbers(view: View, ids: Iterable[int]) -> dict[int, str]:
    """Staff numbers by row id; of an erased person the pseudonym in its place."""
    c = technicians.c
    query = sa.select(c.id, c.technician_id).where(view.dialect.ids_in(c.id, ids))
    return {row.id: row.technician_id for row in view.conn.execute(query)}
