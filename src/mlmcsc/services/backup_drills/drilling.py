"""One drill: restored to scratch, timed, written into the register, proven beside the set."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlmcsc.adapters.backup_store import open_store
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups import proof
from mlmcsc.domain.backups.drills import (
    DrillCheck,
    DrillReport,
    MadeBackup,
    ScratchReport,
    recovery_point,
)
from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.domain.backups.manifest import LARGEST, read_manifest
from mlmcsc.domain.backups.registered import SignedSet
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    MlmcscError,
    StoreError,
    UnknownRecordError,
    UnsupportedError,
)
from mlmcsc.services.backup_drills.doors import Doors, Found
from mlmcsc.services.backup_drills.scratch import scratch_folder
from mlmcsc.store.models import backup_drills, backups
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
        begun = time.monotonic()
        try:
            with scratch_folder(self.parent, self.prefix, entry.n_bytes or 0) as folder:
                begun = time.monotonic()
                told = self._restored(found, folder, progress)
                seconds = time.monotonic() - begun
        except (StoreError, UnsupportedError, OSError) as error:
            raise self._not_done(found, error) from error
        return self._recorded(found, started_at, told, seconds)

    def _restored(self, found: Found, folder: Path, progress: Progress) -> ScratchReport:
        try:
            return self.doors.restore(found, folder, progress)
        except MlmcscError as error:
            if _is_elsewhere(error):
                raise
            return _failed("restore", str(error))  # a disaster would meet it too

    def _not_done(self, found: Found, error: Exception) -> MlmcscError:
        """Keep that it was not done; neither the register nor a proof says anything of it."""
        name = found.entry.name
        told = {"backup": name, "place": found.place, "not_done": str(error)}
        with self.db.write(self.actor) as tx:
            tx.record(AuditEvent(Operation.BACKUP, backup_drills.name, None, None, told, n_rows=0))
        kind = UnsupportedError if isinstance(error, UnsupportedError) else StoreError
        return kind(
            f"The drill of {name} could not be done: {error} The backup itself was not judged; "
            "drill it again once that is mended."
        )

    def _recorded(
        self, found: Found, started_at: datetime, told: ScratchReport, seconds: float
    ) -> DrillReport:
        """Note the verdict and lay the proof beside the set, while nobody can remove it."""
        details = {
            "steps": dict(told.steps),
            "checks": [check.to_dict() for check in told.checks],
        }
        place = open_store(found.place)
        with ExitStack() as stack:
            if found.entry.state != "missing":
                stack.enter_context(self.doors.hold(place, f"backup drill {found.entry.name}"))
            manifest = _manifest(place, found)
            with self.db.write(self.actor) as tx:
                made = _registered(tx, found, manifest)
                rpo = recovery_point(queries.made(tx), made)
                values: dict[str, Any] = {
                    "started_at": started_at,
                    "passed": told.passed,
                    "rto_seconds": seconds,
                    "rpo_seconds": rpo,
                    "details": details,
                }
                drill_id = queries.add_drill(tx, made.id, values)
                register.set_checked(tx, made.id, whole=told.passed)
                document = _proof(made, values)
                signed = document.signed(lambda message: tx.vault.sign(tx, message))
            if manifest is not None:  # without it there is no set
                self._prove(place, made.name, document, signed)
        return DrillReport(drill_id, made.name, made.set_id, made.place, made.taken_at, **values)

    def _prove(self, place: BackupStore, name: str, document: proof.Proof, signed: bytes) -> None:
        """Lay the proof beside the set, and read it back."""
        key = f"{name}/{proof.FILE}"
        place.put_bytes(key, signed)
        with self.db.read() as view:
            public_key, verify = view.vault.public_key(view), view.vault.crypto.verify
        stored = place.get(key, proof.LARGEST)
        if proof.read_proof(stored, name, public_key, verify) != document:
            raise IntegrityError(
                f"{key} in {place.place} is not as it was written. Check the place."
            )


def _is_elsewhere(error: MlmcscError) -> bool:
    """Whether this computer failed, or the way to the place: that says nothing of the backup."""
    return type(error) in {StoreError, UnsupportedError}  # those below it are of what was restored


def _failed(what: str, problem: str | None) -> ScratchReport:
    check = DrillCheck(what, passed=False, message=problem or "it is not as it should be")
    return ScratchReport({}, (check,))


def _manifest(place: BackupStore, found: Found) -> bytes | None:
    """The manifest, as it was when the drill began: else nothing is known of what is there now.

    Raises:
        ConflictError: The backup was removed, or replaced, meanwhile.
    """
    entry = found.entry
    try:
        raw = place.get(f"{entry.name}/{MANIFEST}", LARGEST)
    except UnknownRecordError:
        raw = None
    sha256 = None if raw is None else hashlib.sha256(raw).hexdigest()
    if entry.state == "ok" and sha256 != entry.manifest_sha256:
        raise ConflictError(
            f"The backup {entry.name} was pruned while it was drilled. Drill another."
        )
    return raw


def _registered(tx: Transaction, found: Found, manifest: bytes | None) -> MadeBackup:
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
    if entry.set_id is None or entry.state != "ok" or manifest is None:
        raise IntegrityError(
            f"The backup {entry.name} in {found.place} is {entry.state}: {entry.problem} This "
            "database does not know of it, so that no drill of it can be kept."
        )
    promise, _ = read_manifest(manifest, entry.name, tx.vault.crypto.verify)
    sha256 = hashlib.sha256(manifest).hexdigest()
    register.register(tx, found.place, [SignedSet(entry.name, promise, sha256, None, dict)])
    made = queries.of_set(tx, entry.set_id)
    if made is None:
        raise IntegrityError(f"The backup {entry.name} could not be registered.")
    told = {"name": made.name, "place": made.place, "set_id": made.set_id, "was_forgotten": True}
    tx.record(AuditEvent(Operation.BACKUP, backups.name, made.id, new_values=told))
    return made


def _proof(made: MadeBackup, values: dict[str, Any]) -> proof.Proof:
    return proof.Proof(
        set_id=made.set_id,
        manifest_sha256=made.manifest_sha256,
        drilled_at=values["started_at"].isoformat(),
        passed=values["passed"],
        rto_seconds=values["rto_seconds"],
        rpo_seconds=values["rpo_seconds"],
    )
