"""Whether every redaction in the trail is one that the trail tells of.

A redaction writes, in the same transaction, a REDACT event on `audit_logs` whose `new_values` name
the part and the events: `{"part": "who" | "payload"}` with `"subject_id"` (all events of that
person before this one) or `"id_ranges": [[first, last], …]`; `n_rows` is how many events lost that
part through it. The rule, which a third party can apply too:

1. Every event without the part has a lower id than some REDACT event of that part which names it.
2. The REDACT events of a part together count as many events as lack it. A part is lost once, so a
   surplus on either side means that events were redacted, or restored, behind the trail's back.
3. The payload of a REDACT event is never redacted itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from mlmcsc.domain.audit.findings import AuditFinding
from mlmcsc.domain.audit.recomputing import Row, StoredEvent

WHO: Final = "who"
PAYLOAD: Final = "payload"
REDACT: Final = "REDACT"
TABLE: Final = "audit_logs"

_OPERATION = StoredEvent._fields.index("operation")
_WHO_SALT = StoredEvent._fields.index("who_salt")
_PAYLOAD_SALT = StoredEvent._fields.index("payload_salt")


@dataclass(frozen=True, slots=True)
class _Telling:
    """What one REDACT event says."""

    event_id: int
    part: str
    subject_id: str | None
    ranges: list[tuple[int, int]]
    count: int

    def named(self, subject: str | None) -> list[tuple[int, int]]:
        """First and last id of the subject's events that it speaks of; all are before it."""
        before = self.event_id - 1
        if self.subject_id is not None:
            return [(1, before)] if self.subject_id == subject else []
        return [(first, min(last, before)) for first, last in self.ranges if first <= before]


@dataclass(slots=True)
class Redactions:
    """What a pass over the trail saw of redacted events and of REDACT events."""

    lacking: dict[str, dict[str | None, array[int]]] = field(
        default_factory=lambda: {WHO: {}, PAYLOAD: {}}
    )
    """Part to subject id to the ids of their events that lack it."""
    tellings: list[_Telling] = field(default_factory=list)
    wrong: list[AuditFinding] = field(default_factory=list)

    def count(self, part: str) -> int:
        """How many events lack the part."""
        return sum(len(ids) for ids in self.lacking[part].values())

    def see(self, rows: Sequence[Row]) -> None:
        """Note what concerns redaction."""
        if not _any(rows):  # as a rule; asked at the speed of C
            return
        for row in rows:
            if row[_WHO_SALT] is None or row[_PAYLOAD_SALT] is None or row[_OPERATION] == REDACT:
                self._look(StoredEvent(*row))

    def _look(self, event: StoredEvent) -> None:
        if event.leaf is None:
            return  # told as an event without commitments
        if event.who_salt is None:
            self._lacks(WHO, event)
            kept = (event.reason, event.ip_address, event.user_agent)
            if event.user_id != event.subject_id or kept != (None, None, None):
                self._find(event, "its personal part was replaced, not redacted")
        if event.payload_salt is None:
            self._lacks(PAYLOAD, event)
            if (event.old_values, event.new_values) != (None, None):
                self._find(event, "its payload was replaced, not redacted")
        if event.operation == REDACT and event.table_name == TABLE:
            self._told(event)

    def _lacks(self, part: str, event: StoredEvent) -> None:
        self.lacking[part].setdefault(event.subject_id, array("q")).append(event.id)

    def _told(self, event: StoredEvent) -> None:
        try:
            said = orjson.loads(event.new_values)
            telling = _Telling(
                event.id,
                str(said["part"]),
                said.get("subject_id"),
                sorted((int(first), int(last)) for first, last in said.get("id_ranges", ())),
                int(event.n_rows),
            )
        except (TypeError, ValueError, KeyError, AttributeError):
            self._find(event, "this REDACT event does not tell what it redacted")
        else:
            self.tellings.append(telling)

    def _find(self, event: StoredEvent, what: str) -> None:
        self.wrong.append(AuditFinding(event.id, event.seq, what))

    def findings(self) -> Iterator[AuditFinding]:
        """Where the rule is broken."""
        yield from self.wrong
        for part in (WHO, PAYLOAD):
            yield from self._untold(part)

    def _untold(self, part: str) -> Iterator[AuditFinding]:
        tellings = [telling for telling in self.tellings if telling.part == part]
        for subject, lacking in self.lacking[part].items():
            ids = np.sort(np.frombuffer(lacking, dtype=np.int64))
            told = np.zeros(len(ids), dtype=np.bool_)
            for telling in tellings:
                for first, last in telling.named(subject):
                    told[np.searchsorted(ids, first) : np.searchsorted(ids, last + 1)] = True
            for event_id in ids[~told].tolist():
                what = f"its {part} part was redacted, and no REDACT event tells of it"
                yield AuditFinding(event_id, None, what)
        counted, found = sum(t.count for t in tellings), self.count(part)
        if counted != found:
            what = f"REDACT events tell of {counted} redacted {part} parts, but {found} are"
            yield AuditFinding(None, None, what)


def _any(rows: Sequence[Row]) -> bool:
    """Whether any of the rows concerns redaction."""
    salts = [row[_WHO_SALT] for row in rows], [row[_PAYLOAD_SALT] for row in rows]
    return None in salts[0] or None in salts[1] or REDACT in [row[_OPERATION] for row in rows]


def redaction_values(
    part: str, *, subject_id: str | None = None, id_ranges: list[list[int]] | None = None
) -> dict[str, Any]:
    """The `new_values` of a REDACT event."""
    target = {"id_ranges": id_ranges} if subject_id is None else {"subject_id": subject_id}
    return {"part": part, **target}
