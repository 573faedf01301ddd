"""Specimens, and what people and the active model read off their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        ("image", "<i8"),
        ("label", "<i8"),
        ("value", "<f8"),
        ("technician", "<i8"),
        ("consensus", "<i8"),
    ]
)
PREDICTIONS: Final = np.dtype([("image", "<i8"), ("id", "<i8"), ("value", "<f8"), ("model", "<i8")])


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


def valid_images(view: View, names: Sequence[str]) -> dict[int, str]:
    """The valid images of these specimens: image id to specimen number."""
    c = images.c
    # Not a condition: SQLite would walk the index of what is valid instead of the specimens'.
    query = sa.select(c.id, c.specimen_id, c.is_valid).where(
        view.dialect.ids_in(c.specimen_id, names)
    )
    return {int(r.id): str(r.specimen_id) for r in view.conn.execute(query) if r.is_valid}


def label_readings(
    view: View, image_ids: Iterable[int], restricted: NDArray[np.int64]
) -> NDArray[Any]:
    """Labels of the images, except those by `restricted` technicians; in no order.

    Returns:
        An array of the dtype `LABELS`.
    """
    c = labels.c
    agreed = sa.case((c.label_type == LabelType.CONSENSUS.value, 1), else_=0)
    query = sa.select(c.image_id, c.id, c.label, c.technician_id, agreed).where(
        view.dialect.ids_in(c.image_id, image_ids)
    )
    found = view.dialect.read_numbers(view.conn, query, LABELS)
    kept: NDArray[Any] = found[~np.isin(found["technician"], restricted)]
    return kept


def prediction_readings(view: View, image_ids: Iterable[int], model_id: int) -> NDArray[Any]:
    """The model's last prediction of each of the images, by image.

    Returns:
        An array of the dtype `PREDICTIONS`.
    """
    c = predictions.c
    # The model is no condition, for the same reason: it may have predicted every image.
    query = sa.select(c.image_id, c.id, c.prediction, c.model_version_id).where(
        view.dialect.ids_in(c.image_id, image_ids)
    )
    found = view.dialect.read_numbers(view.conn, query, PREDICTIONS)
    found = found[found["model"] == model_id]
    ordered = found[np.lexsort((found["id"], found["image"]))]
    last = np.append(ordered["image"][1:] != ordered["image"][:-1], True)[: len(ordered)]
    kept: NDArray[Any] = ordered[last]
    return kept
