"""Reading all that is known of a stretch of images, as columns of numbers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.quality.rows import IMAGES, LABELS, PREDICTIONS, TYPES, UNKNOWN, Rows, Stretch
from mlmcsc.store.models import images, labels, predictions
from mlmcsc.store.queries.rows import View

Bound = sa.ColumnElement[bool]
MONTHS: Final = 12
PACKED_IMAGES: Final = np.dtype([("id", "<i8"), ("packed", "<i8"), ("score", "<f8")])
PACKED_LABELS: Final = np.dtype(
    [*((name, "<i8") for name in ("id", "image", "technician", "packed")), ("value", "<f8")]
)


def read_stretch(view: View, low: int, high: int, restricted: NDArray[np.int64]) -> Stretch:
    """Everything about images from `low` to below `high`, without restricted people's labels."""
    i, p, c = images.c, predictions.c, labels.c
    made = _labels(view, (c.image_id >= low) & (c.image_id < high))
    left_out = np.isin(made["technician"], restricted)
    return Stretch(
        _images(view, (i.id >= low) & (i.id < high)),
        _predictions(view, (p.image_id >= low) & (p.image_id < high)),
        made[~left_out],
        made["image"][left_out],
    ).ordered()


def newest_labelled(view: View, most: int, restricted: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Predictions and labels of the images of the `most` newest labels, restricted ones left out.

    Returns:
        Rows of dtype `PREDICTIONS` and of dtype `LABELS`.
    """
    c = labels.c
    newest: sa.Select[Any] = sa.select(c.image_id).order_by(c.id.desc()).limit(most)
    found = view.dialect.read_numbers(view.conn, newest, np.dtype([("image", "<i8")]))
    chosen = np.unique(found["image"])
    made = _labels(view, view.dialect.ids_in(c.image_id, chosen))
    return (
        _predictions(view, view.dialect.ids_in(predictions.c.image_id, chosen)),
        made[~np.isin(made["technician"], restricted)],
    )


def _images(view: View, within: Bound) -> Rows:
    c = images.c
    known = (c.specimen_id, c.magnification, c.pixel_size_um)
    flags = _packed(sa.literal(0), c.is_valid, *(column.is_not(None) for column in known))
    columns = (c.id, flags, sa.func.coalesce(c.quality_score, sa.literal(UNKNOWN)))
    read = view.dialect.read_numbers(view.conn, sa.select(*columns).where(within), PACKED_IMAGES)
    rows = np.empty(len(read), IMAGES)
    rows["id"], rows["score"] = read["id"], read["score"]
    _unpack(read["packed"], rows, ("valid", "specimen", "magnification", "pixel_size"))
    return rows


def _predictions(view: View, within: Bound) -> Rows:
    c = predictions.c
    month = _month(view, c.timestamp)
    columns = (c.id, c.image_id, c.model_version_id, month, c.prediction, c.confidence)
    query: sa.Select[Any] = sa.select(*columns).where(within)
    return view.dialect.read_numbers(view.conn, query, PREDICTIONS)


def _labels(view: View, within: Bound) -> Rows:
    c = labels.c
    codes = {name: code for code, name in enumerate(TYPES) if code}
    kind = sa.case(codes, value=c.label_type, else_=0)
    month_and_kind = _month(view, c.timestamp) * len(TYPES) + kind
    packed = _packed(month_and_kind, c.is_verified, _assisted(view))
    columns = (c.id, c.image_id, c.technician_id, packed, c.label)
    query: sa.Select[Any] = sa.select(*columns).where(within)
    read = view.dialect.read_numbers(view.conn, query, PACKED_LABELS)
    rows = np.empty(len(read), LABELS)
    for name in ("id", "image", "technician", "value"):
        rows[name] = read[name]
    rest = _unpack(read["packed"], rows, ("verified", "assisted"))
    rows["month"], rows["type"] = np.divmod(rest, len(TYPES))
    return rows


def _assisted(view: View) -> Bound:
    """Whether a prediction was shown to who measured, or to any of those who agreed."""
    c, path = labels.c, ("consensus", "assisted")
    agreed: sa.ColumnElement[Any]
    if view.dialect.name == "postgresql":
        agreed = sa.func.jsonb_extract_path_text(c.annotation_data, *path) == "true"
    else:
        sound = sa.func.json_valid(c.annotation_data) == 1
        told = sa.func.json_extract(c.annotation_data, "$." + ".".join(path))
        agreed = sa.case((sound, told), else_=0) == 1
    of_several = sa.case((c.label_type == LabelType.CONSENSUS.value, agreed), else_=sa.false())
    return sa.or_(c.original_prediction.is_not(None), of_several)


def _packed(rest: sa.ColumnElement[int], *flags: Bound | sa.Column[bool]) -> sa.ColumnElement[int]:
    """Flags as the lowest bits of one number: a column read costs more than all the sums of it."""
    for flag in flags:
        rest = rest * 2 + sa.case((flag, 1), else_=0)
    return rest


def _unpack(packed: NDArray[np.int64], rows: Rows, flags: tuple[str, ...]) -> NDArray[np.int64]:
    """Set the flags of rows, and return what was above them."""
    for place, name in enumerate(reversed(flags)):
        rows[name] = packed >> place & 1
    return packed >> len(flags)


def _month(view: View, column: sa.Column[Any]) -> sa.ColumnElement[int]:
    """12 · year + month - 1, in UTC; of a time that nobody can read, some other number."""
    if view.conn.dialect.name == "sqlite":  # its text begins YYYY-MM; its time functions are slow
        year = sa.cast(sa.func.substr(column, 1, 4), sa.Integer)
        return year * MONTHS + sa.cast(sa.func.substr(column, 6, 2), sa.Integer) - 1
    utc = sa.func.timezone("UTC", column)
    month = sa.extract("year", utc) * MONTHS + sa.extract("month", utc) - 1
    return sa.case((view.dialect.readable_time(column), sa.cast(month, sa.BigInteger)), else_=0)
