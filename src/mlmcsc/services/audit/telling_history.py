"""A record's whole history, put together from the events that speak of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mlmcsc.domain.audit.reach import replaced_for, touched
from mlmcsc.domain.audit.records import AuditRecord, HistoryEntry
from mlmcsc.domain.enums import Operation
from mlmcsc.store.queries import audit as queries
from mlmcsc.store.queries import audit_kin
from mlmcsc.store.queries.audit_kin import Found
from mlmcsc.store.queries.rows import View


class Teller:
    """Collects the events of one record, each once."""

    def __init__(self, view: View, found: Found) -> None:
        self._view, self._found = view, found
        self._entries: dict[int, HistoryEntry] = {}

    def entries(self) -> list[HistoryEntry]:
        """Everything, oldest first; personal texts are sealed still."""
        for table, ids in audit_kin.kin(self._view, self._found):
            self._rows(table, ids)
        match self._found.table:
            case "images":
                self._specimens_of_image()
            case "specimens":
                self._named([self._found.name])
            case "model_versions":
                self._activations()
        self._imports()
        self._redactions()
        return [self._with_rows(self._entries[event_id]) for event_id in sorted(self._entries)]

    def _with_rows(self, entry: HistoryEntry) -> HistoryEntry:
        """A batch's event commits to its rows by a digest alone: tell what they hold now."""
        new = entry.event.new_values
        if not entry.ids or not isinstance(new, dict) or "columns" not in new:
            return entry
        some = entry.ids[:MOST_ROWS]
        return replace(entry, now=audit_kin.as_they_stand(self._view, entry.event.table_name, some))

    def _add(self, event: AuditRecord, ids: Iterable[int] = ()) -> None:
        self._entries.setdefault(event.id, HistoryEntry(event, tuple(ids)))

    def _rows(self, table: str, ids: list[int]) -> None:
        """Single and batch events of some rows of a table."""
        image_id = self._found.record_id if self._found.table == "images" else None
        vectors = image_id is not None and table == "features"
        if not ids and not vectors:
            return
        for event in queries.about(self._view, table, ids):
            self._add(event, [event.record_id] if event.record_id is not None else ())
        for event in queries.batches(self._view, table, ids, replacing=vectors):
            hit = touched((event.old_values, event.new_values), ids)
            if hit or (vectors and replaced_for(event.old_values, image_id or 0)):
                self._add(event, hit)

    def _specimens_of_image(self) -> None:
        """What is known of the specimens that the image was, or is, assigned to."""
        names = {audit_kin.specimen_of(self._view, self._found.record_id or 0)}
        for entry in self._entries.values():
            if entry.event.table_name == "images" and entry.event.record_id is not None:
                sides = (entry.event.old_values, entry.event.new_values)
                names |= {side.get("specimen_id") for side in sides if isinstance(side, dict)}
        self._named(names)
        known = {name for name in names if isinstance(name, str)}
        self._rows("specimens", audit_kin.specimens_named(self._view, known))

    def _named(self, names: Iterable[Any]) -> None:
        """Specimens registered many at once are told by name, without ids."""
        wanted = {name for name in names if isinstance(name, str)}
        for event in queries.batches(self._view, "specimens", ()) if wanted else ():
            new = event.new_values if isinstance(event.new_values, dict) else {}
            listed = new.get("specimen_id")
            if isinstance(listed, list) and wanted & {each for each in listed if each in wanted}:
                self._add(event)

    def _activations(self) -> None:
        """Another model's activation ended this one's."""
        wanted = {"table": "model_versions", "operations": [Operation.ACTIVATE.value]}
        rows = queries.page(
            self._view,
            queries.conditions(wanted, None),
            after=None,
            before=None,
            oldest_first=True,
            limit=MOST_ACTIVATIONS,
        )
        for event in map(queries.record_of, rows):
            old = event.old_values if isinstance(event.old_values, dict) else {}
            if self._found.name is not None and old.get("active") == self._found.name:
                self._add(event)

    def _imports(self) -> None:
        """The files that rows came from: an import shares its rows' transaction."""
        batches = {
            (e.event.timestamp, e.event.table_name)
            for e in self._entries.values()
            if e.event.operation == Operation.CREATE and e.event.record_id is None
        }
        for moment, table in batches:
            if moment is not None:
                found = queries.of_transaction(self._view, moment, table, Operation.IMPORT)
                for event in found:
                    self._add(event)

    def _redactions(self) -> None:
        """When, and by whom, parts of these events were erased."""
        ids = sorted(i for i, entry in self._entries.items() if entry.event.redacted)
        if ids:
            self._rows("audit_logs", ids)


MOST_ACTIVATIONS = 100_000
MOST_ROWS = 100
"""Rows of one batch told as they are now."""
