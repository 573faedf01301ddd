"""Feature sets and their images, for comparing the derived matrices with the record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.results import Finding
from mlmcsc.store.models import feature_sets, features
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation.rules import SHOWN


def all_sets(view: View) -> dict[int, FeatureSet]:
    """Every set by its id, empty ones included."""
    query = rows.select_record(feature_sets, FeatureSet)
    return {row.id: FeatureSet(*row) for row in view.conn.execute(query)}


def images_of(view: View, feature_set: FeatureSet) -> NDArray[np.int64]:
    """The images that have a vector in the set, ascending (int64)."""
    c = features.c
    query = (
        sa.select(c.image_id)
        .where(
            c.feature_type == feature_set.feature_type,
            c.extractor_version == feature_set.extractor_version,
        )
        .order_by(c.image_id)
    )
    return np.fromiter(view.conn.scalars(query), dtype=np.int64)


def not_finite(view: View) -> list[Finding]:
    """Vectors with NaN or infinity in them; reads every vector."""
    wrong = [
        feature_id
        for feature_set in all_sets(view).values()
        for chunk in feature_queries.stream(view, feature_set)
        for feature_id in _with_gaps(chunk, feature_set)
    ]
    if not wrong:
        return []
    message = (
        "The vector holds NaN or infinity. Extract these vectors again and store them with "
        "store_features(...)."
    )
    ids = tuple(sorted(wrong)[:SHOWN])
    return [Finding("not_finite", features.name, ids, len(wrong), message)]


def _with_gaps(chunk: Sequence[tuple[int, int, bytes]], of_set: FeatureSet) -> list[int]:
    size = of_set.feature_dimension * np.dtype(of_set.dtype).itemsize
    whole = [(row[0], row[2]) for row in chunk if len(row[2]) == size]  # others: `vector_length`
    numbers = feature_queries.decode(b"".join(raw for _, raw in whole), of_set.dtype)
    finite = np.isfinite(numbers.reshape(len(whole), of_set.feature_dimension)).all(axis=1)
    return [feature_id for (feature_id, _), good in zip(whole, finite, strict=True) if not good]
