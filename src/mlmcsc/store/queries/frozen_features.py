"""The vectors that a version holds, wherever they are by now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.store.models import feature_revisions, features
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import STREAM_ROWS
from mlmcsc.store.queries.rows import View

Chunks = Iterator[Sequence[Any]]


def _of_set(table: sa.Table, held: VersionFeatureRecord) -> tuple[sa.ColumnElement[bool], ...]:
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
    c = features.c
    query = sa.select(c.image_id, c.feature_vector).where(
        *_of_set(features, held), c.id < held.marker
    )
    yield from rows.stream(view, query, STREAM_ROWS)


def replaced(view: View, held: VersionFeatureRecord) -> Chunks:
    """`(image_id, feature_vector)` of the vectors that were replaced or removed since."""
    c = feature_revisions.c
    query = sa.select(c.image_id, c.feature_vector).where(
        *_of_set(feature_revisions, held), c.id < held.marker, c.gone_at > held.marker
    )
    yield from rows.stream(view, query, STREAM_ROWS)
