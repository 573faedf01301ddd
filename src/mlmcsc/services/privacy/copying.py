"""Rows of the database as the person may see them: opened, without colleagues, with an end date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.privacy.activities import TRAIL
from mlmcsc.domain.privacy.others import ANOTHER, Others
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.places import sealed_places
from mlmcsc.domain.privacy.subject_copy import NEVER_REPLACED, PEOPLE, Part
from mlmcsc.domain.retention import Periods
from mlmcsc.domain.versions.redaction import Contribution
from mlmcsc.store.queries import mentioning
from mlmcsc.store.queries import privacy_access as queries
from mlmcsc.store.queries.rows import View

Row = dict[str, Any]

EXTRA = {"audit": ("role", "purpose")}
"""Columns that a part has besides those of its table."""
GIVEN_AS_IT_IS = NEVER_REPLACED | {"purpose", "role", "archive", "old_values", "new_values"}
"""The program's own words; the payloads that are shown are of the person's own entry."""
TOLD_OF_EXPORTS = ("path", "files", "format", "columns")


class Copying:
    """One copy in the making.

    Attributes:
        view: One snapshot for all of it.
        who: Whose.

    Args:
        view: One snapshot for all of it.
        who: Whose.
        periods: Days by data type.
    """

    def __init__(self, view: View, who: Person, periods: Periods) -> None:
        self.view = view
        self.who = who
        self._periods = periods
        self._others = _others(view, who)
        self._opener = Actor("privacy", frozenset({Permission.PRIVACY}))

    def pages(self, part: Part, archived_labels: Sequence[int] = ()) -> Iterator[list[Row]]:
        """The rows of a part, ready to be given away.

        Args:
            part: Which.
            archived_labels: Ids of measurements of theirs that are in archives.
        """
        for found in queries.pages(self.view, self.who, part, archived_labels):
            rows = [row._asdict() for row in found]
            if part.name == "audit":
                rows = [self._event(row) for row in rows]
            elif part.name == "exports":
                rows = [row for row in map(self._export, rows) if self._may_hold(row)]
            yield self._ready(rows, part)

    def archived(
        self, part: Part, pages: Iterable[Sequence[Mapping[str, Any]]]
    ) -> Iterator[list[Row]]:
        """The same of rows that come from archives."""
        for page in pages:
            names = ("archive", *part.columns, queries.SINCE)
            yield self._ready([{name: row[name] for name in names} for row in page], part)

    def mentions(self) -> Iterator[list[Row]]:
        """Others' texts that name the person, without the others."""
        for table, column, rows in mentioning.texts(self.view, self.who):
            yield [
                {
                    "table": table,
                    "column": column,
                    "id": row_id,
                    "text": self._others.hide(text),
                    "kept_until": None,
                }
                for row_id, text in rows
            ]

    def contribution(self, found: Contribution) -> Row:
        """A data version that rests on the person's labels; others are not named in recipients."""
        given = [
            {"format": each.format, "path": each.path, "recipient": each.recipient}
            | {"exported_at": each.exported_at}
            for each in found.recipients
        ]
        return {
            "version": found.version,
            "commitment": found.root,
            "rows": found.rows,
            "recipients": self._others.hide(given),
            "kept_until": None,
        }

    def _event(self, row: Row) -> Row:
        by_self = self._is_own(row["user_id"])
        of_entry = (
            row["table_name"] == "technicians" and row["record_id"] == self.who.technician_row
        )
        payload = (row["old_values"], row["new_values"]) if of_entry else (None, None)
        old, new = self.view.vault.reveal_json(
            self.view, self._opener, [_parsed(text) for text in payload]
        )
        told = {"role": "by you" if by_self else "about you", "purpose": TRAIL.purpose}
        shown = {**row, **told, "old_values": old, "new_values": new}
        return shown if by_self else {**shown, "ip_address": None, "user_agent": None}

    def _is_own(self, name: Any) -> bool:
        return isinstance(name, str) and self.who.is_meant(name)

    def _export(self, row: Row) -> Row:
        told = _parsed(row["new_values"])
        return {**row, "new_values": told if isinstance(told, dict) else {}}

    def _may_hold(self, row: Row) -> bool:
        """Whether the file may contain a row about the person: recipients, Art. 15(1)(c)."""
        told, who = row["new_values"], self.who
        match row["table_name"]:
            case "subjects":
                return told.get("subject_id") in who.subject_ids
            case "labels":
                after = told.get("after_id")
                after = after if isinstance(after, int) else 0
                return who.technician_row is not None and queries.has_labels(
                    self.view, who.technician_row, after, row["timestamp"]
                )
            case "technicians" | "label_revisions":
                return who.technician_row is not None
        return True

    def _ready(self, rows: Sequence[Row], part: Part) -> list[Row]:
        names = [name for name in part.columns if f"{part.table}.{name}" in sealed_places()]
        texts = [row[name] for row in rows for name in names]
        opened = iter(self.view.vault.unseal(self.view, texts))
        days = None if part.period is None else self._periods[part.period]
        ready = []
        for row in rows:
            clear = {**row, **{name: next(opened) for name in names}}
            since = clear.get(queries.SINCE)
            shown = {
                name: self._shown(name, value, part)
                for name, value in clear.items()
                if name not in {queries.SINCE, queries.ROW}
            }
            ends = None if days is None or since is None else since + timedelta(days=days)
            ready.append({**shown, "kept_until": None if ends is None else ends.isoformat()})
        return ready

    def _shown(self, name: str, value: Any, part: Part) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        if name in PEOPLE:
            return value if value is None or self._is_own(value) else ANOTHER
        if name == "new_values" and part.name == "exports":
            value = {key: value[key] for key in TOLD_OF_EXPORTS if value.get(key) is not None}
        elif part.own or name in GIVEN_AS_IT_IS:
            return value
        return self._others.hide(value)


def _others(view: View, who: Person) -> Others:
    """Whom to leave out, by every name that the database knows."""
    called = queries.other_names(view, who)
    facts = queries.technicians_facts(view, who, own=False)
    names, addresses = _opened(view, facts)
    own_names, own_addresses = _opened(view, queries.technicians_facts(view, who, own=True))
    own = [*who.identifiers, *own_names, *own_addresses]
    return Others([*called, *names, *addresses], [*called, *names], own)


def _opened(view: View, facts: Sequence[tuple[str, str | None]]) -> tuple[list[str], list[str]]:
    """Names, and e-mail addresses."""
    opened = view.vault.unseal(view, [text for pair in facts for text in pair])
    return [t for t in opened[::2] if t], [t for t in opened[1::2] if t]


def _parsed(text: str | None) -> Any:
    """A payload; None for one that somebody damaged."""
    try:
        return None if text is None else orjson.loads(text)
    except ValueError:
        return None
