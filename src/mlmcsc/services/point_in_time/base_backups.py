"""Base backups: made, listed, removed, with the archived log that nobody needs any more."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_files import Coder
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.adapters.point_in_time import base as base_files
from mlmcsc.adapters.point_in_time.archiving import archive_command
from mlmcsc.adapters.point_in_time.tools import Tools
from mlmcsc.adapters.private_folder import private_folder
from mlmcsc.domain.backups.names import checked_name
from mlmcsc.domain.backups.point_in_time import Archiving, Base, log_still_needed
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import ConflictError, StoreError, UnsupportedError, ValidationError
from mlmcsc.services.point_in_time.making import Made, Making
from mlmcsc.services.point_in_time.sets import HERE, BaseSet, base_sets
from mlmcsc.store.backups.point_in_time import Server, server
from mlmcsc.store.key_settings import setting
from mlmcsc.store.queries import backup_drills as queries
from mlmcsc.store.uow import Store

PROGRAMS: Final = ("pg_basebackup", "pg_verifybackup")
ON: Final = frozenset({"on", "always"})
LEVELS: Final = frozenset({"replica", "logical"})
REMAINS: Final = timedelta(hours=24)
"""In a bucket, what is younger than this may be a set in the making."""


@dataclass(frozen=True, slots=True)
class BaseBackups:
    """Base backups of the server that the database is on, in one actor's name.

    Attributes:
        db: The database.
        actor: In whose name.
        open_place: From a place to its store; None: where the settings say.
        hold: Holds a place alone, for a purpose; it waits for whoever has it.
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
    hold: Callable[[BackupStore, str], AbstractContextManager[object]]
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
        held = self.hold(store, f"backup base {name}")
        with held, scratch(store, now) as folder:
            if any(entry for entry in store.entries(f"{HERE}/{name}/")):
                self._refuse_or_tidy(store, name)
            progress("copying the server's files", 0, 3)
            files = folder / "server"
            base_files.take(from_.dbname, from_.environ, files, Tools(self.tools), name)
            self.keep_data_keys()
            progress("writing the backup", 1, 3)
            made = making.write(name, files, from_, started_at=now)
            self._record(made)
            progress("writing the backup", 3, 3)
        return made.base

    @requires(Permission.BACKUP)
    def prune(
        self, keep: int, *, place: str | Path | None = None, dry_run: bool = False
    ) -> tuple[str, ...]:
        """Remove all but the newest base backups of a place, and the log that none needs any more.

        What is left of an erased person in them and in the log goes with them. Log that a base
        backup in another place needs stays: the audit trail tells of those.

        Returns:
            Names of the base backups.

        Raises:
            ValidationError: `keep` is less than 1.
        """
        if keep < 1:
            raise ValidationError(f"keep={keep}: keep at least 1 base backup.")
        store = self.open_place(place)
        if dry_run:
            return tuple(each.base.name for each in self._sets(store)[:-keep])
        with self.hold(store, "backup base --keep"):
            found = self._sets(store)
            gone, kept = found[:-keep], found[-keep:]
            for each in gone:
                here = f"{HERE}/{each.base.name}"
                store.remove([f"{here}/manifest.json"])  # first: what is left is no backup
                store.remove(entry.key for entry in list(store.entries(f"{here}/")))
            names = tuple(each.base.name for each in gone)
            if gone:
                with self.db.write(self.actor) as tx:
                    told = {"pruned": list(names), "place": store.place, "kind": "physical"}
                    tx.record(AuditEvent(Operation.BACKUP, "backups", None, None, told, n_rows=0))
            self._clean(store, [each.base for each in kept])
        return names

    def _clean(self, store: BackupStore, kept: Sequence[Base]) -> None:
        if self.archive is None or not kept:
            return
        with self.db.read() as view:
            oldest = log_still_needed(kept, queries.base_events(view), store.place)
        Tools(self.tools).run("pg_archivecleanup", str(self.archive), oldest)

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

    def _record(self, made: Made) -> None:
        told = made.base.to_dict() | {"kind": "physical", "manifest_sha256": made.sha256}
        with self.db.write(self.actor) as tx:
            tx.record(AuditEvent(Operation.BACKUP, "backups", None, None, told, n_rows=0))


@contextmanager
def scratch(store: BackupStore, now: datetime) -> Iterator[Path]:
    """A private folder for the server's files in clear; to be asked for while the place is held.

    What a killed run left goes first. In a folder it lies as an unfinished set does, so that
    whoever adds to the place next, or prunes it, removes it too.
    """
    try:
        store.tidy(now - REMAINS)
        if "://" in store.place:
            with private_folder(Path(tempfile.gettempdir()), "mlmcsc-base-") as folder:
                yield folder
            return
        folder = Path(store.place, f".incomplete-{uuid.uuid4().hex}")
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StoreError(
            f"A base backup needs a folder to work in ({store.place}): {error.strerror or error}."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
