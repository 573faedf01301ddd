"""How events and histories look on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmcsc.cli.output import Column, attribute, cell, console, counted, facts, note, say, table
from mlmcsc.domain.audit.telling import changes, headline, singular, summary, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlmcsc.domain.audit.records import (
        AuditRecord,
        EventDetail,
        History,
        HistoryEntry,
    )

ERASED = "[erased]"
SUBJECT = 7
"""Characters of a random subject id that tell people of one laboratory apart."""
MOST_CHANGES = 8
"""Values told of one event in a history; the rest is in `audit show N`."""


def who(event: AuditRecord) -> str:
    """Who did it, as far as the trail still says."""
    return f"{event.user_id[:SUBJECT]}… {ERASED}" if "who" in event.redacted else event.user_id


def reason(event: AuditRecord) -> str | None:
    """Why, as far as the trail still says."""
    return ERASED if "who" in event.redacted else event.reason


def _few_words(event: AuditRecord) -> str | None:
    why = reason(event)
    told = [summary(event), f"(reason: {why})" if why else ""]
    return " ".join(filter(None, told)) or None


def _sentence(event: AuditRecord) -> str:
    return ": ".join(filter(None, [headline(event), _few_words(event)]))


ID = attribute("id", "event", right=True)
TIME = attribute("timestamp", "time (UTC)", whole=True)
EVENTS = (
    ID,
    TIME,
    Column("who", who),
    attribute("operation", whole=True),
    attribute("table_name", "table", whole=True),
    attribute("record_id", "record", right=True),
    attribute("n_rows", "rows", right=True, minor=True),
    Column("what changed, and why", _few_words),
)
NARROW = (ID, TIME, Column("who", who), Column("what happened", _sentence))
ROOM = 100
"""Columns of a terminal from which on each fact gets its own."""


def show_events(events: Iterable[AuditRecord]) -> None:
    """A page of events."""
    events = list(events)
    if events:
        table(EVENTS if console().width >= ROOM else NARROW, events)
    _tell_damage(events)


def _tell_damage(events: Iterable[AuditRecord]) -> None:
    for event in events:
        if event.damaged:
            note(
                f"event {event.id} was changed past mlmcsc: its {', '.join(event.damaged)} cannot "
                "be read; run audit verify"
            )


def show_history(history: History) -> None:
    """A record's life, oldest first."""
    say(_title(history))
    if history.entries:
        say("")
        table(HISTORY, history.entries)
    else:
        note("no event speaks of it: it was stored past mlmcsc, or before there was a trail")
    _tell_damage(entry.event for entry in history.entries)
    for remark in history.notes:
        note(remark)


def _title(history: History) -> str:
    one = singular(history.table)
    number = "" if history.record_id is None else f" {history.record_id}"
    name = "" if history.name is None else f" ({history.name})"
    gone = "" if history.exists else ", not in the database now"
    return f"{one}{number}{name}{gone}: {counted(len(history.entries), 'event')}"


def _story(entry: HistoryEntry) -> str:
    event = entry.event
    told = changes(event)
    lines = [headline(event, entry.ids), *(f"  {line}" for line in told[:MOST_CHANGES])]
    if len(told) > MOST_CHANGES:
        lines.append(f"  and {len(told) - MOST_CHANGES} more: audit show {event.id}")
    for number, row in list(entry.now.items())[:MOST_CHANGES]:
        held = ", ".join(f"{name} {text(value)}" for name, value in row.items())
        lines.append(f"  {number} is now: {held}")
    if why := reason(event):
        lines.append(f"  reason: {why}")
    return "\n".join(lines)


HISTORY = (
    Column("time (UTC)", lambda entry: entry.event.timestamp, whole=True),
    Column("event", lambda entry: entry.event.id, right=True),
    Column("who", lambda entry: who(entry.event), whole=True),
    Column("what happened", _story),
)


def show_event(detail: EventDetail) -> None:
    """One event in full, with its commitments."""
    event = detail.event
    facts(
        {
            "event": event.id,
            "time": event.timestamp,
            "what": headline(event),
            "operation": event.operation,
            "table": event.table_name,
            "record": event.record_id,
            "rows": event.n_rows,
            "who": who(event),
            "subject": event.subject_id,
            "reason": reason(event),
            "from address": event.ip_address,
            "with program": event.user_agent,
            "digest": event.digest,
        }
    )
    told = changes(event, longest=100_000)
    if told:
        say("\nValues")
        for line in told:
            say(f"  {line}")
    say("\nCommitments (SHA-256)")
    not_yet = "none yet; the next checkpoint gives one"
    facts(
        {
            "place in the tree": not_yet if event.seq is None else cell(event.seq),
            "leaf": event.leaf or "none: it was not written by mlmcsc",
            "who": event.who_commit,
            "who salt": ERASED if "who" in event.redacted else detail.who_salt,
            "values": event.payload_commit,
            "values salt": ERASED if "payload" in event.redacted else detail.payload_salt,
        }
    )
    for what in detail.changed:
        note(f"CHANGED past mlmcsc: {what}; run audit verify")
    _tell_damage([event])
