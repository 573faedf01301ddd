"""Files that were exported and may hold rows of a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.store.models import audit_logs, label_revisions, labels, technicians
from mlmcsc.store.queries.erasure.people import Person, is_called
from mlmcsc.store.queries.rows import View

_c = audit_logs.c


def of(view: View, person: Person) -> list[dict[str, str]]:
    """Path and SHA-256 of each exported file that holds rows of the person, oldest first.

    An export of a table with personal texts or names in it holds the person's rows if there are
    any; one of user data does if it is theirs; one of the trail may always.
    """
    query = (
        sa.select(_c.table_name, _c.new_values)
        .where(_c.operation == Operation.EXPORT.value, _c.new_values.is_not(None))
        .order_by(_c.id)
    )
    found: dict[tuple[str, str], None] = {}
    for event in view.conn.execute(query):
        told = event.new_values
        if isinstance(told, dict) and _holds(view, event.table_name, told, person):
            found |= dict.fromkeys(_files(told))
    return [{"path": path, "sha256": sha256} for path, sha256 in found]


def _files(told: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for each in (told, *told.get("files", ())):
        if isinstance(each, dict) and "path" in each and "sha256" in each:
            yield str(each["path"]), str(each["sha256"])


def _holds(view: View, table: str, told: dict[str, Any], person: Person) -> bool:
    if told.get("subject_id") is not None:
        return told["subject_id"] in person.subject_ids
    if table == "audit_logs":
        return True
    if table not in {"labels", "label_revisions", "technicians"} or not _is_personal(table, told):
        return False
    after_id = int(told.get("after_id") or 0)
    return any(
        view.conn.scalar(sa.select(row_id).where(condition, row_id > after_id).limit(1)) is not None
        for row_id, condition in _rows(table, person)
    )


def _is_personal(table: str, told: dict[str, Any]) -> bool:
    """Whether the exported columns name anybody: bare row ids and numbers do not."""
    columns = told.get("columns") or list(REGISTER[table])
    tags = [REGISTER[table].get(name) for name in columns]
    if any(tag is None or tag.sealed or tag.identifier or tag.free_text for tag in tags):
        return True  # an unknown column is a natural key, such as the staff number
    return bool(told.get("natural_keys")) and "technician_id" in columns


def _rows(table: str, person: Person) -> list[tuple[Any, sa.ColumnElement[bool]]]:
    names, row = person.identifiers, person.technician_row
    own = labels.c.technician_id == row if row is not None else sa.false()
    if table == "labels":
        return [(labels.c.id, own | is_called(labels.c.verified_by, names))]
    if table == "technicians":
        return [(technicians.c.id, technicians.c.id == row)]
    r = label_revisions.c
    of_own = r.label_id.in_(sa.select(labels.c.id).where(own))
    named = is_called(r.verified_by, names) | is_called(r.replaced_by, names)
    return [(r.id, of_own | named)]
