"""Removing backups that nobody need keep; interrupted at any moment, what stays is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mlmcsc.adapters.backup_store.keys import LAYOUT, is_key
from mlmcsc.adapters.backup_store.store import BackupStore, Entry, Lease
from mlmcsc.domain.backups.keeping import Candidate, Periods, kept
from mlmcsc.domain.backups.manifest import FILE, Manifest
from mlmcsc.domain.backups.registered import moment
from mlmcsc.domain.backups.reports import Fault, KeptBackup, PrunedBackup, PruneReport
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError
from mlmcsc.services.backups.forgetting import forget
from mlmcsc.services.backups.listing import Evidence, evidence, register
from mlmcsc.services.backups.sets import (
    OBJECTS,
    FoundSet,
    Identity,
    every_set,
    files_of,
    identity,
    proof_of,
)
from mlmcsc.services.backups.waiting import held
from mlmcsc.store.uow import Store

_OBJECT: Final = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{64}(\.[A-Za-z0-9._-]+)?", re.ASCII)
REMOTE_REMAINS: Final = timedelta(hours=24)
"""Age from which what nobody refers to in a bucket is of a run that died."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes, what stays and why, and what nobody may judge."""

    going: tuple[FoundSet, ...]
    staying: tuple[FoundSet, ...]
    reasons: tuple[KeptBackup, ...]


@dataclass(frozen=True, slots=True)
class Pruning:
    """What pruning needs."""

    db: Store
    actor: Actor
    store: BackupStore
    periods: Periods

    def planned(self) -> PruneReport:
        """What `prune` would do."""
        own = identity(self.db)
        plan = self._plan(own)
        loose, problem = self._loose(plan.staying, own)
        going = [e for found in plan.going for e in self.store.entries(f"{found.name}/")]
        return self._report(plan, problem, [*going, *loose], len(loose), 0, dry_run=True)

    def prune(self, progress: Progress) -> PruneReport:
        """See `Backups.prune`."""
        with held(self.store, "backup prune", self.actor, progress) as lease:
            own = identity(self.db)
            tidied = self.store.tidy(self._guard())
            plan = self._plan(own)
            gone: list[Entry] = []
            for done, found in enumerate(plan.going, 1):
                gone += self._remove(found, lease)
                progress("removing backups", done, len(plan.going))
            loose, problem = self._loose(plan.staying, own)
            lease.check()
            self.store.remove(entry.key for entry in loose)
            forget(self.db, self.actor, self.store, plan.staying, own, tidied)
        return self._report(plan, problem, [*gone, *loose], len(loose), tidied, dry_run=False)

    def _plan(self, own: Identity) -> _Plan:
        sets = every_set(self.store, own)
        known = register(self.db)
        mine = [each for each in sets if each.state == "ok" and each.manifest is not None]
        candidates = [
            _candidate(each.manifest, evidence(each, known, proof_of(self.store, each, own)))
            for each in mine
            if each.manifest
        ]
        reasons = kept(candidates, self.db.clock(), self.periods)
        going = [s for s in mine if s.manifest and s.manifest.set_id not in reasons]
        told = [
            KeptBackup(s.name, moment(s.manifest.taken_at), reasons[s.manifest.set_id])
            for s in reversed(mine)
            if s.manifest and s.manifest.set_id in reasons
        ]
        names = {each.name for each in going}
        staying = tuple(each for each in sets if each.name not in names)
        return _Plan(tuple(going), staying, tuple(told))

    def _remove(self, found: FoundSet, lease: Lease) -> list[Entry]:
        """The manifest first: without it the rest is no backup, and the next run removes it."""
        lease.check()
        entries = [e for e in self.store.entries(f"{found.name}/") if is_key(e.key)]
        self.store.remove([f"{found.name}/{FILE}"])
        self.store.remove(entry.key for entry in entries)
        return entries

    def _loose(
        self, staying: Sequence[FoundSet], own: Identity
    ) -> tuple[list[Entry], Fault | None]:
        """Files that no set refers to; none where a set cannot tell what it refers to."""
        wanted: set[str] = set()
        for found in staying:
            try:
                wanted.update(file.key for file in files_of(self.store, found, own.crypto))
            except IntegrityError as error:
                what = f"cannot tell what it needs, so that no shared file was removed: {error}"
                return [], Fault(found.name, what)
        names = {found.name for found in staying}
        return [e for e in self._remains(names) if e.key not in wanted], None

    def _remains(self, names: set[str]) -> Iterator[Entry]:
        """Shared files, and files of sets without manifest; in a bucket only old ones."""
        guard = self._guard()
        for segment in self.store.names():
            if segment in names or segment in {"leases", "wal"}:
                continue
            if not is_key(segment):
                continue
            entries = [e for e in self.store.entries(f"{segment}/") if is_key(e.key)]
            if f"{segment}/" == OBJECTS:
                entries = [entry for entry in entries if _OBJECT.fullmatch(entry.key)]
            elif not {entry.key.split("/")[1] for entry in entries} <= LAYOUT:
                continue  # not what is left of a set that was being removed: somebody else's
            yield from (entry for entry in entries if entry.modified_at < guard)

    def _odd(self) -> list[Fault]:
        """Names at the top that no backup bears; what lies there is not looked into."""
        what = "is a name that no backup bears: somebody else put it there"
        return [Fault(ascii(name), what) for name in self.store.names() if not is_key(name)]

    def _guard(self) -> datetime:
        remote = "://" in self.store.place
        return self.db.clock() - REMOTE_REMAINS if remote else datetime.max.replace(tzinfo=UTC)

    def _report(
        self,
        plan: _Plan,
        problem: Fault | None,
        entries: Sequence[Entry],
        n_objects: int,
        tidied: int,
        *,
        dry_run: bool,
    ) -> PruneReport:
        others = [Fault(s.name, s.problem or s.state) for s in plan.staying if s.state != "ok"]
        return PruneReport(
            place=self.store.place,
            pruned=tuple(
                PrunedBackup(s.name, moment(s.manifest.taken_at), s.manifest.kind)
                for s in plan.going
                if s.manifest
            ),
            kept=plan.reasons,
            left_alone=(*others, *self._odd(), *([problem] if problem else [])),
            n_objects=n_objects,
            freed_bytes=sum(entry.n_bytes for entry in entries),
            tidied=tidied,
            dry_run=dry_run,
        )


def _candidate(manifest: Manifest, told: Evidence) -> Candidate:
    return Candidate(
        manifest.set_id, moment(manifest.taken_at), manifest.kind, told.proven, told.damaged
    )
