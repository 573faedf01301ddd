"""What the comparison of two periods reads: numbers and codes, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.image_quality.components import NAMES as COMPONENTS
from mlmcsc.store.models import (
    features,
    image_quality,
    images,
    labels,
    model_versions,
    predictions,
    specimens,
    technicians,
)
from mlmcsc.store.queries.rows import View

PAGE: Final = 100_000
"""Rows at a time: 15 columns are 12 MB."""
ABSENT: Final = -1.7e308
"""Stands for NULL in what is read as plain numbers; no measured value comes near."""
MOST_CODED: Final = 50
"""Values of a text column told apart; the rarer ones share the code 0."""
FACTS: Final = ("magnification", "pixel_size_um", "accelerating_voltage_kv")
_KEYS: Final = ("id", "image", "cluster", "machine")


@dataclass(frozen=True, slots=True)
class Codes:
    """Texts of a column (or two), and the SQL that gives their number.

    Attributes:
        names: Name of each code; 0 are all rarer ones.
        column: The code as SQL.
    """

    names: tuple[str, ...]
    column: sa.ColumnElement[Any]


def machines(view: View) -> Codes:
    """Instruments with their detectors."""
    c = images.c
    return _codes(view, (c.instrument, c.detector), "no instrument recorded")


def label_types(view: View) -> Codes:
    """Types of labels."""
    return _codes(view, (labels.c.label_type,), "")


def models_shown(view: View) -> Codes:
    """Models whose prediction was shown to who labelled."""
    return _codes(view, (labels.c.model_version_used,), "no model named")


def _codes(view: View, columns: Sequence[sa.Column[Any]], absent: str) -> Codes:
    filled = [sa.func.coalesce(column, "") for column in columns]
    query = sa.select(*filled).distinct().order_by(*filled).limit(MOST_CODED + 1)
    found = [tuple(row) for row in view.conn.execute(query)]
    if len(found) > MOST_CODED:  # only then: counting sorts all rows, which SQLite does in memory
        counted = sa.select(*filled).group_by(*filled).order_by(sa.func.count().desc(), *filled)
        found = [tuple(row) for row in view.conn.execute(counted.limit(MOST_CODED))]
    cases = [
        (sa.and_(*(text == value for text, value in zip(filled, row, strict=True))), at)
        for at, row in enumerate(found, 1)
    ]
    names = [" ".join(filter(None, row)) or absent for row in found]
    return Codes(("rarer ones", *names), sa.case(*cases, else_=0) if cases else sa.literal(0))


def image_rows(
    view: View, machine: Codes, span: tuple[datetime | None, datetime | None]
) -> Iterator[NDArray[Any]]:
    """Pages of images: `id, image, cluster, machine`, then FACTS, `quality_score`, COMPONENTS."""
    c, q = images.c, image_quality.c
    measured = [c[name] for name in (*FACTS, "quality_score")] + [q[name] for name in COMPONENTS]
    query = sa.select(c.id, c.id.label("image"), _cluster(), machine.column, *map(_known, measured))
    query = query.select_from(
        images.outerjoin(specimens, specimens.c.specimen_id == c.specimen_id).outerjoin(
            image_quality, q.image_id == c.id
        )
    )
    names = (*FACTS, "quality_score", *COMPONENTS)
    yield from _pages(view, query, c.id, c.timestamp, span, _dtype((), names))


def prediction_rows(
    view: View, machine: Codes, span: tuple[datetime | None, datetime | None]
) -> Iterator[NDArray[Any]]:
    """Pages of predictions: the keys, `model` (row id), `value`, `confidence`."""
    c = predictions.c
    query = sa.select(
        c.id,
        c.image_id,
        _cluster(),
        machine.column,
        c.model_version_id,
        c.prediction,
        c.confidence,
    ).select_from(_with_images(predictions))
    dtype = _dtype(("model",), ("value", "confidence"))
    yield from _pages(view, query, c.id, c.timestamp, span, dtype)


def label_rows(
    view: View,
    codes: tuple[Codes, Codes, Codes],
    span: tuple[datetime | None, datetime | None],
    yardstick: int | None,
) -> Iterator[NDArray[Any]]:
    """Pages of labels: the keys, `rater` (row id), `type`, `model`, `value`, `predicted`.

    `predicted` is what the yardstick had predicted last when the image was labelled, ABSENT
    where it had not: a later prediction may be of a model trained on this very label.

    Args:
        view: An open transaction.
        codes: Of machines, types of labels, and models shown.
        span: From when until when.
        yardstick: Row id of a model version; None for none.
    """
    machine, kind, model = codes
    c, p = labels.c, predictions.c
    last = (
        sa.select(p.prediction)
        .where(
            p.image_id == c.image_id,
            p.model_version_id + 0 == (yardstick or 0),  # SQLite else takes that index: hours
            p.timestamp <= c.timestamp,
        )
        .order_by(p.timestamp.desc(), p.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(
        c.id,
        c.image_id,
        _cluster(),
        machine.column,
        c.technician_id,
        kind.column,
        model.column,
        c.label,
        _known(last),
    ).select_from(_with_images(labels))
    dtype = _dtype(("rater", "type", "model"), ("value", "predicted"))
    yield from _pages(view, query, c.id, c.timestamp, span, dtype)


def predicted_before(view: View, span: tuple[datetime | None, datetime | None]) -> dict[int, int]:
    """How many labels each model version had predicted the image of before, by row id."""
    c, p = labels.c, predictions.c
    query = (
        sa.select(p.model_version_id.label("model"), sa.func.count().label("n"))
        .select_from(
            labels.join(predictions, sa.and_(p.image_id == c.image_id, p.timestamp <= c.timestamp))
        )
        .group_by(p.model_version_id)
    )
    within = _within(view, query, c.timestamp, span)
    dtype = np.dtype([("model", "<i8"), ("n", "<i8")])
    found = view.dialect.read_numbers(view.conn, within, dtype)
    return dict(zip(found["model"].tolist(), found["n"].tolist(), strict=True))


def count(
    view: View,
    table: Literal["images", "predictions", "labels"],
    span: tuple[datetime | None, datetime | None],
) -> int:
    """How many rows a table has in a span of time."""
    rows = {"images": images, "predictions": predictions, "labels": labels}[table]
    query = sa.select(sa.func.count()).select_from(rows)
    query = _within(view, query, rows.c.timestamp, span)
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("n", "<i8")]))
    return int(found["n"][0])


def _with_images(table: sa.Table) -> sa.Join:
    return table.join(images, images.c.id == table.c.image_id).outerjoin(
        specimens, specimens.c.specimen_id == images.c.specimen_id
    )


def _cluster() -> sa.ColumnElement[Any]:
    """The specimen's row id; an image of no specimen stands for itself, below 0."""
    return sa.func.coalesce(specimens.c.id, -images.c.id)


def _known(column: Any) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(column, sa.literal_column(repr(ABSENT)))


def _dtype(whole: Sequence[str], real: Sequence[str]) -> np.dtype[Any]:
    return np.dtype([(name, "<i8") for name in (*_KEYS, *whole)] + [(name, "<f8") for name in real])


def _pages(
    view: View,
    query: sa.Select[Any],
    key: sa.Column[Any],
    stamp: sa.Column[datetime],
    span: tuple[datetime | None, datetime | None],
    dtype: np.dtype[Any],
) -> Iterator[NDArray[Any]]:
    query = _within(view, query, stamp, span)
    last = 0
    while True:
        page = query.where(key > last).order_by(key).limit(PAGE)
        found = view.dialect.read_numbers(view.conn, page, dtype)
        if len(found):
            yield found
        if len(found) < PAGE:
            return
        last = int(found["id"][-1])


def _within(
    view: View,
    query: sa.Select[Any],
    stamp: sa.Column[datetime],
    span: tuple[datetime | None, datetime | None],
) -> sa.Select[Any]:
    start, end = span
    if start is not None:
        query = query.where(stamp >= _moment(view, stamp, start))
    if end is not None:
        query = query.where(stamp < _moment(view, stamp, end))
    return query


def _moment(view: View, column: sa.Column[Any], moment: datetime) -> sa.ColumnElement[Any]:
    """A time as the driver stores it: `read_numbers` binds without SQLAlchemy's conversions."""
    encode = view.dialect.encoder(column)
    value = moment if encode is None else encode(moment)
    kind = sa.String() if isinstance(value, str) else column.type
    return sa.literal(value, kind)


@dataclass(frozen=True, slots=True)
class SpecimenFacts:
    """What specimens are, ascending by row id; arrays of equal length.

    Attributes:
        ids: Row ids, int64.
        materials: Codes, int64.
        heats: Codes, int64.
        temperatures: °C, NaN where unknown.
    """

    ids: NDArray[np.int64]
    materials: NDArray[np.int64]
    heats: NDArray[np.int64]
    temperatures: NDArray[np.float64]


def specimen_facts(view: View) -> SpecimenFacts:
    """Material, heat and temperature of every specimen."""
    c = specimens.c
    codes: tuple[dict[str | None, int], dict[str | None, int]] = ({}, {})
    ids, materials, heats, temperatures = [], [], [], []
    query = sa.select(c.id, c.material, c.heat, c.temperature_c).order_by(c.id)
    for row in view.conn.execute(query):
        ids.append(row.id)
        materials.append(codes[0].setdefault(row.material, len(codes[0])))
        heats.append(codes[1].setdefault(row.heat, len(codes[1])))
        temperatures.append(np.nan if row.temperature_c is None else row.temperature_c)
    return SpecimenFacts(
        np.asarray(ids, np.int64),
        np.asarray(materials, np.int64),
        np.asarray(heats, np.int64),
        np.asarray(temperatures, np.float64),
    )


def staff_numbers(view: View) -> dict[int, str]:
    """Staff number of each technician by row id."""
    c = technicians.c
    return {
        row.id: row.technician_id for row in view.conn.execute(sa.select(c.id, c.technician_id))
    }


def model_names(view: View) -> dict[int, str]:
    """Version of each model by row id."""
    c = model_versions.c
    return {row.id: row.version for row in view.conn.execute(sa.select(c.id, c.version))}


def images_with_vectors(view: View, feature_type: str, extractor: str) -> NDArray[np.int64]:
    """Images that have a vector of this set; ascending."""
    c = features.c
    query = sa.select(c.image_id).where(
        c.feature_type == feature_type, c.extractor_version == extractor
    )
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))
    return np.sort(found["id"])
