"""Predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlmcsc.domain.records import PredictionRecord
from mlmcsc.domain.results import Page
from mlmcsc.store.models import images, model_versions, predictions
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View, given

_PARENTS = rows.both_known(images, model_versions)


def require_parents(view: View, image_id: int, model_version_id: int) -> None:
    """Refuse ids that point nowhere.

    Raises:
        UnknownRecordError: Naming the id.
    """
    rows.require_both(view, _PARENTS, image=image_id, **{"model version": model_version_id})


def page(
    view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int
) -> Page[PredictionRecord]:
    """Predictions by id."""
    c = predictions.c
    found = given(
        wanted,
        image_id=c.image_id.__eq__,
        image_ids=lambda ids: view.dialect.ids_in(c.image_id, ids),
        model_version_id=c.model_version_id.__eq__,
        min_confidence=c.confidence.__ge__,
        below_confidence=c.confidence.__lt__,
        max_confidence=c.confidence.__le__,
        since=c.timestamp.__ge__,
        until=c.timestamp.__lt__,
    )
    return rows.page(view, predictions, PredictionRecord, found, after_id=after_id, limit=limit)
