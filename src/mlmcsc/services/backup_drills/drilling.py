"""One drill: restored to scratch, timed, written into the register, proven beside the set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlmcsc.adapters.backup_store import open_store
from mlmcsc.domain.backups import proof
from mlmcsc.domain.backups.drills import (
    DrillCheck,
    DrillReport,
    MadeBackup,
    ScratchReport,
    recovery_point,
)
from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import ConflictError, IntegrityError, MlmcscError
from mlmcsc.services.backup_drills.doors import Doors, Found
from mlmcsc.services.backup_drills.scratch import scratch_folder
from mlmcsc.store.models import backups
from mlmcsc.store.queries import backup_drills as queries
from mlmcsc.store.queries import backups as register
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill of any backup needs.

    Attributes:
        db: The open database; nothing of it is read while a backup is restored.
        actor: In whose name.
        doors: Of the other services.
        parent: Where the scratch folder is made.
        prefix: Of its name.
    """

    db: Store
    actor: Actor
    doors: Doors
    parent: Path
    prefix: str

    def of(self, found: Found, progress: Progress) -> DrillReport:
        """Drill one backup; see `BackupDrills.drill`."""
        entry, started_at = found.entry, self.db.clock()
        with self.db.read() as view:
            view.vault.sign(view, b"")  # a lost key is told before hours of work
        if entry.state in {"damaged", "missing"}:
            return self._recorded(found, started_at, _failed("manifest", entry.problem), 0.0)
        if entry.state != "ok":
            raise IntegrityError(
                f"The backup {entry.name} in {found.place} is {entry.state}: {entry.problem} Drill "
                "it from the database that made it."
            )
        with scratch_folder(self.parent, self.prefix, entry.n_bytes or 0) as folder:
            begun = time.monotonic()
            told = self._restored(found, folder, progress)
            seconds = time.monotonic() - begun
        return self._recorded(found, started_at, told, seconds)

    def _restored(self, found: Found, folder: Path, progress: Progress) -> ScratchReport:
        try:
            return self.doors.restore(found, folder, progress)
        except MlmcscError as error:  # what a disaster would meet: that is the drill's finding
            self._refuse_pruned(found)
            return _failed("restore", str(error))

    def _refuse_pruned(self, found: Found) -> None:
        """Somebody may have pruned it under our hands: that says nothing about it."""
        with self.db.read() as view:
            made = queries.of_set(view, found.entry.set_id or "")
        if made is not None and made.pruned_at is not None:
            raise ConflictError(
                f"The backup {found.entry.name} was pruned while it was drilled. Drill another."
            )

    def _recorded(
        self, found: Found, started_at: datetime, told: ScratchReport, seconds: float
    ) -> DrillReport:
        details = {
            "steps": dict(told.steps),
            "checks": [check.to_dict() for check in told.checks],
        }
        with self.db.write(self.actor) as tx:
            made = _registered(tx, found)
            rpo = recovery_point(queries.made(tx), made)
            values: dict[str, Any] = {
                "started_at": started_at,
                "passed": told.passed,
                "rto_seconds": seconds,
                "rpo_seconds": rpo,
                "details": details,
            }
            drill_id = queries.add_drill(tx, made.id, values)
            document = _proof(made, values)
            signed = document.signed(lambda message: tx.vault.sign(tx, message))
        self._prove(made, document, signed)
        return DrillReport(drill_id, made.name, made.set_id, made.place, made.taken_at, **values)

    def _prove(self, made: MadeBackup, document: proof.Proof, signed: bytes) -> None:
        """Lay the proof beside the set, and read it back."""
        place = open_store(made.place)
        if place.size(f"{made.name}/{MANIFEST}") is None:
            return  # without its manifest there is no set
        key = f"{made.name}/{proof.FILE}"
        place.put_bytes(key, signed)
        with self.db.read() as view:
            public_key, verify = view.vault.public_key(view), view.vault.crypto.verify
        stored = place.get(key, proof.LARGEST)
        if proof.read_proof(stored, made.name, public_key, verify) != document:
            raise IntegrityError(
                f"{key} in {made.place} is not as it was written. Check the place."
            )


def _failed(what: str, problem: str | None) -> ScratchReport:
    check = DrillCheck(what, passed=False, message=problem or "it is not as it should be")
    return ScratchReport({}, (check,))


def _registered(tx: Transaction, found: Found) -> MadeBackup:
    """Its row; made from the signed manifest where the database was restored from before it."""
    entry = found.entry
    known = [
        each
        for each in queries.made(tx)
        if (each.set_id == entry.set_id)
        or (entry.set_id is None and (each.name, each.place) == (entry.name, found.place))
    ]
    if known:
        return known[-1]
    if entry.set_id is None or entry.state != "ok":
        raise IntegrityError(
            f"The backup {entry.name} in {found.place} is {entry.state}: {entry.problem} This "
            "database does not know of it, so that no drill of it can be kept."
        )
    values: dict[str, Any] = {
        "name": entry.name,
        "place": found.place,
        "set_id": entry.set_id,
        "kind": entry.kind,
        "taken_at": entry.taken_at,
        "finished_at": entry.finished_at,
        "n_bytes": entry.n_bytes,
        "new_bytes": entry.new_bytes,
        "encrypted": entry.encrypted,
        "with_images": entry.with_images,
        "manifest_sha256": entry.manifest_sha256,
    }
    row_id = register.enter(tx, values)
    told = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}
    tx.record(AuditEvent(Operation.BACKUP, backups.name, row_id, new_values=told))
    found_again = queries.of_set(tx, entry.set_id)
    if found_again is None:
        raise IntegrityError(f"The backup {entry.name} could not be registered.")
    return found_again


def _proof(made: MadeBackup, values: dict[str, Any]) -> proof.Proof:
    return proof.Proof(
        set_id=made.set_id,
        manifest_sha256=made.manifest_sha256,
        drilled_at=values["started_at"].isoformat(),
        passed=values["passed"],
        rto_seconds=values["rto_seconds"],
        rpo_seconds=values["rpo_seconds"],
    )
