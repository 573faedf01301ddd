"""Writing audit events: who did it, what is committed to, and nothing personal in clear."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
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
from mlmcsc.store.vault import Vault, subject_of
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
    moment = timestamp_text(tx.now)
    for event_id, event in zip(ids, events, strict=True):
        reason = event.reason or actor.reason
        old = payload_text(without_names(tx, event.table, event.old_values))
        new = payload_text(without_names(tx, event.table, event.new_values))
        salts = secrets.token_bytes(2 * SALT_BYTES)
        who_salt, payload_salt = salts[:SALT_BYTES], salts[SALT_BYTES:]
        who = who_commit(who_salt, actor.subject, reason, ip, agent)
        payload = payload_commit(payload_salt, old, new)
        row = {
            "id": event_id,
            "operation": event.operation.value,
            "table_name": event.table,
            "record_id": event.record_id,
            "user_id": actor.subject,
            "timestamp": tx.now,
            "old_values": old,
            "new_values": new,
            "reason": reason,
            "ip_address": ip,
            "user_agent": agent,
            "n_rows": event.n_rows,
            "digest": event.digest,
            "subject_id": subject_id,
            "who_salt": who_salt,
            "who_commit": who,
            "payload_salt": payload_salt,
            "payload_commit": payload,
            "leaf": leaf(
                event_id,
                event.operation.value,
                event.table,
                event.record_id,
                subject_id,
                moment,
                event.n_rows,
                event.digest,
                who,
                payload,
            ),
        }
        insert_row(tx.conn, tx.dialect, audit_logs, row)


def _names() -> dict[str, frozenset[str]]:
    found = {"labels": {"withdrawn_by"}}  # said in events only
    for place in identifier_places():
        table, _, column = place.partition(".")
        found.setdefault(table, set()).add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


_NAMES = _names()
"""Columns that name a person, by table: in clear there, sealed in events."""


def without_names(
    tx: Acting, table: str, values: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The values, with staff numbers and the like sealed under the key of whom they name."""
    names = _NAMES.get(table)
    if not values or not names or names.isdisjoint(values):
        return values
    sealed = dict(values)
    for name in names & values.keys():
        value = values[name]
        if isinstance(value, str) and subject_of(value) is None:
            sealed[name] = tx.vault.seal(tx, tx.vault.person(tx, value), value)
    return sealed
