"""Reading a whole place: every file of every set, and what belongs to none."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.manifest import FILE
from mlmcsc.domain.backups.proof import FILE as PROOF
from mlmcsc.domain.backups.reports import Fault, ScrubReport, megabytes_a_second
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError
from mlmcsc.services.backups.gathering import Roots
from mlmcsc.services.backups.reading import read_back
from mlmcsc.services.backups.repairing import Repaired, repair
from mlmcsc.services.backups.sets import (
    OBJECTS,
    FoundSet,
    Identity,
    every_set,
    files_of,
    identity,
    signed_sets,
)
from mlmcsc.services.backups.telling import Meter
from mlmcsc.services.backups.waiting import held
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store

NOT_OURS_TO_READ: Final = ("leases/", "wal/")


@dataclass(frozen=True, slots=True)
class Scrubbing:
    """What scrubbing needs."""

    db: Store
    actor: Actor
    store: BackupStore
    roots: Roots

    def scrub(self, progress: Progress, *, repairs: bool) -> ScrubReport:
        """See `Backups.scrub`."""
        begun = time.monotonic()
        own = identity(self.db)
        listed = self._listed(own, progress)
        meter = Meter(progress, "reading", sum(f.stored_bytes for f in listed.files.values()))
        wrong = {
            file.key: (file, what)
            for file, what in read_back(self.store, listed.files.values(), meter.more)
            if what is not None
        }
        wrong = self._still_wanted(wrong, own)
        done = (
            self._repaired([file for file, _ in wrong.values()], progress)
            if repairs
            else Repaired()
        )
        faults = [Fault(key, what) for key, (_, what) in sorted(wrong.items())]
        seconds = time.monotonic() - begun
        n_bytes = sum(file.stored_bytes for file in listed.files.values())
        report = ScrubReport(
            place=self.store.place,
            n_sets=listed.n_sets,
            n_files=len(listed.files),
            n_bytes=n_bytes,
            seconds=seconds,
            rate=megabytes_a_second(n_bytes, seconds),
            faults=(*listed.faults, *faults),
            unknown=tuple(sorted(listed.unknown)),
            repaired=tuple(sorted(done.anew)),
            removed=tuple(sorted(done.removed)),
        )
        self._remember(report, self._whole(listed, wrong.keys() - done.anew, own))
        return report

    def _listed(self, own: Identity, progress: Progress) -> _Listed:
        """All that sets refer to; held, so that no set is half made or half removed."""
        files: dict[str, StoredFile] = {}
        faults: list[Fault] = []
        known: set[str] = set()
        ours: list[FoundSet] = []
        with held(self.store, "backup scrub", self.actor, progress):
            sets = every_set(self.store, own)
            for found in sets:
                known |= {f"{found.name}/{FILE}", f"{found.name}/{PROOF}"}
                if found.problem is not None and found.state != "another database's":
                    faults.append(Fault(f"{found.name}/{FILE}", found.problem))
                if found.manifest is None:
                    continue
                known.add(found.manifest.index.key)
                try:
                    files |= {file.key: file for file in files_of(self.store, found, own.crypto)}
                except IntegrityError as error:
                    faults.append(Fault(found.manifest.index.key, str(error)))
                if found.state == "ok":
                    ours.append(found)
            unreadable = tuple(f"{s.name}/" for s in sets if s.manifest is None)
            unknown = {
                entry.key
                for entry in self.store.entries()
                if entry.key not in files
                and entry.key not in known
                and not entry.key.startswith((*NOT_OURS_TO_READ, *unreadable))
            }
        if faults:  # what a damaged list refers to is not known to be superfluous
            unknown = {key for key in unknown if not key.startswith(OBJECTS)}
        return _Listed(files, tuple(faults), frozenset(unknown), len(sets), tuple(ours))

    def _still_wanted(
        self, wrong: Mapping[str, tuple[StoredFile, str]], own: Identity
    ) -> dict[str, tuple[StoredFile, str]]:
        """Without files of sets that were pruned while we read."""
        if not wrong:
            return {}
        now: set[str] = set()
        for found in every_set(self.store, own):
            try:
                now |= {file.key for file in files_of(self.store, found, own.crypto)}
            except IntegrityError:
                return dict(wrong)  # it was told already; nobody knows what it refers to
        return {key: each for key, each in wrong.items() if key in now}

    def _whole(self, listed: _Listed, wrong: Collection[str], own: Identity) -> dict[str, bool]:
        """Of every set of ours that was read, by its id, whether each of its files is right."""
        told = {}
        for found in listed.ours:
            if found.manifest is None or self.store.size(f"{found.name}/{FILE}") is None:
                continue  # pruned while we read
            try:
                whole = not wrong or set(wrong).isdisjoint(
                    file.key for file in files_of(self.store, found, own.crypto)
                )
                whole = whole and found.manifest.index.key not in listed.unlisted
            except IntegrityError:
                whole = False
            told[found.manifest.set_id] = whole
        return told

    def _repaired(self, files: Iterable[StoredFile], progress: Progress) -> Repaired:
        shared = [file for file in files if file.key.startswith(OBJECTS)]
        if not shared:
            return Repaired()
        with held(self.store, "backup scrub --repair", self.actor, progress):
            return repair(self.db, self.store, self.roots, shared)

    def _remember(self, report: ScrubReport, whole: Mapping[str, bool]) -> None:
        told = {
            "place": report.place,
            "n_sets": report.n_sets,
            "n_files": report.n_files,
            "faults": len(report.faults),
            "repaired": list(report.repaired),
            "removed": list(report.removed),
        }
        changed = report.repaired or report.removed
        operation = Operation.REPAIR if changed else Operation.VERIFY
        signed = signed_sets(self.store, identity(self.db))
        with self.db.write(self.actor) as tx:
            queries.register(tx, self.store.place, signed)
            for row in queries.known(tx):
                if row.set_id in whole:
                    found = {"name": row.name, "whole": whole[row.set_id]}
                    queries.set_checked(tx, row.id, whole=whole[row.set_id])
                    tx.record(AuditEvent(Operation.VERIFY, "backups", row.id, None, found))
            tx.record(AuditEvent(operation, "backups", None, None, told, n_rows=report.n_sets))


@dataclass(frozen=True, slots=True)
class _Listed:
    files: Mapping[str, StoredFile]
    faults: tuple[Fault, ...]
    unknown: frozenset[str]
    n_sets: int
    ours: tuple[FoundSet, ...]

    @property
    def unlisted(self) -> frozenset[str]:
        """Lists of files that cannot be read."""
        return frozenset(fault.name for fault in self.faults)
