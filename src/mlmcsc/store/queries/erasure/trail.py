"""People in the audit trail: their events, and others' events that name them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.store.models import audit_logs, technicians
from mlmcsc.store.queries import redaction, rows
from mlmcsc.store.queries.erasure import held
from mlmcsc.store.queries.erasure.naming import Names
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import subject_of

_c = audit_logs.c
SEALED = re.compile(r"mlmcsc:v1:p[0-9a-f]{24}:[\w=-]+")


def redact(
    tx: Transaction,
    people: Mapping[str, Person],
    names: Names,
    pseudonyms: Mapping[str, str],
) -> dict[str, dict[str, int]]:
    """Take people out of the trail; says how many events of each column lost something of each.

    Texts sealed under their own keys are left: they die with the keys. So are others' events under
    a legal hold: see `under_hold`.
    """
    found = _naming(tx, people, names, _free(tx))
    counts = {}
    for who, person in people.items():
        own = sum(redaction.redact_who(tx, each) for each in sorted(person.subject_ids))
        own += _forget_who(tx, _foreign(person), pseudonyms[who])
        counts[who] = _counts(own, len(found[who].reasons), len(found[who].payloads))
    reasons = sorted({event for each in found.values() for event in each.reasons})
    payloads = sorted({event for each in found.values() for event in each.payloads})
    _each(tx, redaction.redact_who, reasons)
    _each(tx, redaction.redact_payload, payloads)
    _overwrite_foreign(tx, reasons, payloads)
    return counts


def count(view: View, people: Mapping[str, Person], names: Names) -> dict[str, dict[str, int]]:
    """The same numbers, with nothing done."""
    found = _naming(view, people, names, _free(view))
    counts = {}
    for who, person in people.items():
        whole = _c.subject_id.in_(sorted(person.subject_ids)) & _c.who_salt.is_not(None)
        own = rows.count(view, audit_logs, whole) + rows.count(view, audit_logs, _foreign(person))
        counts[who] = _counts(own, len(found[who].reasons), len(found[who].payloads))
    return counts


def under_hold(view: View, people: Mapping[str, Person], names: Names) -> dict[str, int]:
    """How many events under a legal hold name each of the people."""
    kept = held.kept(view).get(audit_logs.name)
    if kept is None:
        return dict.fromkeys(people, 0)
    found = _naming(view, people, names, kept)
    return {who: len({*each.reasons, *each.payloads}) for who, each in found.items()}


def _free(view: View) -> sa.ColumnElement[bool]:
    kept = held.kept(view).get(audit_logs.name)
    return sa.true() if kept is None else kept.is_not(True)


def _counts(own: int, named: int, values: int) -> dict[str, int]:
    who = ("user_id", "reason", "ip_address", "user_agent", "who_salt")
    payload = ("old_values", "new_values", "payload_salt")
    counts = dict.fromkeys(who, own + named) | dict.fromkeys(payload, values)
    return {f"audit_logs.{name}": number for name, number in counts.items()}


def _each(tx: Transaction, redact_: Any, ids: list[int]) -> None:
    if ids:
        redact_(tx, tx.dialect.ids_in(_c.id, ids))


def _foreign(person: Person) -> sa.ColumnElement[bool]:
    """Events of the person that raw SQL wrote, which have no commitments and no subject id."""
    return _c.leaf.is_(None) & is_called(_c.user_id, person.identifiers)


def _forget_who(tx: Transaction, which: sa.ColumnElement[bool], user: Any) -> int:
    who = {"user_id": user, "reason": None, "ip_address": None, "user_agent": None}
    return int(tx.conn.execute(audit_logs.update().where(which).values(who)).rowcount)


def _overwrite_foreign(tx: Transaction, reasons: list[int], payloads: list[int]) -> None:
    """Others' events that raw SQL wrote: nothing is proven of them, so that none tells of it."""
    if reasons:
        _forget_who(tx, tx.dialect.ids_in(_c.id, reasons) & _c.leaf.is_(None), _c.user_id)
    if payloads:
        mine = tx.dialect.ids_in(_c.id, payloads) & _c.leaf.is_(None)
        values = {"old_values": sa.null(), "new_values": sa.null()}
        tx.conn.execute(audit_logs.update().where(mine).values(values))


@dataclass(slots=True)
class _Events:
    """Ids of events whose reason names a person, and of those whose values do."""

    reasons: list[int] = field(default_factory=list)
    payloads: list[int] = field(default_factory=list)


def _naming(
    view: View, people: Mapping[str, Person], names: Names, which: sa.ColumnElement[bool]
) -> dict[str, _Events]:
    found = {who: _Events() for who in people}
    going = {each: who for who, person in people.items() for each in person.subject_ids}
    entries = {(technicians.name, p.technician_row): who for who, p in people.items()}
    for chunk in _texts(view, which):
        sealed = _others_texts(view, chunk, set(going), names)
        for event in chunk:
            for who in names.named(event.reason):
                if going.get(event.subject_id) != who:  # their own events lose it anyway
                    found[who].reasons.append(event.id)
            values = [text for text in (event.old, event.new) if text is not None]
            named = {who for text in values for who in _named(text, names, sealed)}
            about = entries.get((event.table_name, event.record_id))
            # Values of the person's own entry, such as their experience, need not name them; the
            # events of an erasure hold none.
            if about is not None and values and event.operation != Operation.ERASE.value:
                named.add(about)
            for who in named:
                found[who].payloads.append(event.id)
    return found


def _texts(view: View, which: sa.ColumnElement[bool]) -> Iterator[list[Any]]:
    query = sa.select(
        _c.id,
        _c.operation,
        _c.subject_id,
        _c.table_name,
        _c.record_id,
        _c.reason,
        sa.cast(_c.old_values, sa.Text).label("old"),
        sa.cast(_c.new_values, sa.Text).label("new"),
    )
    told = sa.or_(*(column.is_not(None) for column in (_c.reason, _c.old_values, _c.new_values)))
    last = 0
    while True:
        page = query.where(told, which, _c.id > last).order_by(_c.id).limit(rows.CHUNK)
        found = list(view.conn.execute(page))
        if not found:
            return
        yield found
        last = found[-1].id


def _others_texts(view: View, chunk: list[Any], going: set[str], names: Names) -> dict[str, Any]:
    """The sealed texts of other people in these events, opened."""
    found = {
        text: None
        for row in chunk
        for value in (row.old, row.new)
        if value is not None
        for text in SEALED.findall(value)
        if subject_of(text) not in going
    }
    return dict(zip(found, names.opened(view, list(found)), strict=True))


def _named(text: str, names: Names, sealed: dict[str, Any]) -> list[str]:
    inner = [sealed[each] for each in SEALED.findall(text) if each in sealed]
    found = [who for each in inner for who in names.named(each)]
    return found + names.in_values(payload(text))


def payload(text: str) -> Any:
    """A stored payload without what is sealed in it; as text where somebody damaged it."""
    clear = SEALED.sub("", text)
    try:
        return orjson.loads(clear)
    except ValueError:
        return clear
