"""Backups: made while everybody goes on working, listed, checked, pruned."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.backup_files import Coder
from mlmcsc.adapters.backup_store import BackupStore, open_store
from mlmcsc.domain.backups.manifest import Kind
from mlmcsc.domain.backups.names import checked_name, safety_name, scheduled_name
from mlmcsc.domain.backups.reports import (
    BackupEntry,
    BackupReport,
    PruneReport,
    ScrubReport,
    VerifyReport,
)
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.services.backups import listing, verifying
from mlmcsc.services.backups.creating import Making, Wish
from mlmcsc.services.backups.places import BackupPlaces
from mlmcsc.services.backups.pruning import Pruning
from mlmcsc.services.backups.scrubbing import Scrubbing
from mlmcsc.store.uow import Store

Place = str | Path


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one database.

    A place is a folder or `s3://bucket/prefix`; left out, it is that of the settings.
    """

    db: Store
    actor: Actor
    places: BackupPlaces

    @requires(Permission.BACKUP)
    def create(
        self,
        name: str | None = None,
        *,
        to: Place | None = None,
        full: bool = False,
        with_images: bool | None = None,
        encrypt: bool | None = None,
        compress: bool | None = None,
        kind: Kind = "manual",
        progress: Progress | None = None,
    ) -> BackupReport:
        """Make a backup; everybody goes on working meanwhile.

        In it are the database, the files of dataset versions and archives, the configuration
        without secrets, and on request image files. Contents that the place has from an earlier
        backup are not written again. It counts, and can be seen, when it is whole.

        Args:
            name: 1 to 100 letters, digits, '.', '_' or '-'; None: the time.
            to: Where it goes.
            full: Write everything anew, so that it shares nothing with earlier backups.
            with_images: Whether image files go in; None: as `backup.with_images` says.
            encrypt: AES-256-GCM under the master key; None: as `backup.encrypt` says.
            compress: Zstandard; None: as `backup.compression` says.
            kind: Why it is made.
            progress: Told of bytes.

        Raises:
            ValidationError: The name is none.
            UnsupportedError: Nobody says where backups go, or the database is in memory.
            ConflictError: There is a backup of this name, or somebody else holds the place.
            MissingKeyError: The master key that signs or encrypts is not here.
            StoreError: The place is full or cannot be written; nothing is left of it.
            IntegrityError: The place did not keep what was written; or the erasure ledger, or the
                file of data keys, is damaged or missing.
        """
        backup, now = self.places.backup, self.db.clock()
        if name is not None:
            checked_name(name)
        store = open_store(self.places.place(to, kind))
        if name is None:
            name = _free(safety_name(now) if kind == "safety" else scheduled_name(now), store)
        wish = Wish(
            name=name,
            kind=kind,
            full=full,
            with_images=backup.with_images if with_images is None else with_images,
            verify=backup.verify or "://" in store.place,
            coder=self._coder(
                compress=backup.compression if compress is None else compress,
                encrypt=backup.encrypt if encrypt is None else encrypt,
            ),
        )
        return Making(self.db, self.actor, self.places, store).create(wish, progress or quiet)

    def _coder(self, *, compress: bool, encrypt: bool) -> Coder:
        with self.db.read() as view:
            master = view.vault.keys(view).current() if encrypt else None
            return Coder(view.vault.crypto, compress, master)

    @requires(Permission.BACKUP)
    def list(self, to: Place | None = None) -> tuple[BackupEntry, ...]:
        """Every backup of a place, newest first: also damaged ones, and other databases'.

        Raises:
            UnsupportedError: Nobody says where backups are.
            StoreError: The place cannot be read.
        """
        return listing.entries(self.db, self._store(to))

    @requires(Permission.BACKUP)
    def show(self, name: str, to: Place | None = None) -> BackupEntry:
        """One backup.

        Raises:
            ValidationError: The name is none.
            UnknownRecordError: There is no such backup; the message lists what there is.
        """
        return listing.entry(self.db, self._store(to), name)

    @requires(Permission.BACKUP)
    def verify(
        self,
        name: str,
        to: Place | None = None,
        *,
        deep: bool = False,
        progress: Progress | None = None,
    ) -> VerifyReport:
        """Read a backup whole: signature, list of files, every stored byte.

        Args:
            name: Which.
            to: Where it is.
            deep: Decrypt and unpack everything too, and check the originals' hashes.
            progress: Told of bytes.

        Raises:
            ValidationError: The name is none.
            UnknownRecordError: There is no such backup; the message lists what there is.
            MissingKeyError: `deep`, and the master key is not here.
            StoreError: The place cannot be read.
        """
        store = self._store(to)
        report = verifying.verify(self.db, store, name, progress or quiet, deep=deep)
        verifying.remember(self.db, self.actor, store, report)
        return report

    @requires(Permission.BACKUP)
    def prune(
        self, *, to: Place | None = None, dry_run: bool = False, progress: Progress | None = None
    ) -> PruneReport:
        """Remove backups of this database that the settings `backup.*` do not keep.

        Kept are all younger than `retention_days`, the newest of the last weeks, months and years,
        the newest at all, and the newest that was verified and not found damaged since. What other
        databases have in the place, and what cannot be read, is left alone.

        Args:
            to: Where.
            dry_run: Say what would go, and do nothing.
            progress: Told how many are removed.

        Raises:
            ConflictError: Somebody else holds the place.
            StoreError: The place cannot be read or written; what stays is whole, run it again.
        """
        pruning = Pruning(self.db, self.actor, self._store(to), self.places.periods)
        return pruning.planned() if dry_run else pruning.prune(progress or quiet)

    @requires(Permission.BACKUP)
    def scrub(
        self, *, to: Place | None = None, repair: bool = False, progress: Progress | None = None
    ) -> ScrubReport:
        """Read everything in a place, and tell what is damaged, missing, or belongs to nothing.

        Args:
            to: Where.
            repair: Write damaged shared files anew where the database still has their content.
            progress: Told of bytes.

        Raises:
            ConflictError: Somebody else holds the place.
            StoreError: The place cannot be read.
        """
        scrubbing = Scrubbing(self.db, self.actor, self._store(to), self.places.roots)
        return scrubbing.scrub(progress or quiet, repairs=repair)

    def _store(self, to: Place | None) -> BackupStore:
        return open_store(self.places.place(to))


def _free(name: str, store: BackupStore) -> str:
    """The name of a backup that nobody named; two in one second are told apart."""
    return f"{name}_{secrets.token_hex(2)}" if name in store.names() else name
