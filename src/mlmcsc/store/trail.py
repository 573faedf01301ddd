"""Writing audit events: who did it, what is committed to, and nothing personal in clear."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mlmcsc.domain.audit.commitments import (
    SALT_BYTES,
    leaf,
    payload_commit,
    payload_text,
    timestamp_text,
    who_commit,
)
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.places import identifier_places
from mlmcsc.store.models import audit_logs
from mlmcsc.store.statements import insert_row
from mlmcsc.store.vault import Vault, is_clear
from mlmcsc.store.views import Writing


class Acting(Writing, Protocol):
    """An open transaction in somebody's name."""

    @property
    def actor(self) -> Actor:
        """In whose name."""
        ...

    @property
    def vault(self) -> Vault:
        """Seals personal texts."""
        ...


def write_events(tx: Acting, events: Sequence[AuditEvent]) -> None:
    """Write events in order, in the name of the transaction's actor."""
    if not events:
        return
    actor = tx.actor
    subject_id = tx.vault.person(tx, actor.subject)
    ip = tx.vault.seal(tx, subject_id, actor.ip)
    agent = tx.vault.seal(tx, subject_id, actor.user_agent)
    ids = tx.dialect.reserve_ids(tx.conn, audit_logs, len(events)).tolist()

    def sealed(name: str) -> str:
        return str(tx.vault.seal(tx, tx.vault.person(tx, name), name))

    for event_id, event in zip(ids, events, strict=True):
        old = payload_text(without_names(sealed, event.table, event.old_values))
        new = payload_text(without_names(sealed, event.table, event.new_values))
        row = {
            "id": event_id,
            "operation": event.operation.value,
            "table_name": event.table,
            "record_id": event.record_id,
            "user_id": actor.subject,
            "timestamp": tx.now,
            "old_values": old,
            "new_values": new,
            "reason": event.reason or actor.reason,
            "ip_address": ip,
            "user_agent": agent,
            "n_rows": event.n_rows,
            "digest": event.digest,
            "subject_id": subject_id,
        }
        insert_row(tx.conn, tx.dialect, audit_logs, row | commitments(row, old, new))


def commitments(event: Mapping[str, Any], old: str | None, new: str | None) -> dict[str, bytes]:
    """Fresh salts, both commitments and the leaf of an event.

    Args:
        event: Its other columns, as they are stored.
        old: The stored JSON text of `old_values`; None for an SQL NULL.
        new: Likewise.
    """
    salts = secrets.token_bytes(2 * SALT_BYTES)
    who_salt, payload_salt = salts[:SALT_BYTES], salts[SALT_BYTES:]
    told = (event[name] for name in ("user_id", "reason", "ip_address", "user_agent"))
    who = who_commit(who_salt, *told)
    payload = payload_commit(payload_salt, old, new)
    return {
        "who_salt": who_salt,
        "who_commit": who,
        "payload_salt": payload_salt,
        "payload_commit": payload,
        "leaf": leaf(
            event["id"],
            event["operation"],
            event["table_name"],
            event["record_id"],
            event["subject_id"],
            timestamp_text(event["timestamp"]),
            event["n_rows"],
            event["digest"],
            who,
            payload,
        ),
    }


def _names() -> dict[str, frozenset[str]]:
    found = {"labels": {"withdrawn_by"}}  # said in events only
    for place in identifier_places():
        table, _, column = place.partition(".")
        found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


_NAMES = _names()
"""Columns that name a person, by table: in clear there, sealed in events."""


def without_names(
    seal: Callable[[str], str], table: str, values: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The values with staff numbers and the like sealed.

    Args:
        seal: Seals a name under the key of whom it names.
        table: Whose row the values are of.
        values: Of an event, before or after.
    """
    names = _NAMES.get(table)
    if not values or not names or names.isdisjoint(values):
        return values
    texts = {name: values[name] for name in names & values.keys() if is_clear(values[name])}
    return {**values, **{name: seal(text) for name, text in texts.items()}}
