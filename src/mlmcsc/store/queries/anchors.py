"""What must outlive labels and images for every other image to keep its split.

A split follows from each unit's place in the series (its first label's id), from that label's
stratum, and from what near-duplicates tie together; see `mlmcsc.domain.splits`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.splits.strata import stratum_centres, stratum_starts
from mlmcsc.domain.training import Places
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


def read(view: View) -> Places:
    """The place of every image whose first label is gone."""
    c = split_anchors.c
    query = sa.select(c.image_id, c.first_label_id, c.initial_value).order_by(c.image_id)
    dtype = np.dtype([("image", "<i8"), ("label", "<i8"), ("value", "<f8")])
    found = view.dialect.read_numbers(view.conn, query, dtype)
    return Places(*(np.ascontiguousarray(found[name]) for name in ("image", "label", "value")))


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

    By comparisons alone: databases round, and fail on tiny numbers, each in its own way.
    """
    first, *others = stratum_centres(low, high)
    ascending = zip(stratum_starts(low, high), others, strict=True)
    cases = [(value >= sa.literal(start), sa.literal(centre)) for start, centre in ascending]
    return sa.case(*reversed(cases), else_=sa.literal(first))


def keep_ties(tx: Transaction, going: NDArray[np.int64]) -> None:
    """Before images are deleted, keep what they tie together, and their last specimen.

    Args:
        tx: The open transaction.
        going: Image ids.
    """
    ids_in, d, kept = tx.dialect.ids_in, near_duplicates.c, split_links.c
    known = sa.exists().where(kept.image_id == d.image_id, kept.older_image_id == d.older_image_id)
    touched = sa.or_(ids_in(d.image_id, going), ids_in(d.older_image_id, going))
    pairs = sa.select(d.image_id, d.older_image_id).where(touched, ~known)
    tx.conn.execute(split_links.insert().from_select(split_links.c.keys(), pairs))
    # An older anchor may name the specimen that the image had then; its last one counts.
    a = split_anchors.c
    last = sa.select(images.c.specimen_id).where(images.c.id == a.image_id).scalar_subquery()
    tx.conn.execute(
        split_anchors.update().where(ids_in(a.image_id, going)).values(specimen_id=last)
    )
