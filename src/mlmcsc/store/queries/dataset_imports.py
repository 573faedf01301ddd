"""What an import of a dataset asks of the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.columns import Checked
from mlmcsc.domain.enums import Operation
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import image_aliases, labels
from mlmcsc.store.queries import labels as label_queries
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

Given = tuple[int, float, Any]
"""Image, value and `annotation_data`."""


def refuse_barred(view: View, technician: int) -> None:
    """Refuse a technician who may not label, before anything is done in their name.

    Raises:
        ConflictError: The technician is not active, or the processing of their data restricted.
    """
    one = Checked({"technician_id": [technician]}, 1, {})
    label_queries.reject_barred(view, one)
    if one.rejected:
        raise ConflictError(f"{one.rejected[0]} Nothing was stored.")


def given_by(view: View, technician: int, images: Iterable[int]) -> list[Given]:
    """The labels that a technician gave these images."""
    c = labels.c
    query = sa.select(c.image_id, c.label, c.annotation_data).where(
        c.technician_id == technician, view.dialect.ids_in(c.image_id, images)
    )
    return [(row.image_id, row.label, row.annotation_data) for row in view.conn.execute(query)]


def forget_paths(tx: Transaction, paths: Iterable[str]) -> None:
    """Forget where images lay while they were unpacked: nothing is there any more."""
    c = image_aliases.c
    names = ("image_id", "path", "file_size", "file_mtime_ns")
    query = sa.select(c.id, *(c[name] for name in names)).where(tx.dialect.ids_in(c.path, paths))
    gone = [
        Change(row.id, {name: getattr(row, name) for name in names}, None)
        for row in tx.conn.execute(query.order_by(c.id))
    ]
    ids = [each.id for each in gone]
    tx.conn.execute(image_aliases.delete().where(tx.dialect.ids_in(c.id, ids)))
    record_changes(tx, Operation.DELETE, image_aliases.name, gone)
