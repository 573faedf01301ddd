"""The person in the audit trail: their events, and others' events that name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.store.models import audit_logs, technicians
from mlmcsc.store.queries import redaction, rows
from mlmcsc.store.queries.erasure.people import Person
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import subject_of

_c = audit_logs.c
_SEALED = re.compile(r"mlmcsc:v1:p[0-9a-f]{24}:[\w=-]+")


def redact(tx: Transaction, person: Person, mentions: Mentions) -> dict[str, int]:
    """Take the person out of the trail; says how many events of each column lost something.

    Texts sealed under the person's own keys are left: they die with the keys.
    """
    going = set(person.subject_ids)
    reasons, payloads = _naming(tx, person, mentions)
    own = sum(redaction.redact_who(tx, subject_id) for subject_id in sorted(going))
    named = _each(tx, redaction.redact_who, reasons)
    values = _each(tx, redaction.redact_payload, payloads)
    _overwrite_foreign(tx, reasons, payloads)
    return _counts(own, named, values)


def count(view: View, person: Person, mentions: Mentions) -> dict[str, int]:
    """The same numbers, with nothing done."""
    going = set(person.subject_ids)
    reasons, payloads = _naming(view, person, mentions)
    whole = _c.subject_id.in_(sorted(going)) & _c.who_salt.is_not(None)
    own = rows.count(view, audit_logs, whole)
    others = rows.count(
        view, audit_logs, view.dialect.ids_in(_c.id, reasons), _c.subject_id.not_in(sorted(going))
    )
    return _counts(own, others, len(payloads))


def _counts(own: int, named: int, values: int) -> dict[str, int]:
    who = ("user_id", "reason", "ip_address", "user_agent", "who_salt")
    payload = ("old_values", "new_values", "payload_salt")
    counts = dict.fromkeys(who, own + named) | dict.fromkeys(payload, values)
    return {f"audit_logs.{name}": number for name, number in counts.items()}


def _each(tx: Transaction, redact_: Any, ids: list[int]) -> int:
    if not ids:
        return 0
    return int(redact_(tx, tx.dialect.ids_in(_c.id, ids)))


def _overwrite_foreign(tx: Transaction, reasons: list[int], payloads: list[int]) -> None:
    """Events that raw SQL wrote have no commitments, and may be changed."""
    for ids, values in (
        (reasons, {"reason": None}),
        (payloads, {"old_values": None, "new_values": None}),
    ):
        if ids:
            mine = tx.dialect.ids_in(_c.id, ids) & _c.leaf.is_(None)
            tx.conn.execute(audit_logs.update().where(mine).values(**values))


def _naming(view: View, person: Person, mentions: Mentions) -> tuple[list[int], list[int]]:
    """Ids of events whose reason names the person, and of those whose values do."""
    reasons, payloads = [], []
    entry = (technicians.name, person.technician_row)
    for chunk in _texts(view):
        sealed = _others_texts(view, chunk, set(person.subject_ids))
        for event in chunk:
            values = [text for text in (event.old, event.new) if text is not None]
            if event.reason in mentions:
                reasons.append(event.id)
            # Values of the person's own entry, such as their experience, need not name them.
            about = values and (event.table_name, event.record_id) == entry
            if about or any(_names(text, mentions, sealed) for text in values):
                payloads.append(event.id)
    return reasons, payloads


def _texts(view: View) -> Iterator[list[Any]]:
    query = sa.select(
        _c.id,
        _c.table_name,
        _c.record_id,
        _c.reason,
        sa.cast(_c.old_values, sa.Text).label("old"),
        sa.cast(_c.new_values, sa.Text).label("new"),
    )
    told = sa.or_(*(column.is_not(None) for column in (_c.reason, _c.old_values, _c.new_values)))
    last = 0
    while True:
        page = query.where(told, _c.id > last).order_by(_c.id).limit(rows.CHUNK)
        found = list(view.conn.execute(page))
        if not found:
            return
        yield found
        last = found[-1].id


def _others_texts(view: View, chunk: list[Any], going: set[str]) -> dict[str, str]:
    """The sealed texts of other people in these events, opened."""
    found = {
        text: None
        for row in chunk
        for value in (row.old, row.new)
        if value is not None
        for text in _SEALED.findall(value)
        if subject_of(text) not in going
    }
    return dict(zip(found, view.vault.unseal(view, list(found)), strict=True))


def _names(text: str, mentions: Mentions, sealed: dict[str, str]) -> bool:
    if text in mentions:
        return True
    return any(sealed[each] in mentions for each in _SEALED.findall(text) if each in sealed)
