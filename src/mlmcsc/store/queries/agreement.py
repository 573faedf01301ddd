"""What several people said of the same images, as arrays; of other images nothing is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.agreement.specimens import Specimens
from mlmcsc.domain.agreement.study import Kind, Measurements, ModelAnswers
from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import (
    images,
    label_revisions,
    labels,
    model_versions,
    predictions,
    specimens,
    technicians,
)
from mlmcsc.store.queries.rows import View

NEVER_SHOWN: Final = -1e300
"""Stands for NULL while numbers are read; labels and predictions are within their range."""
_c = labels.c
_first = label_revisions.alias()


def _compared() -> sa.Select[tuple[int]]:
    """Valid images with two labels or more; counted in the index alone."""
    several = sa.select(_c.image_id).group_by(_c.image_id).having(sa.func.count() > 1)
    return sa.select(images.c.id).where(images.c.id.in_(several), images.c.is_valid)


def _kind() -> sa.Case[int]:
    """How a label came about, judged by its first state; what it serves for now, by its present."""
    first_type = sa.func.coalesce(_first.c.label_type, _c.label_type)
    return sa.case(
        (_c.label_type == LabelType.CONSENSUS.value, Kind.CONSENSUS.value),
        (_c.label_type == LabelType.GOLD.value, Kind.GOLD.value),
        (_c.original_prediction.is_not(None), Kind.ASSISTED.value),
        (first_type == LabelType.MANUAL.value, Kind.BLIND.value),
        else_=Kind.OTHER.value,
    )


def measurements(
    view: View, since: datetime | None = None, until: datetime | None = None
) -> Measurements:
    """Labels of all valid images that have two labels or more, ascending by id.

    Args:
        view: An open transaction.
        since: People's labels made at or after; references may be older.
        until: People's labels made before.
    """
    columns: list[tuple[str, str, sa.ColumnElement[Any]]] = [
        ("label", "<i8", _c.id),
        ("image", "<i8", _c.image_id),
        ("rater", "<i8", _c.technician_id),
        ("value", "<f8", _c.label),
        ("first", "<f8", sa.func.coalesce(_first.c.label, _c.label)),
        ("shown", "<f8", sa.func.coalesce(_c.original_prediction, NEVER_SHOWN)),
        ("kind", "<i8", _kind()),
        ("revision", "<i8", _c.revision),
    ]
    at_first = sa.and_(_first.c.label_id == _c.id, _first.c.revision == 1, _c.revision > 1)
    query: sa.Select[Any] = (
        sa.select(*(column for *_, column in columns))
        .select_from(labels.outerjoin(_first, at_first))
        .where(_c.image_id.in_(_compared()), *_period(view, since, until))
        .order_by(_c.id)
    )
    dtype = np.dtype([(name, kind) for name, kind, _ in columns])
    read = view.dialect.read_numbers(view.conn, query, dtype)
    found = {name: np.ascontiguousarray(read[name]) for name, *_ in columns}
    shown = found["shown"]
    shown[shown == NEVER_SHOWN] = np.nan
    return Measurements(
        label_ids=found["label"],
        images=found["image"],
        raters=found["rater"],
        values=found["value"],
        firsts=found["first"],
        shown=shown,
        kinds=found["kind"].astype(np.int8),
        revisions=found["revision"],
    )


def _period(
    view: View, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    """Conditions on people's labels; `read_numbers` binds values as the driver takes them."""
    encode = view.dialect.encoder(_c.timestamp)
    references = (LabelType.GOLD, LabelType.CONSENSUS)  # IN would be bound only by SQLAlchemy
    reference = sa.or_(*(_c.label_type == each.value for each in references))

    def bound(at: datetime) -> Any:
        return at if encode is None else encode(at)

    after = [] if since is None else [sa.or_(reference, _c.timestamp >= bound(since))]
    before = [] if until is None else [sa.or_(reference, _c.timestamp < bound(until))]
    return after + before


def times(view: View, label_ids: NDArray[np.int64]) -> dict[int, datetime]:
    """When these labels were made."""
    query = sa.select(_c.id, _c.timestamp).where(view.dialect.ids_in(_c.id, label_ids))
    return {row.id: row.timestamp for row in view.conn.execute(query)}


def specimens_of(view: View, image_ids: NDArray[np.int64]) -> Specimens:
    """The specimen of each image, ascending by image id; without one, a number of its own.

    Args:
        view: An open transaction.
        image_ids: int64, ascending.
    """
    number = sa.func.coalesce(specimens.c.id, -images.c.id)
    query = (
        sa.select(images.c.id, number)
        .select_from(images.outerjoin(specimens, images.c.specimen_id == specimens.c.specimen_id))
        .where(view.dialect.ids_in(images.c.id, image_ids))
        .order_by(images.c.id)
    )
    dtype = np.dtype([("image", "<i8"), ("specimen", "<i8")])
    read = view.dialect.read_numbers(view.conn, query, dtype)
    return Specimens(*(np.ascontiguousarray(read[name]) for name in dtype.names or ()))


def model_answers(view: View, image_ids: NDArray[np.int64]) -> ModelAnswers:
    """The last prediction of every model version for these images."""
    p = predictions.c
    last = (
        sa.select(sa.func.max(p.id))
        .where(view.dialect.ids_in(p.image_id, image_ids))
        .group_by(p.image_id, p.model_version_id)
    )
    query = sa.select(p.image_id, p.model_version_id, p.prediction).where(p.id.in_(last))
    # By rows: COPY takes no list of ids, and only images that several people labelled are asked.
    rows = view.conn.execute(query).all()
    found = np.array([tuple(row) for row in rows], dtype="<i8,<i8,<f8")
    names = sa.select(model_versions.c.id, model_versions.c.version)
    return ModelAnswers(
        images=found["f0"],
        models=found["f1"],
        values=found["f2"],
        names={row.id: row.version for row in view.conn.execute(names)},
    )


def staff_numbers(view: View, ids: NDArray[np.int64]) -> dict[int, str]:
    """The staff numbers of technicians, or the pseudonyms of those who were erased."""
    t = technicians.c
    query = sa.select(t.id, t.technician_id).where(view.dialect.ids_in(t.id, np.unique(ids)))
    return {row.id: row.technician_id for row in view.conn.execute(query)}


def labels_at_all(view: View) -> int:
    """Labels of the whole database."""
    return int(view.conn.scalar(sa.select(sa.func.count()).select_from(labels)) or 0)
