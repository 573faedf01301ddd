"""What is known of labels and of what models say of their images, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import labels, model_versions, predictions, technicians
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """What is shown of a label."""

    staff: str
    label_type: str


def newest_model(view: View) -> tuple[int, str] | None:
    """Id and name of the active model where it has predictions, else of the newest that has."""
    m, p = model_versions.c, predictions.c
    has = sa.exists().where(p.model_version_id == m.id)
    query = sa.select(m.id, m.version).where(has)
    found = view.conn.execute(query.order_by(m.is_active.desc(), m.id.desc()).limit(1)).first()
    return None if found is None else (found.id, found.version)


def predicted(view: View, model: int, images: Ids) -> NDArray[np.float64]:
    """The model's newest prediction of each image (ascending); NaN where it has none."""
    c = predictions.c
    query = sa.select(c.image_id, c.prediction).where(c.model_version_id == model).order_by(c.id)
    dtype = np.dtype([("image", "<i8"), ("value", "<f8")])
    found = view.dialect.read_numbers(view.conn, query, dtype)
    values = np.full(len(images), np.nan)
    known = np.isin(found["image"], images)
    # Of several predictions of an image the last one assigned stays, and that is the newest.
    values[np.searchsorted(images, found["image"][known])] = found["value"][known]
    return values


def told(view: View, label_ids: Ids) -> dict[int, Told]:
    """Maker and type of these labels."""
    c, t = labels.c, technicians.c
    query = (
        sa.select(c.id, t.technician_id, c.label_type)
        .join(technicians, t.id == c.technician_id)
        .where(view.dialect.ids_in(c.id, label_ids))
    )
    return {row.id: Told(row.technician_id, row.label_type) for row in view.conn.execute(query)}


def staff_row(view: View, staff: str) -> int | None:
    """The id of the technician with this staff number."""
    found = view.conn.scalar(
        sa.select(technicians.c.id).where(technicians.c.technician_id == staff)
    )
    return None if found is None else int(found)
