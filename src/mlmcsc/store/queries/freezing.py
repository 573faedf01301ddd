"""Reading what a version freezes: annotations, boxes, vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import features, labels, predictions
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import STREAM_ROWS, FeatureSet
from mlmcsc.store.queries.frozen_features import digest_of
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]

ABSENT: Final = "null"
"""How a JSON column may say NULL where raw SQL wrote it."""


def annotated_labels(view: View) -> Ids:
    """Labels that have an annotation, ascending."""
    c = labels.c
    query = sa.select(c.id).where(c.annotation_data.is_not(None)).order_by(c.id)
    return _numbers(view, query, ("id",))["id"]


def annotation_texts(view: View, label_ids: Ids) -> Mapping[int, str]:
    """The annotations of these labels, as JSON text."""
    if not len(label_ids):
        return {}
    c = labels.c
    query = sa.select(c.id, sa.cast(c.annotation_data, sa.Text)).where(
        view.dialect.ids_in(c.id, label_ids)
    )
    return {row[0]: row[1] for row in view.conn.execute(query) if row[1] != ABSENT}


def boxed_predictions(view: View) -> tuple[Ids, Ids]:
    """Images that have a prediction with a box, ascending, and the latest such prediction."""
    c = predictions.c
    query = sa.select(c.image_id, c.id).where(c.detection_bbox.is_not(None)).order_by(c.id)
    found = _numbers(view, query, ("image", "id"))
    # From the end, the first of each image is its latest.
    image_ids, last = np.unique(found["image"][::-1], return_index=True)
    return image_ids, found["id"][::-1][last]


def detections(view: View, prediction_ids: Ids) -> Mapping[int, str]:
    """Box, class, confidence and id of these predictions, as JSON text, by image."""
    if not len(prediction_ids):
        return {}
    c = predictions.c
    box = sa.cast(c.detection_bbox, sa.Text)
    query = sa.select(c.image_id, c.id, box, c.detection_class, c.detection_confidence).where(
        view.dialect.ids_in(c.id, prediction_ids)
    )
    return {
        image_id: orjson.dumps(
            {
                "bbox": orjson.Fragment(bbox),
                "class": name,
                "confidence": confidence,
                "prediction_id": prediction_id,
            }
        ).decode()
        for image_id, prediction_id, bbox, name, confidence in view.conn.execute(query)
        if bbox != ABSENT
    }


def feature_digest(view: View, feature_set: FeatureSet, image_ids: Ids) -> tuple[int, str]:
    """How many of the images have a vector of the set, and the digest of these vectors.

    The digest is that of `mlmcsc.domain.versions.manifest.FrozenFeatures`.

    Args:
        view: An open transaction.
        feature_set: The set.
        image_ids: Ascending.
    """
    c = features.c
    query = (
        sa.select(c.image_id, c.feature_vector)
        .where(
            c.feature_type == feature_set.feature_type,
            c.extractor_version == feature_set.extractor_version,
        )
        .order_by(c.image_id)
    )
    return digest_of(rows.stream(view, query, STREAM_ROWS), image_ids)


def _numbers(view: View, query: sa.Select[Any], names: Sequence[str]) -> NDArray[Any]:
    dtype = np.dtype([(name, "<i8") for name in names])
    return view.dialect.read_numbers(view.conn, query, dtype)
