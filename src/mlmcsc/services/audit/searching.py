"""Finding a text in events whose personal values are sealed: each is opened and looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.domain.permissions import Actor
from mlmcsc.services.audit.revealing import revealed
from mlmcsc.store.queries import audit as queries
from mlmcsc.store.queries import audit_kin, persons
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import ERASED, WITHHELD

FACTS = (
    "user_id",
    "operation",
    "table_name",
    "subject_id",
    "digest",
    "reason",
    "ip_address",
    "user_agent",
)


class Search:
    """One text, sought without regard to case.

    Args:
        view: The open transaction.
        actor: Who searches: what they may not see, they do not find.
        text: What for.

    Raises:
        MissingKeyError: Sealed texts cannot be searched without the master key.

    Attributes:
        conditions: A coarse sieve in SQL, for `mlmcsc.store.queries.audit.page`.
    """

    def __init__(self, view: View, actor: Actor, text: str) -> None:
        self._view, self._actor = view, actor
        self._text = text.casefold()
        opened = audit_kin.seen_by(view, actor, all_or_none=True)
        self._people = persons.technicians_called(view, self._text, opened)
        self.conditions = queries.containing(view, text, self._people)

    def hits(self, rows: Sequence[Any]) -> list[AuditRecord]:
        """Those of the stored events that contain the text, opened.

        Raises:
            MissingKeyError: They hold sealed texts, which cannot be searched.
        """
        events = revealed(self._view, self._actor, [queries.record_of(row) for row in rows])
        return [event for event in events if self._matches(event)]

    def _matches(self, event: AuditRecord) -> bool:
        if event.subject_id in self._people:
            return True
        own = (getattr(event, name) for name in FACTS)
        every = (*own, *_words(event.old_values), *_words(event.new_values))
        return any(self._text in word.casefold() for word in every if word and word not in HIDDEN)


HIDDEN = {WITHHELD, ERASED}


def _words(value: Any) -> Iterator[str]:
    """Every key and value of a JSON document, as text."""
    match value:
        case dict():
            for key, each in value.items():
                yield str(key)
                yield from _words(each)
        case list() | tuple():
            for each in value:
                yield from _words(each)
        case None:
            return
        case str():
            yield value
        case _:
            yield json.dumps(value)
