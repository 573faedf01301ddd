"""Verifying the whole audit trail, signing it, and proving one event of it."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measure import Row, seconds
from benchmarks.worlds import Worlds, open_db
from mlmcsc.domain.audit import commitments
from mlmcsc.domain.enums import Operation
from mlmcsc.store.models import audit_logs

ROUNDS = 5
TARGET = 200_000
CHUNK = 50_000


def run(worlds: Worlds) -> list[Row]:
    """Events verified per second, and how long a checkpoint and a proof take."""
    size = worlds.size(500_000)
    path = worlds.copy(worlds.medium, "audit")
    fill(path, size)
    with open_db(path) as db:
        signing = seconds(db.audit_proof.checkpoint)
        speeds = sorted(db.audit_proof.verify().events_per_second for _ in range(ROUNDS))
        proving = seconds(lambda: db.audit_proof.inclusion_proof(size // 2))
    worlds.remove(path)
    speed = speeds[ROUNDS // 2]
    return [
        Row(
            "audit",
            f"audit verify, {size} events: commitments, leaves, tree, signatures",
            speed,
            "events/s",
            target=f"≥ {TARGET:,} events/s",
            met=speed >= TARGET,
        ),
        Row("audit", f"audit checkpoint, {size} new events", signing, "s"),
        Row("audit", f"inclusion proof of one of {size} events", proving, "s"),
    ]


def fill(path: Path, size: int) -> None:
    """Add events as single labels leave them; through the API half a million would take minutes."""
    with open_db(path) as db:
        store = db._database.store  # noqa: SLF001  # no public call writes events alone
        with store.write(db.actor) as tx:
            subject = tx.vault.person(tx, db.actor.subject)
        for start in range(0, size, CHUNK):
            with store.write(db.actor) as tx:
                ids = tx.dialect.reserve_ids(tx.conn, audit_logs, min(CHUNK, size - start))
                moment = commitments.timestamp_text(tx.now)
                encode = tx.dialect.encoder(audit_logs.c.timestamp)
                at = tx.now if encode is None else encode(tx.now)
                rows = [_row(i, subject, db.actor.subject, moment, at) for i in ids.tolist()]
                tx.dialect.insert_rows(tx.conn, audit_logs, COLUMNS, rows)


COLUMNS = (
    "id",
    "operation",
    "table_name",
    "record_id",
    "user_id",
    "timestamp",
    "new_values",
    "n_rows",
    "subject_id",
    "who_salt",
    "who_commit",
    "payload_salt",
    "payload_commit",
    "leaf",
)


def _row(event_id: int, subject: str, user: str, moment: str, at: object) -> tuple[object, ...]:
    new = f'{{"image_id":{event_id},"technician_id":3,"label":0.87,"timestamp":"{moment}"}}'
    who_salt, payload_salt = os.urandom(16), os.urandom(16)
    who = commitments.who_commit(who_salt, user, None, None, None)
    payload = commitments.payload_commit(payload_salt, None, new)
    name = Operation.CREATE.value
    leaf = commitments.leaf(
        event_id, name, "labels", event_id, subject, moment, 1, None, who, payload
    )
    return (
        event_id,
        name,
        "labels",
        event_id,
        user,
        at,
        new,
        1,
        subject,
        who_salt,
        who,
        payload_salt,
        payload,
        leaf,
    )
