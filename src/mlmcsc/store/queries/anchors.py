"""What must outlive labels and images for every other image to keep its split.

A split follows from each unit's place in the series (its first label's id), from that label's
stratum, and from what near-duplicates tie together; see `mlmcsc.domain.splits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.splits.sequence import STRATA
from mlmcsc.store.models import (
    images,
    label_revisions,
    labels,
    near_duplicates,
    split_anchors,
    split_links,
)
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Transaction


@dataclass(frozen=True, slots=True)
class Anchors:
    """The images whose first label is gone, ascending by id; arrays of shape (A,).

    Attributes:
        image_ids: int64; the image itself may be gone too.
        first_label_ids: int64, the id of the first label that it was ever given.
        initial_values: float64, the centre of the stratum of that label's first value.
    """

    image_ids: NDArray[np.int64]
    first_label_ids: NDArray[np.int64]
    initial_values: NDArray[np.float64]


def read(view: View) -> Anchors:
    """Every anchor."""
    c = split_anchors.c
    query = sa.select(c.image_id, c.first_label_id, c.initial_value).order_by(c.image_id)
    dtype = np.dtype([("image", "<i8"), ("label", "<i8"), ("value", "<f8")])
    found = view.dialect.read_numbers(view.conn, query, dtype)
    return Anchors(*(np.ascontiguousarray(found[name]) for name in ("image", "label", "value")))


def keep_places(tx: Transaction, going: NDArray[np.int64]) -> None:
    """Before labels are deleted, keep the places of the images whose first label goes.

    An image's older anchor stays: its first label went earlier.

    Args:
        tx: The open transaction; nobody else may write labels until it ends.
        going: Label ids; of the labels with lower ids, those that go are gone already or go too.
    """
    c, earlier = labels.c, labels.alias()
    is_first = ~sa.exists().where(earlier.c.image_id == c.image_id, earlier.c.id < c.id)
    is_anchored = sa.exists().where(split_anchors.c.image_id == c.image_id)
    r = label_revisions.c
    measured = sa.func.coalesce(r.label, c.label)
    low, high = read_setting(tx.conn, "label_range")
    centre = stratum_centre(measured, float(low), float(high))
    query = (
        sa.select(c.image_id, images.c.specimen_id, c.id, centre)
        .select_from(labels)
        .join(images, images.c.id == c.image_id)
        .outerjoin(label_revisions, sa.and_(r.label_id == c.id, r.revision == 1))
        .where(tx.dialect.ids_in(c.id, going), is_first, ~is_anchored)
    )
    tx.conn.execute(split_anchors.insert().from_select(split_anchors.c.keys(), query))


def stratum_centre(
    value: sa.ColumnElement[Any], low: float, high: float
) -> sa.ColumnElement[float]:
    """The centre of the tenth of the label range that `value` lies in.

    The very operations of `mlmcsc.domain.splits.assign`, in double precision too, so that a value
    at an edge falls on the same side; compared, not rounded: databases round in their own ways.
    """
    width = high - low
    place = (value - sa.literal(low)) / sa.literal(width) * sa.literal(float(STRATA))
    centres = [low + (stratum + 0.5) / STRATA * width for stratum in range(STRATA)]
    edges = [(place >= sa.literal(float(k)), sa.literal(centres[k])) for k in range(1, STRATA)]
    return sa.case(*reversed(edges), else_=sa.literal(centres[0]))


def keep_ties(tx: Transaction, going: NDArray[np.int64]) -> None:
    """Before images are deleted, keep what they tie together, and their last specimen.

    Args:
        tx: The open transaction.
        going: Image ids.
    """
    ids_in, d, kept = tx.dialect.ids_in, near_duplicates.c, split_links.c
    known = sa.exists().where(
        kept.image_id == d.image_id, kept.older_image_id == d.older_image_id
    )
    touched = sa.or_(ids_in(d.image_id, going), ids_in(d.older_image_id, going))
    pairs = sa.select(d.image_id, d.older_image_id).where(touched, ~known)
    tx.conn.execute(split_links.insert().from_select(split_links.c.keys(), pairs))
    # An older anchor may name the specimen that the image had then; its last one counts.
    a = split_anchors.c
    last = sa.select(images.c.specimen_id).where(images.c.id == a.image_id).scalar_subquery()
    tx.conn.execute(
        split_anchors.update().where(ids_in(a.image_id, going)).values(specimen_id=last)
    )
