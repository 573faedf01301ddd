"""Reading a whole place: every file of every set, and what belongs to none."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.manifest import FILE
from mlmcsc.domain.backups.reports import Fault, ScrubReport, megabytes_a_second
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError
from mlmcsc.services.backups.gathering import Roots
from mlmcsc.services.backups.reading import read_back
from mlmcsc.services.backups.repairing import repair
from mlmcsc.services.backups.sets import OBJECTS, PROOF, Identity, every_set, files_of, identity
from mlmcsc.services.backups.telling import Meter
from mlmcsc.services.backups.waiting import held
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
        listed = self._listed(own)
        meter = Meter(progress, "reading", sum(f.stored_bytes for f in listed.files.values()))
        wrong = {
            file.key: (file, what)
            for file, what in read_back(self.store, listed.files.values(), meter.more)
            if what is not None
        }
        wrong = self._still_wanted(wrong, own)
        repaired = self._repaired([file for file, _ in wrong.values()]) if repairs else {}
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
            repaired=tuple(sorted(key for key, done in repaired.items() if done)),
        )
        self._remember(report)
        return report

    def _listed(self, own: Identity) -> _Listed:
        """All that sets refer to; held, so that no set is half made or half removed."""
        files: dict[str, StoredFile] = {}
        faults: list[Fault] = []
        known: set[str] = set()
        with held(self.store, "backup scrub", self.actor):
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
        return _Listed(files, tuple(faults), frozenset(unknown), len(sets))

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

    def _repaired(self, files: Iterable[StoredFile]) -> dict[str, bool]:
        shared = [file for file in files if file.key.startswith(OBJECTS)]
        if not shared:
            return {}
        with held(self.store, "backup scrub --repair", self.actor):
            return repair(self.db, self.store, self.roots, shared)

    def _remember(self, report: ScrubReport) -> None:
        told = {
            "place": report.place,
            "n_sets": report.n_sets,
            "n_files": report.n_files,
            "faults": len(report.faults),
            "repaired": list(report.repaired),
        }
        operation = Operation.REPAIR if report.repaired else Operation.VERIFY
        with self.db.write(self.actor) as tx:
            tx.record(AuditEvent(operation, "backups", None, None, told, n_rows=report.n_sets))


@dataclass(frozen=True, slots=True)
class _Listed:
    files: Mapping[str, StoredFile]
    faults: tuple[Fault, ...]
    unknown: frozenset[str]
    n_sets: int
