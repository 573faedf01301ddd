"""A restore to scratch, for drills: the parts of a real one, with every folder of its own.

Nothing outside the scratch folder is written: versions, archives and images are put back in it, and
erasures are replayed there, from a copy of the ledger. The file of data keys is only read, and
never copied: a killed drill must not leave an older one to whoever looks for an erased person's.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from mlmcsc.adapters.backup_store import open_store
from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.bootstrap.opening import Database, open_database
from mlmcsc.bootstrap.restoring.house import House, RestoredDatabase
from mlmcsc.bootstrap.wiring import Services
from mlmcsc.config import Config
from mlmcsc.config.urls import sqlite_url
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.backups.drills import DrillCheck, ScratchReport
from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.restoring import Losses, RestoreReport, Wishes
from mlmcsc.domain.permissions import ALL_PERMISSIONS, Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.services.backup_drills.doors import Found, RestoreToScratch
from mlmcsc.services.restores import Restores
from mlmcsc.services.restores.ports import Ground, LiveFacts, Replayed
from mlmcsc.services.restores.sources import SetSource, open_set
from mlmcsc.store.backups.beside_files import FileGround
from mlmcsc.store.key_settings import PUBLIC_KEY, SIGNING_KEY, setting
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.erasure import ledgered

IMAGES = "images/"
NOT_HERE = frozenset({"safety backup", "swap"})
"""Steps of a restore that a drill has nothing to do in."""
OWN_FILES = ("versions/", "archives/")


def to_scratch(database: Database, actor: Actor) -> RestoreToScratch:
    """Restores backups of this database to scratch and checks them there."""
    # What is done there is done to a copy that nobody else sees, and that is gone afterwards.
    whole = replace(actor, permissions=ALL_PERMISSIONS)

    def restore(found: Found, folder: Path, progress: Progress) -> ScratchReport:
        return _Scratch(database, whole, found, folder, progress).report()

    return restore


@dataclass
class _Scratch:
    """One restore to scratch."""

    live: Database
    actor: Actor
    found: Found
    folder: Path
    progress: Progress
    steps: dict[str, float] = field(default_factory=dict)
    checks: list[DrillCheck] = field(default_factory=list)

    def report(self) -> ScratchReport:
        """Restore, check, tell."""
        source, config = self._source(), _apart(self.live.config, self.folder)
        outside = _copied_outside(self.live, self.folder)
        with self._place(source.manifest, config) as (ground, url):
            house = _ScratchHouse(self.live, outside, config, ground, self.actor)
            run = Restores(self.actor, ground, house, elsewhere=True, progress=self.progress)
            done = run.restore(source, Wishes())
            self.steps |= {step: s for step, s in done.steps.items() if step not in NOT_HERE}
            self._judge(source, done)
            with self._step("images"):
                self._images(source)
            with self._step("checks"):
                self._look(replace(open_database(url, config, create=False), **outside))
        return ScratchReport(self.steps, tuple(self.checks))

    @contextmanager
    def _place(self, manifest: Manifest, config: Config) -> Iterator[tuple[Ground, str]]:
        """A new file, or a new database on the server; and its URL."""
        if self.live.store.dialect.path is not None:
            file, wait = self.folder / "mlmcsc.db", config.database.busy_timeout_seconds
            yield FileGround.at(file, manifest.set_id, wait), sqlite_url(str(file))
            return
        from mlmcsc.store.backups.beside_postgresql import ServerGround
        from mlmcsc.store.backups.scratch_postgresql import scratch_database

        server = self.live.store.engine.url
        shown = server.render_as_string(hide_password=False)
        with scratch_database(server, manifest.database_id) as name:
            tools = config.backup.postgresql_tools
            ground = ServerGround(shown, name, manifest.set_id, tools)
            yield ground, server.set(database=name).render_as_string(hide_password=False)

    def _source(self) -> SetSource:
        store = self.live.store

        def open_key(key_id: str) -> MasterKey:
            with store.read() as view:
                return store.vault.keys(view).get(key_id)

        place = open_store(self.found.place)
        return open_set(place, self.found.entry.name, store.vault.crypto, open_key)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.steps[name] = time.monotonic() - begun

    def _check(self, name: str, message: str, *, passed: bool = True) -> None:
        self.checks.append(DrillCheck(name, passed, message))

    def _judge(self, source: SetSource, done: RestoreReport) -> None:
        """What the restore itself tells; what it refuses was raised."""
        tables = source.manifest.tables
        rows = sum(table.rows for table in tables.values())
        self._check("files", f"{len(source.files):,} stored files, every byte as signed")
        self._check("tables", f"{len(tables)} tables, {rows:,} rows, each as signed")
        self._check("integrity", "no damaged page, no row without its parent")
        keys, lost = done.keys_restored, len(done.keys_missing)
        told = f"names of {keys:,} people can be read"
        if lost:
            told += f", those of {lost:,} not: their data keys are in no file"
        self._check("people", told, passed=not lost)
        again, left = len(done.erased_again), len(done.not_erased)
        told = f"{again:,} people erased again" + (f", {left:,} could not be" if left else "")
        self._check("erasures", told, passed=not left)
        gone = [name for name in done.files_missing if name.startswith(OWN_FILES)]
        told = f"missing: {', '.join(gone[:3])}" if gone else f"{done.files_restored:,} put back"
        self._check("versions and archives", told, passed=not gone)

    def _images(self, source: SetSource) -> None:
        """Each is written and hashed, although the live ones are still there."""
        every = [file for file in source.files if file.name.startswith(IMAGES)]
        root = self.folder / "drilled-images"
        for at, file in enumerate(every):
            self.progress("restoring images", at, len(every))
            source.fetch(file, root / file.name, root)
        if every:
            self._check("images", f"{len(every):,} restored, every byte as signed")

    def _look(self, database: Database) -> None:
        """What the audit trail, the newest version and the archives say of the copy."""
        try:
            services = Services(database, self.actor)
            self._audit(services)
            self._version(database, services)
            self._archives(services)
        finally:
            database.store.close()

    def _audit(self, services: Services) -> None:
        self.progress("verifying the audit trail", 0, 1)
        trail = services.audit_proof.verify()
        told = f"{trail.verdict}: {trail.events:,} events, {trail.covered:,} under a checkpoint"
        faults = "; ".join(f.what for f in trail.findings[:3])
        passed = trail.verdict is not Verdict.TAMPERED
        self._check("audit trail", told if passed else f"{told}: {faults}", passed=passed)

    def _version(self, database: Database, services: Services) -> None:
        with database.store.read() as view:
            frozen = [each for each in version_queries.every(view) if each.frozen]
        if not frozen:
            return
        newest = frozen[-1].version
        done = services.version_checks.verify(newest, images=False, progress=self.progress)
        told = f"{done.rows:,} rows under the signed root"
        if not done.intact:
            told = f"{done.n_findings:,} findings, first: {done.findings[0].what}"
        self._check(f"version {newest}", told, passed=done.intact)

    def _archives(self, services: Services) -> None:
        for each in services.archives.list(verify=True, progress=self.progress):
            if each.state != "restored":
                told = each.problem or f"{each.archive.n_rows:,} rows, every byte as signed"
                self._check(f"archive {each.archive.name}", told, passed=each.problem is None)


class _ScratchHouse(House):
    """What belongs to the live database, as copies that may be written to."""

    def __init__(
        self, live: Database, outside: Outside, config: Config, ground: Ground, actor: Actor
    ) -> None:
        super().__init__(None, config, ground, actor, place=None)
        self._live, self._outside = live, outside

    def live(self) -> LiveFacts:
        """Who is to vouch for the backup; nothing of it is lost."""
        with self._live.store.read() as view:
            return LiveFacts(
                database_id=str(setting(view, "database_id")),
                public_key=view.vault.public_key(view),
                signing={key: setting(view, key) for key in (SIGNING_KEY, PUBLIC_KEY)},
                ledger_lines=frozenset(ledgered.lines(view)),
                losses=lambda _: Losses(None, None, None),
            )

    def ledger(self, database_id: str) -> ErasureLedger:
        """The copy."""
        del database_id
        return ErasureLedger(self._outside["ledger_file"])

    def data_keys(self, database_id: str) -> DataKeyFile:
        """The live one, which a restore reads and never writes."""
        del database_id
        return DataKeyFile(self._live.data_keys_file)

    def open(self, live: LiveFacts | None) -> RestoredDatabase:
        """With everything it reaches in the scratch folder."""
        opened = super().open(live)
        database = replace(opened.database, **self._outside)
        return _Scratched(database, opened.actor, opened.upgraded_from)


class _Scratched(RestoredDatabase):
    """The restored copy."""

    def replay(self) -> Replayed:
        """Erase again, but delete no exported files: those are the live database's."""
        erasure = Services(self.database, self.actor).erasure
        outside = replace(erasure.outside, remove_exported=lambda _exports, _names: ([], {}))
        done = replace(erasure, outside=outside).replay()
        applied = tuple(str(each.subject_id) for each in done.applied)
        return Replayed(applied, done.refused, done.untold)


class Outside(TypedDict):
    """The small files apart from the database and its backups."""

    ledger_file: Path | None
    data_keys_file: Path | None


def _copied_outside(live: Database, folder: Path) -> Outside:
    """A copy of the ledger; what the restored copy's erasures do to data keys is kept nowhere."""
    outside = folder / "outside"
    outside.mkdir(mode=0o700)

    ledger, copy = live.ledger_file, None
    if ledger is not None:
        copy = outside / ledger.name
        if ledger.exists():  # one that is missing is missing here too
            shutil.copyfile(ledger, copy)
            copy.chmod(0o600)
    return {"ledger_file": copy, "data_keys_file": None}


def _apart(config: Config, folder: Path) -> Config:
    """The settings, with every folder that they name in the scratch folder."""
    inside = {
        "versioning": {"directory": folder / "versions"},
        "retention": {"archive_directory": folder / "archives"},
        "database": {"image_store": folder / "images"},
        "performance": {"cache_directory": folder / "cache"},
    }
    changed = {
        name: getattr(config, name).model_copy(update=fields) for name, fields in inside.items()
    }
    return config.model_copy(update=changed)
