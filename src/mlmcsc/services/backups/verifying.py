"""Reading a backup whole: every stored byte, and on request every original byte."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mlmcsc.adapters.backup_files import read_stored
from mlmcsc.adapters.backup_store.store import BackupStore, Told
from mlmcsc.domain.backups.manifest import FILE, FILES
from mlmcsc.domain.backups.proof import FILE as PROOF
from mlmcsc.domain.backups.reports import Fault, VerifyReport, megabytes_a_second
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError, UnknownRecordError
from mlmcsc.services.backups.reading import faults_of, threads
from mlmcsc.services.backups.sets import FoundSet, files_of, identity, one_set, signed_sets
from mlmcsc.services.backups.telling import Meter
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store


def verify(
    db: Store, store: BackupStore, name: str, progress: Progress, *, deep: bool
) -> VerifyReport:
    """See `Backups.verify`."""
    begun = time.monotonic()
    own = identity(db)
    found = one_set(store, name, own)
    faults: list[Fault] = []
    files: list[StoredFile] = []
    if found.state != "ok":
        faults.append(Fault(f"{name}/{FILE}", found.problem or found.state))
    meter = Meter(progress, "reading", 0)
    try:
        files = files_of(store, found, own.crypto) if found.manifest else []
    except IntegrityError as error:
        faults.append(Fault(f"{name}/{FILES}", str(error)))
    meter.expect(sum(file.stored_bytes for file in files))
    if deep and files:
        faults += _deep_faults(db, store, found, files, meter.more)
    else:
        faults += faults_of(store, files, meter.more)
    faults += _contradictions(store, found, files)
    seconds, n_bytes = time.monotonic() - begun, sum(file.stored_bytes for file in files)
    return VerifyReport(
        name=name,
        place=store.place,
        state=found.state,
        n_files=len(files),
        n_bytes=n_bytes,
        seconds=seconds,
        rate=megabytes_a_second(n_bytes, seconds),
        deep=deep,
        faults=tuple(faults),
    )


def remember(db: Store, actor: Actor, store: BackupStore, report: VerifyReport) -> None:
    """Note of a backup of this database that every byte was right, or that one was not."""
    own = identity(db)
    signed = signed_sets(store, own, report.name)
    if not signed:
        return  # not ours, or its manifest is damaged: `list` tells that anew each time
    with db.write(actor) as tx:
        queries.register(tx, store.place, signed)
        row = queries.by_set(tx, signed[0].manifest.set_id)
        if row is None:
            return
        queries.set_checked(tx, row.id, whole=report.whole)
        told = {
            "name": report.name,
            "whole": report.whole,
            "deep": report.deep,
            "n_files": report.n_files,
            "faults": len(report.faults),
        }
        tx.record(AuditEvent(Operation.VERIFY, "backups", row.id, None, told))


def _deep_faults(
    db: Store, store: BackupStore, found: FoundSet, files: Sequence[StoredFile], told: Told
) -> list[Fault]:
    """Stored bytes and what comes out of them.

    Raises:
        MissingKeyError: The master key is not here.
    """
    with db.read() as view:
        keys, crypto = view.vault.keys(view), view.vault.crypto
    set_id = found.manifest.set_id if found.manifest else ""

    def wrong(file: StoredFile) -> str | None:
        try:
            for _ in read_stored(store.read(file.key), file, set_id, keys.get, crypto):
                pass
        except UnknownRecordError:
            return "is missing"
        except IntegrityError as error:
            return str(error)
        told(file.stored_bytes)
        return None

    with ThreadPoolExecutor(threads(store)) as pool:
        problems = zip(files, pool.map(wrong, files), strict=True)
        return [Fault(file.key, what) for file, what in problems if what]


def _contradictions(
    store: BackupStore, found: FoundSet, files: Sequence[StoredFile]
) -> list[Fault]:
    """What the list and the manifest say of each other, and files that are in neither."""
    manifest = found.manifest
    if manifest is None or not files:
        return []
    listed = {file.key for file in files} | {manifest.index.key}
    allowed = listed | {f"{found.name}/{FILE}", f"{found.name}/{PROOF}"}
    faults = [
        Fault(entry.key, "belongs to nothing: the manifest does not list it")
        for entry in store.entries(f"{found.name}/")
        if entry.key not in allowed
    ]
    sums = (len(files), sum(file.n_bytes for file in files))
    if sums != (manifest.n_files, manifest.n_bytes):
        faults.append(Fault(manifest.index.key, "does not list what the manifest counted"))
    return faults
