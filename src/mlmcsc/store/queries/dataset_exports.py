"""The list of what was exported, to whom."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from mlmcsc.domain.versions.exports import DatasetExportRecord
from mlmcsc.store.models import dataset_exports
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View


def every(view: View, version: str | None = None) -> list[DatasetExportRecord]:
    """Exports, of one version or of all, oldest first; recipients as stored, sealed or not."""
    c = dataset_exports.c
    query = rows.select_record(dataset_exports, DatasetExportRecord).order_by(c.id)
    if version is not None:
        query = query.where(c.version == version)
    return [DatasetExportRecord(*row) for row in view.conn.execute(query)]


def versions(view: View) -> Collection[str]:
    """Names of the versions that were ever exported, also of those that are deleted."""
    return set(view.conn.scalars(sa.select(dataset_exports.c.version).distinct()))
