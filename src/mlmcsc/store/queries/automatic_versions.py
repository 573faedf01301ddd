"""What deciding on automatic versions needs to know, and to remember."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.store.key_settings import setting
from mlmcsc.store.models import audit_logs, data_versions, features, settings, version_tags
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

JUDGED: Final = "versions_judged"
"""Key of the note how many label changes since a version were seen to decide nothing."""


def judged(view: View, version_id: int) -> int:
    """How many label changes since this version were seen to decide no value."""
    match setting(view, JUDGED):
        case {"version_id": int(noted), "label_changes": int(count)} if noted == version_id:
            return count
    return 0


def set_judged(tx: Transaction, version_id: int, label_changes: int) -> None:
    """Note it, so that the same changes are not looked through again."""
    note = {"version_id": version_id, "label_changes": label_changes}
    tx.conn.execute(settings.delete().where(settings.c.key == JUDGED))
    tx.conn.execute(settings.insert().values(key=JUDGED, value=note))
    tx.record(AuditEvent(Operation.UPDATE, settings.name, None, new_values={JUDGED: note}))


def taken_names(view: View) -> set[str]:
    """Names of versions, also of deleted ones, and of tags."""
    c = audit_logs.c
    deleted = sa.select(c.old_values).where(
        c.table_name == data_versions.name, c.operation == Operation.DELETE.value
    )
    told: list[Any] = [row[0] for row in view.conn.execute(deleted)]
    names = {each["version"] for each in told if isinstance(each, dict) and "version" in each}
    for column in (data_versions.c.version, version_tags.c.tag):
        names |= set(view.conn.scalars(sa.select(column)))
    return names


def sets_to_hold(view: View, newest: DataVersionRecord) -> list[tuple[str, str]] | None:
    """The feature sets of the next version: those of the newest one, and those stored since.

    None where that is all of them.
    """
    held = {
        (each.feature_type, each.extractor_version)
        for each in version_queries.features_of(view, newest.id)
    }
    f, found, every = features.c, [], feature_queries.sets(view)
    for each in every:
        key = (each.feature_type, each.extractor_version)
        stored = sa.select(f.extraction_timestamp).where(
            f.feature_type == key[0], f.extractor_version == key[1]
        )
        first = view.conn.scalar(stored.order_by(f.id).limit(1))
        if key in held or (first is not None and first > newest.created_at):
            found.append(key)
    return None if len(found) == len(every) else found
