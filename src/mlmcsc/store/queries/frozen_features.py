"""The vectors that a version holds, wherever they are by now."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.domain.versions.digests import VectorDigest
from mlmcsc.store.models import feature_revisions, features
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import STREAM_ROWS
from mlmcsc.store.queries.rows import View

Chunks = Iterator[Sequence[Any]]
Conditions = tuple[sa.ColumnElement[bool], ...]
Held = VersionFeatureRecord | sa.ColumnCollection[str, Any]
"""A set as a version holds it, or the columns of `version_features`, for those of any version."""


def held_live(held: Held) -> Conditions:
    """Which rows of `features` the version holds: those with `id < marker`."""
    return (*_of_set(features, held), features.c.id < held.marker)


def held_replaced(held: Held) -> Conditions:
    """Which rows of `feature_revisions` it holds: those with `id < marker < gone_at`."""
    c = feature_revisions.c
    return (*_of_set(feature_revisions, held), c.id < held.marker, c.gone_at > held.marker)


def _of_set(table: sa.Table, held: Held) -> Conditions:
    return (
        table.c.feature_type == held.feature_type,
        table.c.extractor_version == held.extractor_version,
    )


def later_images(view: View, held: VersionFeatureRecord) -> NDArray[np.int64]:
    """Images whose live vector was stored after the version was made."""
    c = features.c
    query = sa.select(c.image_id).where(*_of_set(features, held), c.id >= held.marker)
    found = [row.image_id for chunk in rows.stream(view, query) for row in chunk]
    return np.asarray(found, dtype=np.int64)


def still_live(view: View, held: VersionFeatureRecord) -> Chunks:
    """`(image_id, feature_vector)` of the vectors that are as they were, in chunks."""
    yield from rows.stream(view, _vectors(features, held_live(held)), STREAM_ROWS)


def replaced(view: View, held: VersionFeatureRecord) -> Chunks:
    """`(image_id, feature_vector)` of the vectors that were replaced or removed since."""
    yield from rows.stream(view, _vectors(feature_revisions, held_replaced(held)), STREAM_ROWS)


def _vectors(table: sa.Table, held: Conditions) -> sa.Select[Any]:
    return sa.select(table.c.image_id, table.c.feature_vector).where(*held)


def digest(view: View, held: VersionFeatureRecord, image_ids: NDArray[np.int64]) -> tuple[int, str]:
    """How many of these images have a vector in a frozen set, and the digest of those.

    Args:
        view: An open transaction.
        held: The set, as a version holds it.
        image_ids: The version's images, ascending.

    Returns:
        Number of vectors; SHA-256 (hex) as `mlmcsc.domain.versions.manifest.FrozenFeatures` says.
    """
    live, gone = (
        chain.from_iterable(
            rows.stream(view, _vectors(table, where).order_by(table.c.image_id), STREAM_ROWS)
        )
        for table, where in (
            (features, held_live(held)),
            (feature_revisions, held_replaced(held)),
        )
    )
    both = heapq.merge(live, gone, key=itemgetter(0))
    return digest_of(iter(lambda: list(islice(both, STREAM_ROWS)), []), image_ids)


def digest_of(chunks: Iterable[Sequence[Any]], image_ids: NDArray[np.int64]) -> tuple[int, str]:
    """Number and digest of those vectors that are of these images.

    Args:
        chunks: `(image_id, feature_vector)`, ascending by image.
        image_ids: Ascending.
    """
    found, sha256 = VectorDigest(), hashlib.sha256
    for chunk in chunks:
        ids = np.fromiter((row[0] for row in chunk), dtype=np.int64, count=len(chunk))
        place = np.searchsorted(image_ids, ids)
        wanted = place < len(image_ids)
        wanted[wanted] = image_ids[place[wanted]] == ids[wanted]
        at = np.flatnonzero(wanted).tolist()
        found.add(ids[wanted], [sha256(chunk[each][1]).digest() for each in at])
    return found.count, found.hexdigest()
