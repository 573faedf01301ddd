"""Specimens, and what people and the active model read off their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.results import Page
from mlmcsc.store.models import images, labels, model_versions, predictions, specimens
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View, given


class SpecimenWanted(TypedDict, total=False):
    """Which specimens; None means any."""

    heat: str | None
    material: str | None
    orientation: str | None


LABELS: Final = np.dtype(
    [
        ("specimen", "<i8"),
        ("image", "<i8"),
        ("label", "<i8"),
        ("value", "<f8"),
        ("technician", "<i8"),
        ("consensus", "<i8"),
    ]
)
PREDICTIONS: Final = np.dtype([("specimen", "<i8"), ("image", "<i8"), ("value", "<f8")])


def specimen_page(
    view: View, wanted: SpecimenWanted, *, after_id: int, limit: int
) -> Page[SpecimenRecord]:
    """Specimens by id."""
    c = specimens.c
    names = ("heat", "material", "orientation")
    found = given(wanted, **{name: c[name].__eq__ for name in names})
    return rows.page(view, specimens, SpecimenRecord, found, after_id=after_id, limit=limit)


def active_model(view: View) -> tuple[int, str] | None:
    """Id and version of the active model, if there is one."""
    c = model_versions.c
    row = view.conn.execute(
        sa.select(c.id, c.version).where(c.is_active).order_by(c.id.desc()).limit(1)
    ).first()
    return None if row is None else (int(row.id), str(row.version))


def label_readings(
    view: View, specimen_ids: Sequence[int], restricted: NDArray[np.int64]
) -> NDArray[Any]:
    """Labels of the specimens' valid images, except those by `restricted` technicians.

    Returns:
        An array of the dtype `LABELS`, by label id.
    """
    c = labels.c
    agreed = sa.case((c.label_type == LabelType.CONSENSUS.value, 1), else_=0)
    query = _of_specimens(view, specimen_ids, labels).add_columns(
        c.id, c.label, c.technician_id, agreed
    )
    if len(restricted):
        query = query.where(~view.dialect.ids_in(c.technician_id, restricted))
    return view.dialect.read_numbers(view.conn, query.order_by(c.id), LABELS)


def prediction_readings(view: View, specimen_ids: Sequence[int], model_id: int) -> NDArray[Any]:
    """The model's last prediction of each of the specimens' valid images.

    Returns:
        An array of the dtype `PREDICTIONS`.
    """
    c = predictions.c
    last = (
        _of_specimens(view, specimen_ids, predictions)
        .with_only_columns(sa.func.max(c.id))
        .where(c.model_version_id == model_id)
        .group_by(c.image_id)
    )
    query = (
        _of_specimens(view, specimen_ids, predictions)
        .add_columns(c.prediction)
        .where(c.id.in_(last))
        .order_by(c.id)
    )
    return view.dialect.read_numbers(view.conn, query, PREDICTIONS)


def _of_specimens(view: View, specimen_ids: Sequence[int], table: sa.Table) -> sa.Select[Any]:
    """Specimen and image id of the table's rows."""
    return (
        sa.select(specimens.c.id, images.c.id)
        .select_from(specimens)
        .join(images, images.c.specimen_id == specimens.c.specimen_id)
        .join(table, table.c.image_id == images.c.id)
        .where(view.dialect.ids_in(specimens.c.id, specimen_ids), images.c.is_valid)
    )
