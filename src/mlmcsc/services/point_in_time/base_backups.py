"""Base backups: made, listed, removed, with the archived log that nobody needs any more."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_files import Coder
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.adapters.point_in_time import base as base_files
from mlmcsc.adapters.point_in_time.archiving import archive_command
from mlmcsc.adapters.point_in_time.tools import Tools
from mlmcsc.domain.backups.names import checked_name
from mlmcsc.domain.backups.point_in_time import Archiving, Base
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import ConflictError, StoreError, UnsupportedError, ValidationError
from mlmcsc.services.point_in_time.making import Made, Making
from mlmcsc.services.point_in_time.sets import HERE, BaseSet, base_sets
from mlmcsc.store.backups.point_in_time import Server, server
from mlmcsc.store.key_settings import setting
from mlmcsc.store.uow import Store

PROGRAMS: Final = ("pg_basebackup", "pg_verifybackup")
ON: Final = frozenset({"on", "always"})
LEVELS: Final = frozenset({"replica", "logical"})


@dataclass(frozen=True, slots=True)
class BaseBackups:
    """Base backups of the server that the database is on, in one actor's name.

    Attributes:
        db: The database.
        actor: In whose name.
        open_place: From a place to its store; None: where the settings say.
        archive: Folder of the archived log, `backup.wal_archive`.
        tools: Folder of PostgreSQL's programs.
        ledger: The erasure ledger.
        keep_data_keys: Brings the file of people's data keys up to date: it tells, at a restore,
            whose signature to believe.
        release: The mlmcsc that is running.
    """

    db: Store
    actor: Actor
    open_place: Callable[[str | Path | None], BackupStore]
    archive: Path | None
    tools: Path | None
    ledger: ErasureLedger
    keep_data_keys: Callable[[], object]
    release: str

    @requires(Permission.BACKUP)
    def archiving(self) -> Archiving:
        """Whether the server keeps its log, and what to set if it does not.

        Raises:
            UnsupportedError: The database is on no server.
        """
        with self.db.read() as view:
            return self._archiving(server(view))

    @requires(Permission.BACKUP)
    def list(self, place: str | Path | None = None) -> tuple[Base, ...]:
        """The base backups of this database, oldest first."""
        return tuple(each.base for each in self._sets(self.open_place(place)))

    @requires(Permission.BACKUP)
    def create(
        self,
        name: str | None = None,
        *,
        place: str | Path | None = None,
        encrypt: bool = True,
        progress: Progress = quiet,
    ) -> Base:
        """Copy the server's files while it works.

        Unlike other backups this one holds the wrapped data keys of people, for it is the server's
        own files: so it is encrypted unless you say otherwise.

        Args:
            name: A name; None: `base_` and the time.
            place: Folder or `s3://bucket/prefix`; None: where the settings say.
            encrypt: Under the current master key (AES-256-GCM).
            progress: Told each step.

        Raises:
            ValidationError: It is no name.
            ConflictError: There is a backup of this name.
            UnsupportedError: No server, one that does not archive, or with table spaces; or the
                programs are missing.
            MissingKeyError: The master key is not here.
            StoreError: It cannot be made; nothing is left that looks like a backup.
        """
        now = self.db.clock()
        name = checked_name(f"base_{now:%Y%m%dT%H%M%SZ}" if name is None else name)
        store = self.open_place(place)
        with self.db.read() as view:
            from_ = server(view)
            self._refuse_unfit(from_)
            vault = view.vault
            master = vault.keys(view).current() if encrypt else None
        coder = Coder(vault.crypto, compress=True, master=master)
        making = Making(self.db, store, coder, self.ledger, self.release)
        with self._held(store, f"backup base {name}"), scratch(store, uuid.uuid4().hex) as folder:
            if any(entry for entry in store.entries(f"{HERE}/{name}/")):
                self._refuse_or_tidy(store, name)
            progress("copying the server's files", 0, 3)
            files = folder / "server"
            base_files.take(from_.dbname, from_.environ, files, Tools(self.tools), name)
            self.keep_data_keys()
            progress("writing the backup", 1, 3)
            made = making.write(name, files, from_, started_at=now)
            progress("writing the backup", 3, 3)
        self._record(made)
        return made.base

    @requires(Permission.BACKUP)
    def prune(
        self, keep: int, *, place: str | Path | None = None, dry_run: bool = False
    ) -> tuple[str, ...]:
        """Remove all but the newest base backups, and the archived log that none of them needs.

        What is left of an erased person in them and in the log goes with them.

        Returns:
            Names of the base backups.

        Raises:
            ValidationError: `keep` is less than 1.
        """
        if keep < 1:
            raise ValidationError(f"keep={keep}: keep at least 1 base backup.")
        store = self.open_place(place)
        found = self._sets(store)
        gone, kept = found[:-keep], found[-keep:]
        names = tuple(each.base.name for each in gone)
        if dry_run or not gone:
            return names
        with self._held(store, "backup base --keep"):
            for each in gone:
                here = f"{HERE}/{each.base.name}"
                store.remove([f"{here}/manifest.json"])  # first: what is left is no backup
                store.remove(entry.key for entry in list(store.entries(f"{here}/")))
            if self.archive is not None and kept:
                oldest = min(each.base.first_log for each in kept)
                Tools(self.tools).run("pg_archivecleanup", str(self.archive), oldest)
        with self.db.write(self.actor) as tx:
            told = {"pruned": list(names), "place": store.place, "kind": "physical"}
            tx.record(AuditEvent(Operation.BACKUP, "backups", None, None, told, n_rows=0))
        return names

    def _sets(self, store: BackupStore) -> tuple[BaseSet, ...]:
        with self.db.read() as view:
            own, key = str(setting(view, "database_id")), view.vault.public_key(view)
            verify = view.vault.crypto.verify
        return tuple(each for each in base_sets(store, verify, own) if each.public_key == key)

    def _archiving(self, found: Server) -> Archiving:
        now = found.settings
        wanted = {"wal_level": "replica", "archive_mode": "on"}
        if self.archive is not None:
            wanted["archive_command"] = archive_command(self.archive)
        missing = []
        if self.archive is None:
            missing.append("backup.wal_archive names no folder for the archived log")
        if now.get("wal_level") not in LEVELS:
            missing.append(f"wal_level is {now.get('wal_level')}: set it to replica, restart")
        if now.get("archive_mode") not in ON:
            missing.append(f"archive_mode is {now.get('archive_mode')}: set it to on, restart")
        elif now.get("archive_command") in {"", "(disabled)"}:
            missing.append("archive_command is empty: set it, reload")
        if found.last_failed_at is not None and (
            found.last_archived_at is None or found.last_failed_at > found.last_archived_at
        ):
            missing.append(
                f"archive_command fails since {found.last_failed_at:%Y-%m-%d %H:%M:%S}: see the "
                "server's log"
            )
        return Archiving(
            wanted,
            tuple(missing),
            found.last_archived,
            found.last_archived_at,
            found.n_failed,
            found.last_failed_at,
        )

    def _refuse_unfit(self, found: Server) -> None:
        missing = self._archiving(found).missing
        if missing:
            raise UnsupportedError(
                f"A base backup is of use only with the log after it: {'; '.join(missing)}. "
                "`mlmcsc backup archiving` shows what to set."
            )
        if found.table_spaces:
            raise UnsupportedError(
                f"This server has {found.table_spaces} table spaces of its own, which lie outside "
                "its folder; mlmcsc cannot put them back. Use pgBackRest or Barman for it."
            )
        for program in PROGRAMS:
            found.must_have(program, self.tools)

    def _refuse_or_tidy(self, store: BackupStore, name: str) -> None:
        """A name is never used twice; what a killed run left of it is no backup, and goes."""
        here = f"{HERE}/{name}/"
        if store.size(f"{here}manifest.json") is not None:
            raise ConflictError(
                f"{store.place} has a base backup {name!r} already; it is never overwritten. "
                "Choose another name."
            )
        store.remove(entry.key for entry in list(store.entries(here)))

    @contextmanager
    def _held(self, store: BackupStore, purpose: str) -> Iterator[None]:
        holder = f"{self.actor.subject} on {socket.gethostname()}, process {os.getpid()}"
        with store.leased(purpose, holder):
            yield

    def _record(self, made: Made) -> None:
        told = made.base.to_dict() | {"kind": "physical", "manifest_sha256": made.sha256}
        with self.db.write(self.actor) as tx:
            tx.record(AuditEvent(Operation.BACKUP, "backups", None, None, told, n_rows=0))


@contextmanager
def scratch(store: BackupStore, set_id: str) -> Iterator[Path]:
    """A private folder, on the place's disk where that is a folder; a killed run's is tidied."""
    remote = "://" in store.place
    try:
        if not remote:
            Path(store.place).mkdir(mode=0o700, parents=True, exist_ok=True)
        parent = None if remote else store.place
        folder = Path(tempfile.mkdtemp(prefix=f".incomplete-{set_id}-", dir=parent))
    except OSError as error:
        raise StoreError(f"{store.place}: cannot be written: {error.strerror or error}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
