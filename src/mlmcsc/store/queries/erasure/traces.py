"""Which audit events hold data of a person, by where in them it stands; to judge copies of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.models import audit_logs, technicians
from mlmcsc.store.queries import audit, audit_kin, audit_subjects, rows
from mlmcsc.store.queries.erasure import trail
from mlmcsc.store.queries.erasure.naming import readable
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import subject_of

_c = audit_logs.c


@dataclass(frozen=True, slots=True)
class Traces:
    """Ids of events.

    Attributes:
        who: By the person, or with a reason that names them.
        clear: With values that name them in clear, or that are those of their own entry.
        sealed: With sealed values that are theirs, or that name them once they are opened.
    """

    who: set[int] = field(default_factory=set)
    clear: set[int] = field(default_factory=set)
    sealed: set[int] = field(default_factory=set)


def find(view: View, person: Person) -> Traces:
    """Read the whole trail once."""
    found, words = Traces(), Mentions(person.identifiers)
    going, names = set(person.subject_ids), {name.lower() for name in person.identifiers}
    entry = (technicians.name, person.technician_row)
    for chunk in _chunks(view):
        texts = {row.id: f"{row.old or ''}\n{row.new or ''}" for row in chunk}
        sealed = {row.id: trail.SEALED.findall(texts[row.id]) for row in chunk}
        every = list(dict.fromkeys(text for each in sealed.values() for text in each))
        opened = dict(zip(every, readable(view, every), strict=True))
        for row in chunk:
            by = row.subject_id in going or (row.user_id or "").lower() in names
            if by or row.reason in words:
                found.who.add(row.id)
            about = texts[row.id] != "\n" and (row.table_name, row.record_id) == entry
            values = (trail.payload(text) for text in (row.old, row.new) if text is not None)
            if about or any(words.in_values(each) for each in values):
                found.clear.add(row.id)
            if any(subject_of(text) in going or opened[text] in words for text in sealed[row.id]):
                found.sealed.add(row.id)
    return found


def _chunks(view: View) -> Iterator[list[Any]]:
    payloads = [
        sa.cast(column, sa.Text).label(name)
        for column, name in ((_c.old_values, "old"), (_c.new_values, "new"))
    ]
    facts = (_c.id, _c.subject_id, _c.user_id, _c.reason, _c.table_name, _c.record_id)
    query, last = sa.select(*facts, *payloads).order_by(_c.id).limit(rows.CHUNK), 0
    while chunk := list(view.conn.execute(query.where(_c.id > last))):
        yield chunk
        last = chunk[-1].id


def in_export(view: View, traces: Traces, told: Mapping[str, Any], before: int) -> bool:
    """Whether an export of the trail, which opens sealed values, holds one of these events.

    Args:
        view: An open transaction.
        traces: The events.
        told: What the export's event says of it.
        before: The id of that event.
    """
    wanted = dict(told.get("filter") or {})
    for name in ("since", "until"):
        if name in wanted:
            wanted[name] = datetime.fromisoformat(str(wanted[name]))
    if "table" in wanted:
        wanted["table"] = audit_kin.table_named(wanted["table"])
    conditions = audit.conditions({**wanted, "actor": None}, None)
    subject_id = wanted.get("subject_id")
    if subject_id is not None:
        conditions.append(_c.subject_id == subject_id)
    ids = view.dialect.ids_in(_c.id, sorted(traces.who | traces.clear | traces.sealed))
    after = int(told.get("after_id") or 0)
    query = sa.select(_c.id).where(ids, _c.id > after, _c.id < before, *conditions).limit(1)
    return view.conn.scalar(query) is not None


def in_evidence(view: View, traces: Traces, told: Mapping[str, Any]) -> bool:
    """Whether an evidence bundle, which leaves values sealed, holds one of these events.

    One about a record that nothing names any more is taken to hold every event of its time.
    """
    ids = traces.clear | traces.who if told.get("who") else traces.clear
    with suppress(UnknownRecordError):
        ids = ids & audit_subjects.events_about(view, told["evidence"], str(told["name"])).keys()
    covered = (_c.seq.is_not(None), _c.seq < int(told["tree_size"]))
    query = sa.select(_c.id).where(view.dialect.ids_in(_c.id, sorted(ids)), *covered).limit(1)
    return view.conn.scalar(query) is not None
