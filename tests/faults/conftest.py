"""A laboratory's audit trail, and an attacker with every right on the database."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.audit.checkpoint import Checkpoint
from mlmcsc.domain.audit.recomputing import StoredEvent
from mlmcsc.services.audit_proof.verifying import Held
from mlmcsc.store.queries import audit_rows, audit_tree, redaction


@dataclass(frozen=True)
class Laboratory:
    """What the attacker finds, and what lies outside their reach.

    Attributes:
        path: The database file.
        held: Its trail, in memory.
        rows: The trail's placed rows.
        tail: The other rows.
        outside: The checkpoint that is kept elsewhere.
        earlier: Copies of the whole file, made before the last checkpoints.
        verify: Checks a signature.
    """

    path: Path
    held: Held
    rows: list[StoredEvent]
    tail: list[StoredEvent]
    outside: Checkpoint
    earlier: list[Path]
    verify: Any


def held_by(view):
    """The whole trail of a database, in memory."""
    return Held(
        audit_tree.origin(view),
        audit_tree.own_key(view),
        audit_tree.checkpoints(view),
        list(audit_rows.placed(view)),
        list(audit_rows.unplaced(view)),
        audit_rows.last_id_given(view),
    )


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory, sqlite_template):
    folder = tmp_path_factory.mktemp("laboratory")
    path = folder / "lab.db"
    shutil.copy(sqlite_template, path)
    earlier = []
    for stage in range(3):
        with DatabaseManager(f"sqlite:///{path}") as db:
            for number in range(8):
                db.register_specimen(f"S{stage}-{number}", material="steel")
            db.register_technician(f"tech_{stage}", "Jo Lund", email="jo@example.org")
            db.specimens.add_many([{"specimen_id": f"B{stage}-{i}"} for i in range(5)])
            if stage == 1:
                with db._database.store.write(db.actor) as tx:
                    redaction.redact_payload(tx, audit_rows.audit_logs.c.id.in_([2, 3, 5]))
            outside = db.audit_proof.checkpoint()
        earlier.append(shutil.copy(path, folder / f"earlier-{stage}.db"))
    with DatabaseManager(f"sqlite:///{path}") as db, db._database.store.read() as view:
        held = held_by(view)
        crypto = view.vault.crypto
    rows, tail = (
        [StoredEvent(*row) for part in parts for row in part]
        for parts in (held.placed, held.unplaced)
    )
    return Laboratory(path, held, rows, tail, outside, earlier[:-1], crypto.verify)


@pytest.fixture
def kept():
    """Keeps what a fault test counted, where MLMCSC_FAULT_RESULTS names a folder.

    `make faults` names tests/faults/results.
    """

    def keep(test, case, counted):
        if "MLMCSC_FAULT_RESULTS" in os.environ:
            path = Path(os.environ["MLMCSC_FAULT_RESULTS"]) / f"{test}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            found = json.loads(path.read_text()) if path.exists() else {}
            found[case] = counted | {"at": datetime.now(UTC).isoformat(timespec="seconds")}
            path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")

    return keep
