"""Events from before there were commitments get theirs, once, before anybody can rely on them.

That is inside the transaction that upgrades schema 0001, or that adopts a database of the original
system. Nothing else commits to an event that mlmcsc did not write: it would turn a forged row into
a proven one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import payload_text
from mlmcsc.store.models import audit_logs, labels, technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.trail import commitments, without_names
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import is_clear

CHUNK: Final = 5_000
PERSONAL: Final = {"technicians": ("name", "email", "department"), "labels": ("notes",)}
TRIGGER: Final = "audit_logs_no_update"
PLAIN: Final = (
    "id",
    "operation",
    "table_name",
    "record_id",
    "user_id",
    "timestamp",
    "n_rows",
    "digest",
    "reason",
    "ip_address",
    "user_agent",
)


def commit_old_events(tx: Transaction) -> int:
    """Seal and commit to every event without commitments; how many there were.

    Only for rows that came with a schema or a program that had no commitments, in the transaction
    that brings them here.
    """
    c = audit_logs.c
    query = sa.select(*(c[name] for name in (*PLAIN, "old_values", "new_values")))
    changed = 0
    keys = _Keys(tx)
    technicians_ = _technicians(tx)
    with _changeable(tx.conn):
        for chunk in rows.by_id(tx, audit_logs, query.where(c.leaf.is_(None)), CHUNK):
            owners = technicians_ | _owners_of_labels(tx, chunk, technicians_)
            rows.update_many(tx, audit_logs, [_committed(row, keys, owners) for row in chunk])
            changed += len(chunk)
    return changed


@contextmanager
def _changeable(conn: sa.Connection) -> Iterator[None]:
    """Without the trigger that forbids it; an error undoes the transaction, and so this too."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"ALTER TABLE {audit_logs.name} DISABLE TRIGGER {TRIGGER}")
        yield
        conn.exec_driver_sql(f"ALTER TABLE {audit_logs.name} ENABLE TRIGGER {TRIGGER}")
        return
    named = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    made_by = conn.scalars(named, {"name": TRIGGER}).one()
    conn.exec_driver_sql(f"DROP TRIGGER {TRIGGER}")
    yield
    conn.exec_driver_sql(made_by)


class _Keys:
    """Subject ids and sealing functions, looked up once for each person."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._people: dict[str, str] = {}
        self._seals: dict[str, Callable[[str, str], str]] = {}

    def person(self, identifier: str) -> str:
        """The subject id of the person so called."""
        if identifier not in self._people:
            self._people[identifier] = self._tx.vault.person(self._tx, identifier)
        return self._people[identifier]

    def seal(self, subject_id: str, text: Any) -> Any:
        """A text in clear, sealed; anything else as it is."""
        if not is_clear(text):
            return text
        if subject_id not in self._seals:
            self._seals[subject_id] = self._tx.vault.sealer(self._tx, [subject_id])
        return self._seals[subject_id](subject_id, text)

    def name(self, name: str) -> str:
        """A staff number or the like, sealed under the key of whom it names."""
        return str(self.seal(self.person(name), name))


Owners = dict[tuple[str, int], str]
"""Staff number of whom a row, by table and id, is about."""


def _technicians(tx: Transaction) -> Owners:
    found = tx.conn.execute(sa.select(technicians.c.id, technicians.c.technician_id))
    return {(technicians.name, row.id): row.technician_id for row in found}


def _owners_of_labels(tx: Transaction, events: Sequence[Any], staff: Owners) -> Owners:
    ids = {e.record_id for e in events if e.table_name == labels.name and e.record_id is not None}
    query = sa.select(labels.c.id, labels.c.technician_id)
    found = tx.conn.execute(query.where(tx.dialect.ids_in(labels.c.id, list(ids))))
    return {
        (labels.name, row.id): staff[technicians.name, row.technician_id]
        for row in found
        if (technicians.name, row.technician_id) in staff
    }


def _committed(row: Any, keys: _Keys, owners: Owners) -> dict[str, Any]:
    subject_id = keys.person(row.user_id)
    # Of a row that is gone nobody knows whose it was: it was told by the event's actor.
    owner = owners.get((row.table_name, row.record_id), row.user_id)
    old, new = (_sealed(row, v, keys, owner) for v in (row.old_values, row.new_values))
    event = {name: getattr(row, name) for name in PLAIN} | {
        "subject_id": subject_id,
        "ip_address": keys.seal(subject_id, row.ip_address),
        "user_agent": keys.seal(subject_id, row.user_agent),
    }
    made = commitments(event, payload_text(old), payload_text(new))
    changed = {n: event[n] for n in ("subject_id", "ip_address", "user_agent")}
    return {"row_id": row.id, "old_values": old, "new_values": new, **changed, **made}


def _sealed(row: Any, values: Any, keys: _Keys, owner: str) -> Any:
    """The event's values with nothing personal in clear."""
    if not isinstance(values, dict):
        return values
    personal = [n for n in PERSONAL.get(row.table_name, ()) if is_clear(values.get(n))]
    texts = {name: keys.seal(keys.person(owner), values[name]) for name in personal}
    return without_names(keys.name, row.table_name, {**values, **texts})
