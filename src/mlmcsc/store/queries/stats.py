"""Counts and the state of the database itself."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.models import (
    audit_logs,
    data_versions,
    features,
    images,
    labels,
    model_versions,
    predictions,
    specimens,
    technicians,
)
from mlmcsc.store.queries.rows import View, count

COUNTED = (
    specimens,
    images,
    technicians,
    model_versions,
    predictions,
    labels,
    features,
    data_versions,
    audit_logs,
)


def table_counts(view: View) -> dict[str, int]:
    """Rows per table."""
    return {str(table.name): count(view, table) for table in COUNTED}


def coverage(view: View) -> dict[str, int]:
    """How far the work has come: images labelled, labels verified, images usable."""
    labelled = sa.select(sa.func.count(sa.distinct(labels.c.image_id)))
    return {
        "labelled_images": int(view.conn.scalar(labelled) or 0),
        "verified_labels": count(view, labels, labels.c.is_verified),
        "invalid_images": count(view, images, ~images.c.is_valid),
    }
