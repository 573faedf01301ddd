"""Sealing what lies in clear: rows from before there was a vault, or written by raw SQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import (
    SALT_BYTES,
    leaf,
    payload_commit,
    payload_text,
    timestamp_text,
    who_commit,
)
from mlmcsc.store.models import audit_logs, label_revisions, labels, subjects, technicians
from mlmcsc.store.trail import without_names
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import PREFIX

CHUNK = 5_000


def seal_everything(tx: Transaction) -> dict[str, int]:
    """Seal every personal text in clear and give events without commitments theirs.

    Returns:
        How many rows of each table were changed.
    """
    return {
        "technicians": seal_technicians(tx),
        "labels": _seal_notes(tx, labels, labels.c.technician_id, sa.select(labels)),
        "label_revisions": _seal_notes(
            tx,
            label_revisions,
            labels.c.technician_id,
            sa.select(label_revisions).join(labels, labels.c.id == label_revisions.c.label_id),
        ),
        "audit_logs": _commit_events(tx),
    }


def seal_technicians(tx: Transaction) -> int:
    """Give every technician a subject, and seal names and addresses that lie in clear."""
    c = technicians.c
    changed = 0
    query = sa.select(c.id, c.technician_id, c.name, c.email, c.department)
    for row in tx.conn.execute(query.where(~_is_erased())):
        subject_id = tx.vault.person(tx, row.technician_id, row.id)
        clear = {
            name: tx.vault.seal(tx, subject_id, getattr(row, name))
            for name in ("name", "email", "department")
            if _is_clear(getattr(row, name))
        }
        if clear:
            tx.conn.execute(technicians.update().where(c.id == row.id).values(**clear))
            changed += 1
    return changed


def _is_clear(text: Any) -> bool:
    return isinstance(text, str) and not text.startswith(PREFIX)


def _seal_notes(
    tx: Transaction, table: sa.Table, owner: sa.Column[Any], source: sa.Select[Any]
) -> int:
    """Seal the notes of a table under the key of the label's technician."""
    people = _subjects(tx)
    seal = tx.vault.sealer(tx, people.values())
    query = source.with_only_columns(table.c.id, owner, table.c.notes).where(
        table.c.notes.is_not(None),
        ~table.c.notes.startswith(PREFIX, autoescape=True),
        tx.dialect.ids_in(owner, people),
    )
    changed = 0
    for chunk in _by_id(tx, table, query):
        rows = [{"row_id": r[0], "notes": seal(people[r[1]], r[2])} for r in chunk]
        _update(tx, table, rows)
        changed += len(rows)
    return changed


def _is_erased() -> sa.ColumnElement[bool]:
    """Of technicians: they bear a pseudonym in clear, and are nobody to the vault."""
    s = subjects.c
    return sa.exists().where(s.technician_id == technicians.c.id, s.erased_at.is_not(None))


def _subjects(tx: Transaction) -> dict[int, str]:
    c = technicians.c
    found = tx.conn.execute(sa.select(c.id, c.technician_id).where(~_is_erased())).all()
    return {row.id: tx.vault.person(tx, row.technician_id, row.id) for row in found}


def _commit_events(tx: Transaction) -> int:
    """Seal and commit to the events from before there were commitments."""
    c = audit_logs.c
    query = sa.select(
        c.id,
        c.operation,
        c.table_name,
        c.record_id,
        c.user_id,
        c.timestamp,
        c.n_rows,
        c.digest,
        c.reason,
        c.ip_address,
        c.user_agent,
        c.old_values,
        c.new_values,
    ).where(c.leaf.is_(None))
    changed = 0
    owners = _Owners(tx)
    for chunk in _by_id(tx, audit_logs, query):
        rows = [_committed(tx, row, owners) for row in chunk]
        _update(tx, audit_logs, rows)
        changed += len(rows)
    return changed


class _Owners:
    """Whose key the personal values of an old event belong under."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._technicians = _subjects(tx)

    def sealed(self, event: Any, values: Any) -> Any:
        """The event's values with nothing personal in clear."""
        if not isinstance(values, dict):
            return values
        personal = [n for n in PERSONAL.get(event.table_name, ()) if _is_clear(values.get(n))]
        if personal:
            owner = self._owner(event)
            texts = {n: self._tx.vault.seal(self._tx, owner, values[n]) for n in personal}
            values = {**values, **texts}
        return without_names(self._tx, event.table_name, values)

    def _owner(self, event: Any) -> str:
        technician = event.record_id
        if event.table_name == "labels":
            query = sa.select(labels.c.technician_id).where(labels.c.id == event.record_id)
            technician = self._tx.conn.scalar(query)
        # Of a row that is gone nobody knows whose it was: it was told by the event's actor.
        known = self._technicians.get(technician)
        return known or self._tx.vault.person(self._tx, event.user_id)


PERSONAL = {"technicians": ("name", "email", "department"), "labels": ("notes",)}


def _committed(tx: Transaction, row: Any, owners: _Owners) -> dict[str, Any]:
    subject_id = tx.vault.person(tx, row.user_id)
    old, new = (owners.sealed(row, values) for values in (row.old_values, row.new_values))
    ip, agent = (
        tx.vault.seal(tx, subject_id, text) if _is_clear(text) else text
        for text in (row.ip_address, row.user_agent)
    )
    salts = secrets.token_bytes(2 * SALT_BYTES)
    who_salt, payload_salt = salts[:SALT_BYTES], salts[SALT_BYTES:]
    who = who_commit(who_salt, row.user_id, row.reason, ip, agent)
    payload = payload_commit(payload_salt, payload_text(old), payload_text(new))
    return {
        "row_id": row.id,
        "ip_address": ip,
        "user_agent": agent,
        "old_values": old,
        "new_values": new,
        "subject_id": subject_id,
        "who_salt": who_salt,
        "who_commit": who,
        "payload_salt": payload_salt,
        "payload_commit": payload,
        "leaf": leaf(
            row.id,
            row.operation,
            row.table_name,
            row.record_id,
            subject_id,
            timestamp_text(row.timestamp),
            row.n_rows,
            row.digest,
            who,
            payload,
        ),
    }


def _by_id(tx: Transaction, table: sa.Table, query: sa.Select[Any]) -> Iterator[list[Any]]:
    """The rows in chunks, each read before it is changed."""
    last = 0
    while True:
        page = query.where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        found = list(tx.conn.execute(page))
        if not found:
            return
        yield found
        last = found[-1].id


def _update(tx: Transaction, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    names = [name for name in rows[0] if name != "row_id"]
    statement = (
        table.update()
        .where(table.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(name) for name in names})
    )
    tx.conn.execute(statement, rows)
