"""Making a backup: taken beside, checked, and only then given its name."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.backup_files import Coder
from mlmcsc.adapters.backup_store.disk import disk_errors
from mlmcsc.adapters.backup_store.store import BackupStore, Lease
from mlmcsc.adapters.private_folder import private_folder
from mlmcsc.domain.backups.manifest import FILE, Kind, LedgerPosition, Manifest
from mlmcsc.domain.backups.registered import moment, path_of
from mlmcsc.domain.backups.reports import BackupReport, Fault, megabytes_a_second
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import ConflictError, IntegrityError, MlmcscError, StoreError
from mlmcsc.services.backups.gathering import gather
from mlmcsc.services.backups.index import write_index
from mlmcsc.services.backups.lately import read_lately
from mlmcsc.services.backups.places import BackupPlaces
from mlmcsc.services.backups.remembering import remember
from mlmcsc.services.backups.room import refuse_without_room
from mlmcsc.services.backups.sets import (
    every_set,
    identity,
)
from mlmcsc.services.backups.sharing import Shared
from mlmcsc.services.backups.telling import Meter
from mlmcsc.services.backups.waiting import held
from mlmcsc.services.backups.writing import SetWriter
from mlmcsc.store.backups.estimating import estimated_bytes
from mlmcsc.store.backups.snapshot import Snapshot, take
from mlmcsc.store.queries.backups import frozen_versions
from mlmcsc.store.queries.erasure import ledgered
from mlmcsc.store.uow import Store

REMOTE_REMAINS: Final = timedelta(hours=24)
"""Age from which files of a set without manifest in a bucket are of a run that died."""
SCRATCH: Final = "scratch"
BUCKET_SCRATCH: Final = "mlmcsc-backup-"
"""Begins the name of the folder where a bucket's backup is made; erasures look for it."""
CONFIGURATION: Final = "configuration/config.json"
LEFT_OUT: Final = "configuration/left_out.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made.

    Attributes:
        name: What it will be called.
        kind: Why it is made.
        full: Whether everything is written anew, so that it shares nothing with earlier ones.
        with_images: Whether image files go in.
        verify: Whether it is read back before it counts.
        coder: How files are written.
    """

    name: str
    kind: Kind
    full: bool
    with_images: bool
    verify: bool
    coder: Coder


@dataclass(frozen=True, slots=True)
class Made:
    """A set that is whole.

    Attributes:
        manifest: What it promises.
        sha256: SHA-256 (hex) of the manifest file.
        files: What it lists.
        left_out: What could not be taken.
        versions: Ids of dataset versions that were there before the snapshot was taken.
        written_anew: Shared files of earlier sets that were damaged.
        n_unread: Files that the place had, and that were not read.
    """

    manifest: Manifest
    sha256: str
    files: tuple[StoredFile, ...]
    left_out: tuple[Fault, ...]
    versions: frozenset[int]
    written_anew: tuple[Fault, ...]
    n_unread: int


@dataclass(frozen=True, slots=True)
class Making:
    """What making a backup needs.

    Attributes:
        db: The database.
        actor: In whose name.
        places: Folders, files, settings.
        store: Where it goes.
    """

    db: Store
    actor: Actor
    places: BackupPlaces
    store: BackupStore

    def create(self, wish: Wish, progress: Progress) -> BackupReport:
        """See `Backups.create`."""
        begun = time.monotonic()
        with (
            disk_errors(self.store.place, f"making {wish.name}"),
            held(self.store, f"backup create {wish.name}", self.actor, progress) as lease,
        ):
            self.store.tidy(self.db.clock() - REMOTE_REMAINS)
            made = self._made(wish, lease, progress)
            report = self._report(wish, made, time.monotonic() - begun)
            # Still held, so that nobody prunes it before it is noted.
            return self._noted(report, made)

    def _report(self, wish: Wish, made: Made, seconds: float) -> BackupReport:
        manifest = made.manifest
        n_unread = made.n_unread if wish.verify else manifest.n_files
        return BackupReport(
            name=wish.name,
            set_id=manifest.set_id,
            place=self.store.place,
            path=path_of(self.store.place, wish.name),
            taken_at=moment(manifest.taken_at),
            seconds=seconds,
            n_bytes=manifest.n_bytes,
            new_bytes=manifest.new_bytes,
            stored_bytes=manifest.stored_bytes,
            n_files=manifest.n_files,
            encrypted=wish.coder.master is not None,
            with_images=wish.with_images,
            verified=n_unread == 0,
            n_unread=n_unread,
            rate=megabytes_a_second(manifest.n_bytes, seconds),
            left_out=made.left_out,
            written_anew=made.written_anew,
        )

    def _noted(self, report: BackupReport, made: Made) -> BackupReport:
        try:
            remember(
                self.db,
                self.actor,
                report,
                made.manifest,
                made.files,
                made.sha256,
                made.versions,
            )
        except StoreError as error:  # the set is whole, and tells all of this itself
            return replace(report, not_recorded=str(error))
        return report

    def _made(self, wish: Wish, lease: Lease, progress: Progress) -> Made:
        set_id = uuid.uuid4().hex
        own = identity(self.db)
        shared = Shared(self.store, set_id, wish.coder.key_id, wish.full, own.crypto)
        sets = every_set(self.store, own)
        shared.learn(sets)
        lately = (
            read_lately(self.db, self.store, sets, own)
            if wish.verify and not wish.full
            else frozenset()
        )
        staged = self.store.staged(wish.name, set_id)
        meter = Meter(progress, "backing up", 0)
        writer = SetWriter(
            self.store,
            wish.name,
            set_id,
            staged,
            Path(),
            wish.coder,
            shared,
            meter.more,
            lease,
            checks=wish.verify,
            lately=lately,
        )
        try:
            with _scratch(self.store, staged) as writer.scratch:
                made = self._written(wish, writer, meter, progress)
            self.store.publish(wish.name, staged)
        except BaseException as error:
            _undone(writer, error)
            raise
        return made

    def _written(self, wish: Wish, writer: SetWriter, meter: Meter, progress: Progress) -> Made:
        ledger = self._ledger()
        with self.db.read() as view:
            versions = frozenset(each.id for each in frozen_versions(view))
            n_database = estimated_bytes(view)
        n_bytes = n_database * (1 if wish.coder.coding == "plain" else 2)
        refuse_without_room(
            self.db, self.places.roots, writer, n_bytes, with_images=wish.with_images
        )
        copying = Meter(progress, "copying the database", n_database)
        tools = self.places.backup.postgresql_tools
        files: list[StoredFile] = []

        def keep(names: Iterable[str]) -> None:
            paths = {name: writer.scratch / name for name in names}
            meter.expect(sum(path.stat().st_size for path in paths.values()))
            files.extend(writer.own_many(paths))

        snapshot = take(self.db, writer.scratch, tools=tools, told=copying.more, written=keep)
        gathered = gather(self.db, self.places.roots, with_images=wish.with_images)
        meter.expect(sum(source.n_bytes or 0 for source in gathered.sources.values()))
        common, changed = writer.shared_many(gathered.sources.values())
        left_out = (*gathered.left_out, *changed)
        files += common
        files += self._configuration(writer, left_out)
        self.places.keep_data_keys()  # before the set counts: without them it shows no name
        manifest, sha256 = self._sealed(wish, writer, snapshot, ledger, files, progress)
        anew = tuple(writer.wrong[key] for key in sorted(writer.wrong))
        n_unread = sum(file.key in writer.unread for file in files)
        return Made(manifest, sha256, tuple(files), left_out, versions, anew, n_unread)

    def _ledger(self) -> LedgerPosition:
        """Read before the snapshot is taken, so that no line is claimed that came later."""
        with self.db.read() as view:
            public_key, verify = view.vault.public_key(view), view.vault.crypto.verify
            known = ledgered.lines(view)
        return LedgerPosition(
            *self.places.ledger.position(
                lambda message, signature: verify(public_key, signature, message), known
            )
        )

    def _configuration(self, writer: SetWriter, left_out: tuple[Fault, ...]) -> list[StoredFile]:
        documents = {CONFIGURATION: self.places.configuration}
        if left_out:
            told = [fault.to_dict() for fault in left_out]
            documents[LEFT_OUT] = orjson.dumps(told, option=orjson.OPT_INDENT_2)
        written = []
        for name, content in documents.items():
            path = writer.scratch / Path(name).name
            path.write_bytes(content)
            written.append(writer.own(name, path))
        return written

    def _sealed(
        self,
        wish: Wish,
        writer: SetWriter,
        snapshot: Snapshot,
        ledger: LedgerPosition,
        files: list[StoredFile],
        progress: Progress,
    ) -> tuple[Manifest, str]:
        """Write the list, read everything back, and sign; SHA-256 (hex) of the manifest."""
        path, index = write_index(files, writer.scratch, wish.name, writer.set_id, wish.coder)
        writer.put(index, path)
        if wish.verify:
            _read_back(writer, Meter(progress, "reading back", 0))
        manifest = Manifest(
            set_id=writer.set_id,
            name=wish.name,
            kind=wish.kind,
            database_id=snapshot.database_id,
            engine=snapshot.engine,
            server_version=snapshot.server_version,
            schema_revision=snapshot.schema_revision,
            release=self.places.release,
            taken_at=snapshot.taken_at.isoformat(),
            finished_at=self.db.clock().isoformat(),
            with_images=wish.with_images,
            ledger=ledger,
            tables=snapshot.tables,
            index=index,
            n_files=len(files),
            n_bytes=sum(file.n_bytes for file in files),
            stored_bytes=sum(file.stored_bytes for file in files) + index.stored_bytes,
            new_bytes=sum(file.stored_bytes for file in writer.written),
        )
        with self.db.read() as view:
            raw = manifest.signed(lambda message: view.vault.sign(view, message))
        if not self.store.put_bytes(f"{writer.staged}/{FILE}", raw, new=True):
            raise ConflictError(f"{self.store.place} has a backup {wish.name!r} by now.")
        return manifest, hashlib.sha256(raw).hexdigest()


def _read_back(writer: SetWriter, meter: Meter) -> None:
    problems = writer.problems(meter)
    if problems:
        told = "; ".join(f"{each.name} {each.problem}" for each in problems[:3])
        raise IntegrityError(
            f"{writer.store.place} did not keep what was written: {told}. The backup was "
            "taken back. Check the disk, and use another one with --to."
        )


@contextmanager
def _scratch(store: BackupStore, staged: str) -> Iterator[Path]:
    """On the place's own disk where it is a folder, so that files need only be renamed."""
    if "://" in store.place:
        with private_folder(Path(tempfile.gettempdir()), BUCKET_SCRATCH) as elsewhere:
            yield elsewhere
        return
    folder = Path(store.place, staged, SCRATCH)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror or error}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _undone(writer: SetWriter, error: BaseException) -> None:
    """Leave nothing that looks like a backup; what cannot be removed now, the next run removes."""
    try:
        if writer.store.size(f"{writer.name}/{FILE}") is not None:
            error.add_note(f"{writer.name} has its name for all that, and is left as it is.")
            return  # what it refers to must stay
        writer.undo()
        writer.store.tidy(datetime.min.replace(tzinfo=UTC))
    except MlmcscError as failure:
        error.add_note(f"Its remains could not be removed: {failure}")
