"""Files that were exported and may hold rows of a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.mentions import IF_NAMED
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.store.models import (
    audit_logs,
    dataset_exports,
    label_revisions,
    labels,
    technicians,
)
from mlmcsc.store.queries.erasure import traces
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View

_c = audit_logs.c

JUDGED_BY_ROWS = frozenset({"labels", "label_revisions", "technicians", "audit_logs", "subjects"})
"""Tables whose rows tell whether a file holds data of a person; of others the file does."""


def of(view: View, person: Person) -> list[dict[str, str]]:
    """Path and SHA-256 of each exported file that holds data of the person, oldest first.

    A copy of user data does if it is theirs; an export of a table with personal texts or names in
    it if it has rows of theirs; one of the trail, and evidence, if events are by or about them.
    Of another table that has texts the file must be read: it has `only`, saying so.
    """
    query = (
        sa.select(_c.id, _c.table_name, _c.record_id, _c.n_rows, _c.new_values)
        .where(_c.operation == Operation.EXPORT.value, _c.new_values.is_not(None))
        .order_by(_c.id)
    )
    found: dict[tuple[str, str, str], None] = {}
    judge = _Judge(view, person)
    for event in view.conn.execute(query).all():
        told = event.new_values
        if not isinstance(told, dict) or event.n_rows == 0:
            continue
        table = event.table_name
        if table == dataset_exports.name and event.record_id and "files" not in told:
            continue  # a version, which names nobody; its recipient is told
        by_content = table not in JUDGED_BY_ROWS and "evidence" not in told
        if _may_name(table, told) if by_content else judge.holds(event, told):
            for path, sha256, kind in _files(told):
                found[path, sha256, kind if by_content else ""] = None
    return [
        {"path": path, "sha256": sha256} | ({"only": IF_NAMED, "format": kind} if kind else {})
        for path, sha256, kind in found
    ]


def _may_name(table: str, told: dict[str, Any]) -> bool:
    """Whether the export has columns of words in which somebody may be named."""
    tags = REGISTER.get(table, {})
    names = told.get("columns") or list(tags)
    return any(name not in tags or tags[name].identifier or tags[name].free_text for name in names)


def _files(told: dict[str, Any]) -> Iterable[tuple[str, str, str]]:
    """Path, SHA-256 and format of each."""
    for each in (told, *told.get("files", ())):
        if isinstance(each, dict) and "path" in each and "sha256" in each:
            kind = each.get("format", told.get("format"))
            yield str(each["path"]), str(each["sha256"]), str(kind)


@dataclass
class _Judge:
    """Whether exported files hold data of a person."""

    view: View
    person: Person

    @cached_property
    def _traces(self) -> traces.Traces:
        return traces.find(self.view, self.person)

    def holds(self, event: Any, told: dict[str, Any]) -> bool:
        table, view = event.table_name, self.view
        if table == "subjects":
            return told.get("subject_id") in self.person.subject_ids
        if "evidence" in told:
            return traces.in_evidence(view, self._traces, told)
        if not _is_personal(table, told):
            return False
        if table == "audit_logs":
            return traces.in_export(view, self._traces, told, event.id)
        after_id = int(told.get("after_id") or 0)
        return any(
            view.conn.scalar(sa.select(row_id).where(condition, row_id > after_id).limit(1))
            is not None
            for row_id, condition in _rows(table, self.person)
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
