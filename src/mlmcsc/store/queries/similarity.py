"""What a search for similar images reads besides the matrix of vectors."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.store.models import (
    feature_revisions,
    feature_sets,
    features,
    image_fingerprints,
    images,
    labels,
    near_duplicates,
)
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import STREAM_ROWS, FeatureSet
from mlmcsc.store.queries.frozen_features import Conditions, held_live, held_replaced
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]
_ID = np.dtype([("id", "<i8")])
_PAIR = np.dtype([("a", "<i8"), ("b", "<i8")])


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of an image that was found."""

    path: str
    specimen_id: str | None
    label: float | None


def frozen_set(view: View, held: VersionFeatureRecord) -> FeatureSet:
    """The feature set of a version, with the number of vectors that it holds."""
    c = feature_sets.c
    named = (c.feature_type == held.feature_type, c.extractor_version == held.extractor_version)
    set_id = view.conn.scalar(sa.select(c.id).where(*named))
    return FeatureSet(
        int(set_id or 0),
        held.feature_type,
        held.extractor_version,
        held.feature_dimension,
        held.dtype,
        held.n_vectors,
    )


def overlay_images(view: View, held: VersionFeatureRecord) -> Ids:
    """Images whose frozen vector was replaced or removed since, ascending."""
    query = sa.select(feature_revisions.c.image_id).where(*held_replaced(held))
    found = view.dialect.read_numbers(view.conn, query, _ID)["id"]
    return np.sort(found)


def overlay(view: View, held: VersionFeatureRecord) -> Iterator[Sequence[tuple[int, int, bytes]]]:
    """`(feature id, image id, raw vector)` of those images as they were, in chunks."""
    c = feature_revisions.c
    query = sa.select(c.id, c.image_id, c.feature_vector).where(*held_replaced(held))
    yield from rows.stream(view, query.order_by(c.id), STREAM_ROWS)


def raw_vector(
    view: View, chosen: FeatureSet, image_id: int, held: VersionFeatureRecord | None
) -> bytes | None:
    """An image's vector as stored, or as a version holds it; None where it has none."""
    if held is None:
        c = features.c
        of_set = (
            c.feature_type == chosen.feature_type,
            c.extractor_version == chosen.extractor_version,
        )
        return _vector(view, features, image_id, of_set)
    old = _vector(view, feature_revisions, image_id, held_replaced(held))
    return _vector(view, features, image_id, held_live(held)) if old is None else old


def _vector(view: View, table: sa.Table, image_id: int, where: Conditions) -> bytes | None:
    c = table.c
    found = view.conn.scalar(sa.select(c.feature_vector).where(c.image_id == image_id, *where))
    return None if found is None else bytes(found)


def images_where(view: View, wanted: Mapping[str, Any]) -> Ids:
    """Images that fit the filter, ascending; labels are those stored last."""
    conditions = image_queries.conditions(view, wanted)
    bounds = [
        compare(labels.c.label, wanted[name])
        for name, compare in (("min_label", operator.ge), ("max_label", operator.le))
        if name in wanted
    ]
    if bounds:
        latest = sa.select(sa.func.max(labels.c.id)).group_by(labels.c.image_id)
        fitting = sa.select(labels.c.image_id).where(labels.c.id.in_(latest), *bounds)
        conditions.append(images.c.id.in_(fitting))
    query = sa.select(images.c.id).where(*conditions).order_by(images.c.id)
    found = view.conn.scalars(query).all()  # times need encoding, which the raw reader does not do
    return np.fromiter(found, dtype=np.int64, count=len(found))


def facts_of(view: View, image_ids: Ids) -> dict[int, Facts]:
    """Path, specimen and label stored last of these images."""
    c = images.c
    newest = (
        sa.select(sa.func.max(labels.c.id))
        .where(view.dialect.ids_in(labels.c.image_id, image_ids))
        .group_by(labels.c.image_id)
    )
    values = {
        row.image_id: row.label
        for row in view.conn.execute(
            sa.select(labels.c.image_id, labels.c.label).where(labels.c.id.in_(newest))
        )
    }
    query = sa.select(c.id, c.path, c.specimen_id).where(view.dialect.ids_in(c.id, image_ids))
    return {
        row.id: Facts(row.path, row.specimen_id, values.get(row.id))
        for row in view.conn.execute(query)
    }


def look_alikes(view: View) -> Ids:
    """Pairs of stored images whose fingerprints are close, shape `(L, 2)`."""
    c = near_duplicates.c
    found = view.dialect.read_numbers(view.conn, sa.select(c.image_id, c.older_image_id), _PAIR)
    return np.stack([found["a"], found["b"]], axis=1)


def fingerprints_of(view: View, image_ids: Ids) -> dict[int, bytes]:
    """The fine fingerprint of those images that have one."""
    c = image_fingerprints.c
    query = sa.select(c.image_id, c.fine).where(view.dialect.ids_in(c.image_id, image_ids))
    return {row.image_id: bytes(row.fine) for row in view.conn.execute(query)}


def image_at(view: View, path: str) -> int | None:
    """The image stored under this path, or under this alias; None where there is none."""
    found = image_queries.known_files(view, [path])
    return found[path].image_id if path in found else None
