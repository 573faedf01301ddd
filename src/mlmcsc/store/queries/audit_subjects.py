"""Which audit events are about a specimen, a data version or a model version."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.reach import replaced_for, touched
from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries import audit, audit_kin
from mlmcsc.store.queries.rows import View

TABLES: Final = {"specimen": "specimens", "dataset": "data_versions", "model": "model_versions"}

About = dict[str, Any]
"""`table`, and `ids` of the record's rows that an event touches."""


def events_about(view: View, kind: str, name: str) -> dict[int, About]:
    """Event id to what it is about.

    Of a specimen: events on its row, its images, and their labels, predictions and features, also
    of rows that are gone as far as the trail still names their image.

    Raises:
        UnknownRecordError: There is no such record, now or in the trail.
    """
    found = audit_kin.find(view, TABLES[kind], name)
    if found.record_id is None:
        raise UnknownRecordError(f"There is no {kind} {name!r}, and the trail names none.")
    rows: dict[str, set[int]] = {}
    images = []
    for table, ids in audit_kin.kin(view, found):
        rows.setdefault(table, set()).update(ids)
        if table == "images":
            images = ids
    for image_id in images:
        image = audit_kin.Found("images", image_id, None, exists=True)
        for table, ids in audit_kin.kin(view, image):
            rows.setdefault(table, set()).update(ids)
    return {
        event_id: {"table": table, "ids": list(ids)}
        for table, wanted in rows.items()
        for event_id, ids in _of_table(view, table, wanted, images)
    }


def _of_table(
    view: View, table: str, wanted: Collection[int], images: Collection[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    for event in audit.about(view, table, wanted):
        yield event.id, (event.record_id or 0,)
    vectors = table == "features"
    for event in audit.batches(view, table, wanted, replacing=vectors):
        ids = touched((event.old_values, event.new_values), wanted)
        if ids or (vectors and _replaced_any(event, images)):
            yield event.id, ids


def _replaced_any(event: AuditRecord, images: Collection[int]) -> bool:
    return any(replaced_for(event.old_values, image_id) for image_id in images)


def not_covered(view: View, event_ids: Collection[int], tree_size: int) -> set[int]:
    """Those events that a tree of this size does not hold."""
    c = audit_logs.c
    query = sa.select(c.id).where(
        view.dialect.ids_in(c.id, event_ids), sa.or_(c.seq.is_(None), c.seq >= tree_size)
    )
    return {int(i) for i in view.conn.scalars(query)}
