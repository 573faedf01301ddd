"""Reading what a training set is made of: labels, groups, look-alikes, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.store.models import (
    features,
    images,
    label_revisions,
    labels,
    near_duplicates,
    predictions,
    split_anchors,
    split_links,
)
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """All labels, ascending by id; arrays of equal length."""

    label_ids: Ids
    image_ids: Ids
    values: NDArray[np.float64]
    technician_ids: Ids | None
    verified: NDArray[np.bool_] | None
    consensus: NDArray[np.bool_] | None

    def made_by_others_than(self, technicians: Ids) -> LabelTable:
        """The labels of everybody else; `technicians` are ids, ascending."""
        if self.technician_ids is None or not len(technicians):
            return self
        return self._where(~np.isin(self.technician_ids, technicians))

    def verified_ones(self) -> LabelTable:
        """The labels that a second person checked; the table was read with `verified`."""
        return self if self.verified is None else self._where(self.verified)

    def _where(self, keep: NDArray[np.bool_]) -> LabelTable:
        return LabelTable(
            label_ids=self.label_ids[keep],
            image_ids=self.image_ids[keep],
            values=self.values[keep],
            technician_ids=None if self.technician_ids is None else self.technician_ids[keep],
            verified=None if self.verified is None else self.verified[keep],
            consensus=None if self.consensus is None else self.consensus[keep],
        )


def read_labels(view: View, *, people: bool, verified: bool) -> LabelTable:
    """Every label's image and value.

    Args:
        view: An open transaction.
        people: Also read who made it and whether it is a consensus.
        verified: Also read whether it is verified.
    """
    c = labels.c
    columns: list[tuple[str, str, sa.ColumnElement[Any]]] = [
        ("id", "<i8", c.id),
        ("image", "<i8", c.image_id),
        ("value", "<f8", c.label),
    ]
    if people:
        columns += [
            ("who", "<i8", c.technician_id),
            ("consensus", "<i8", sa.case((c.label_type == LabelType.CONSENSUS.value, 1), else_=0)),
        ]
    if verified:
        columns.append(("verified", "<i8", sa.case((c.is_verified, 1), else_=0)))
    dtype = np.dtype([(name, kind) for name, kind, _ in columns])
    query: sa.Select[Any] = sa.select(*(column for *_, column in columns)).order_by(c.id)
    found = view.dialect.read_numbers(view.conn, query, dtype)
    return LabelTable(
        label_ids=np.ascontiguousarray(found["id"]),
        image_ids=np.ascontiguousarray(found["image"]),
        values=np.ascontiguousarray(found["value"]),
        technician_ids=np.ascontiguousarray(found["who"]) if people else None,
        verified=found["verified"] != 0 if verified else None,
        consensus=found["consensus"] != 0 if people else None,
    )


def first_values(view: View) -> tuple[Ids, NDArray[np.float64]]:
    """Label id and first measured value of every label that was corrected later."""
    c = label_revisions.c
    query = sa.select(c.label_id, c.label).where(c.revision == 1).order_by(c.label_id)
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8"), ("value", "<f8")]))
    return np.ascontiguousarray(found["id"]), np.ascontiguousarray(found["value"])


def specimen_groups(view: View) -> tuple[Ids, Ids]:
    """Image ids that belong to a specimen, and a code of that specimen, equally long.

    Images that were deleted belong to the specimen that they had last.
    """
    c, a = images.c, split_anchors.c
    gone = ~sa.exists().where(c.id == a.image_id)
    member = sa.union_all(
        sa.select(c.id, c.specimen_id).where(c.specimen_id.is_not(None)),
        sa.select(a.image_id, a.specimen_id).where(a.specimen_id.is_not(None), gone),
    ).subquery()
    text = sa.func.aggregate_strings(sa.cast(member.c.id, sa.String), ",")
    query = sa.select(text, sa.func.count()).group_by(member.c.specimen_id)
    rows = view.conn.execute(query).all()
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # One long text of numbers, parsed at once: many times faster than a row per image.
    members = np.fromstring(",".join(row[0] for row in rows), dtype=np.int64, sep=",")
    sizes = np.fromiter((row[1] for row in rows), dtype=np.int64, count=len(rows))
    return members, np.repeat(np.arange(len(rows), dtype=np.int64), sizes)


def look_alikes(view: View) -> NDArray[np.int64]:
    """Pairs of image ids that look the same, shape `(L, 2)`; also of images that were deleted."""
    dtype = np.dtype([("a", "<i8"), ("b", "<i8")])
    found = np.concatenate(
        [
            view.dialect.read_numbers(view.conn, sa.select(c.image_id, c.older_image_id), dtype)
            for c in (near_duplicates.c, split_links.c)
        ]
    )
    return np.stack([found["a"], found["b"]], axis=1)


def invalid_images(view: View) -> Ids:
    """Images marked as not to be used."""
    return _ids(view, sa.select(images.c.id).where(~images.c.is_valid))


def confident_images(view: View, minimum: float, model_version_id: int | None) -> Ids:
    """Images whose prediction stored last (of one model, or of any) is at least so confident."""
    c = predictions.c
    latest = sa.select(sa.func.max(c.id)).group_by(c.image_id)
    if model_version_id is not None:
        latest = latest.where(c.model_version_id == model_version_id)
    return _ids(view, sa.select(c.image_id).where(c.id.in_(latest), c.confidence >= minimum))


def images_with_features(view: View, feature_type: str, extractor_version: str | None) -> Ids:
    """Images that have a vector of this type, by one extractor version or by any."""
    c = features.c
    query = sa.select(c.image_id).where(c.feature_type == feature_type).distinct()
    if extractor_version is not None:
        query = query.where(c.extractor_version == extractor_version)
    return _ids(view, query)


def _ids(view: View, query: sa.Select[tuple[int]]) -> Ids:
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))
    return np.ascontiguousarray(found["id"])
