"""What happened, who did it, and to what: the audit trail, read."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from mlmcsc.adapters.tabular import Format, format_of
from mlmcsc.domain.audit.filters import CURSOR, LIMIT, AuditFilter, check_filter
from mlmcsc.domain.audit.recomputing import differences
from mlmcsc.domain.audit.records import (
    AuditExport,
    EventDetail,
    EventPage,
    History,
    HistoryEntry,
)
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.progress import OpenTally
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.audit.exporting import Export
from mlmcsc.services.audit.revealing import shown
from mlmcsc.services.audit.searching import Search
from mlmcsc.services.audit.telling_history import Teller
from mlmcsc.store.queries import audit as queries
from mlmcsc.store.queries import audit_kin, audit_rows, persons
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Audit:
    """List, tell, search and export the audit trail, in one actor's name.

    Personal texts are opened for actors who may read them, and read `[withheld]` or, once their
    person was erased, `[erased]` otherwise.
    """

    db: Store
    actor: Actor

    @requires(Permission.AUDIT)
    def list(
        self,
        *,
        after_id: int | None = None,
        before_id: int | None = None,
        oldest_first: bool = False,
        limit: int = 100,
        **wanted: Unpack[AuditFilter],
    ) -> EventPage:
        """Events, newest first, a page at a time.

        Args:
            after_id: Only events with a higher id.
            before_id: Only events with a lower id.
            oldest_first: The other way round.
            limit: Events per page, 1 to 100,000.
            **wanted: `table` (also `record_id` of a row of it), `actor` (login, staff number or
                subject id; finds redacted events too), `operations`, `since`, `until`.

        Raises:
            UnknownKeywordError: There is no such filter.
            ValidationError: A value is wrong, or there is no such table.
        """
        LIMIT.check(limit)
        cursors = {"after": CURSOR.check(after_id), "before": CURSOR.check(before_id)}
        with self.db.read() as view:
            narrowed = _conditions(view, self.actor, wanted)
            rows = queries.page(
                view, narrowed, **cursors, oldest_first=oldest_first, limit=limit + 1
            )
            found = [queries.record_of(row) for row in rows[:limit]]
            more = len(rows) > limit
            items = tuple(shown(view, self.actor, found))
        return EventPage(items, items[-1].id if more else None)

    @requires(Permission.AUDIT)
    def search(
        self,
        text: str,
        *,
        after_id: int | None = None,
        before_id: int | None = None,
        oldest_first: bool = False,
        limit: int = 100,
        progress: OpenTally | None = None,
        **wanted: Unpack[AuditFilter],
    ) -> EventPage:
        """Events that contain a text, whatever its case: in reasons, values and names.

        Every event that fits the filters is looked at, some thousand at a time. What the actor
        may not see is not found. A technician's name also finds what that person did.

        Args:
            text: What to look for.
            after_id: As for `list`, and so on.
            before_id: Likewise.
            oldest_first: Likewise.
            limit: Most events to return.
            progress: Called with events looked at.
            **wanted: As for `list`.

        Raises:
            ValidationError: The text is blank, or a filter is wrong.
            MissingKeyError: Sealed texts cannot be searched, as the master key is not here.
        """
        if not text.strip():
            raise ValidationError(f"text={text!r}: say what to look for.")
        LIMIT.check(limit)
        edges = {"after": CURSOR.check(after_id), "before": CURSOR.check(before_id)}
        hits: list[Any] = []
        looked = 0
        with self.db.read() as view:
            found = _conditions(view, self.actor, wanted)
            search = Search(view, self.actor, text)
            found += search.conditions
            while len(hits) <= limit:
                rows = queries.page(
                    view, found, **edges, oldest_first=oldest_first, limit=LOOKED_AT_ONCE
                )
                hits += search.hits(rows)
                looked += len(rows)
                if progress is not None:
                    progress(looked, None)
                if len(rows) < LOOKED_AT_ONCE:
                    break
                edges["after" if oldest_first else "before"] = rows[-1].id
        items = tuple(hits[:limit])
        return EventPage(items, items[-1].id if len(hits) > limit else None)

    @requires(Permission.AUDIT)
    def get(self, event_id: int) -> EventDetail:
        """One event in full, with the salts that open its commitments.

        The salts are kept from those who may not read personal data: with one, hidden values
        could be guessed and tried.

        Raises:
            UnknownRecordError: There is no such event.
        """
        CURSOR.check(event_id)
        with self.db.read() as view:
            found = queries.get(view, event_id)
            if found is None:
                raise UnknownRecordError(f"event {event_id} does not exist.")
            event, *salts = found
            (opened,) = shown(view, self.actor, [event])
            wrong = differences(audit_rows.by_ids(view, [event_id]))
        if Permission.READ_PERSONAL not in self.actor.permissions:
            salts = [None, None]
        opening = [None if salt is None else salt.hex() for salt in salts]
        changed = tuple(what for _, told in wrong for what in told)
        return EventDetail(opened, opening[0], opening[1], changed)

    @requires(Permission.AUDIT)
    def history(self, what: str, which: int | str) -> History:
        """Everything that happened to a record, oldest first, also when it is gone.

        Of an image that is its arrival, alone or in a batch, its specimens, and its labels,
        predictions, feature vectors, corrections and verifications; of a specimen also its
        images' own events; of a technician also requests, restrictions and erasure.

        Args:
            what: A table, singular or plural: `image`, `labels`, `technician`, `model` …
            which: The row's id, or its name: staff number, specimen number, version, path.

        Raises:
            ValidationError: There is no such table.
            UnknownRecordError: There is no such record, and no event speaks of one.
        """
        table = audit_kin.table_named(what)
        with self.db.read() as view:
            _known_table(view, what, table)
            found = audit_kin.find(
                view, table, _word(table, which), audit_kin.seen_by(view, self.actor)
            )
            entries = Teller(view, found).entries()
            if not entries and not found.exists:
                raise UnknownRecordError(
                    f"{what} {which!r} does not exist, and no event speaks of it."
                )
            opened = shown(view, self.actor, [entry.event for entry in entries])
        told = tuple(
            replace(entry, event=event) for entry, event in zip(entries, opened, strict=True)
        )
        return History(found.table, found.record_id, found.name, found.exists, told, _notes(told))

    @requires(Permission.AUDIT)
    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: Format | None = None,  # noqa: A002  # as `exchange.export_file` calls it
        overwrite: bool = False,
        progress: OpenTally | None = None,
        **wanted: Unpack[AuditFilter],
    ) -> AuditExport:
        """Write events, oldest first, to a file that appears whole or not at all.

        The audit trail keeps that it was written, by whom, with which filter and SHA-256. CSV
        cells that a spreadsheet program would take for formulas get an apostrophe before them.

        Args:
            path: `.csv`, `.jsonl` or `.parquet`; the first two also `.gz` and `.zst`.
            format: When the suffix does not tell.
            overwrite: Whether an existing file is replaced.
            progress: Called with events written, and None.
            **wanted: As for `list`.

        Raises:
            ConflictError: The file exists.
            ValidationError: An argument is wrong.
            MissingKeyError: The events hold sealed texts, and the master key is not here.
        """
        target = Path(os.path.abspath(path))
        kind = format_of(target, format)
        with self.db.read() as view:
            found = _conditions(view, self.actor, wanted)
            told = _told(view, self.actor, wanted)
        return Export(target, kind, found, told, progress, overwrite).run(self.db, self.actor)


LOOKED_AT_ONCE = 2_000
"""Events held in memory by a search."""


def _conditions(view: View, actor: Actor, wanted: Mapping[str, Any]) -> list[Any]:
    """The checked filter as SQL; a person is found under every name."""
    found = check_filter(wanted)
    if "table" in found:
        found["table"] = _known_table(view, found["table"], audit_kin.table_named(found["table"]))
    who = _person(view, actor, found["actor"]) if "actor" in found else None
    return queries.conditions(found, who)


def _told(view: View, actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The filter for the audit trail; a person by their random id alone."""
    told = check_filter(wanted)
    if "actor" in told:
        who = _person(view, actor, told.pop("actor"))
        told["subject_id"] = None if who is None else who.subject_id
    return told


def _person(view: View, actor: Actor, called: str) -> Person | None:
    """The one person so called, as far as the actor may see names."""
    found = persons.every(view, called, audit_kin.seen_by(view, actor))
    return found[0] if len(found) == 1 else None


def _known_table(view: View, word: str, table: str) -> str:
    known = audit_kin.known_tables()
    if table in known or queries.has_table(view, table):
        return table
    near = difflib.get_close_matches(table, [*known, *audit_kin.ALIASES], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValidationError(
        f"There is no table {word!r}.{hint} Name one such as image, label, specimen or technician."
    )


def _word(table: str, which: int | str) -> str:
    word = str(which)
    is_path = table == "images" and not word.isdigit()
    return os.path.abspath(word) if is_path else word


def _notes(entries: tuple[HistoryEntry, ...]) -> tuple[str, ...]:
    events = [entry.event for entry in entries]
    notes = []
    if any(event.redacted for event in events):
        notes.append("parts of some events were erased; their commitments, and the proof, stay")
    if any(event.damaged for event in events):
        notes.append("some events cannot be read as they are stored: run audit verify")
    return tuple(notes)
