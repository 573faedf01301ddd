"""What belongs to the database that is restored, and the restored one while it is beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.bootstrap.opening import Database, open_database
from mlmcsc.bootstrap.opening import _copy_name as copy_name
from mlmcsc.bootstrap.wiring import Services
from mlmcsc.config import (
    Config,
    archive_folder,
    cache_folder,
    data_keys_file,
    image_store,
    ledger_file,
    redact_url,
    version_folder,
)
from mlmcsc.domain.backups.restoring import Losses
from mlmcsc.domain.permissions import ALL_PERMISSIONS, Actor
from mlmcsc.domain.sealing import KeyStore
from mlmcsc.errors import (
    IntegrityError,
    MissingKeyError,
    MlmcscError,
    SchemaError,
    StoreError,
)
from mlmcsc.services.restores.owning import hand_over, owner_of
from mlmcsc.services.restores.ports import LiveFacts, Replayed
from mlmcsc.store.adoption.original import sqlite_file
from mlmcsc.store.backups.looking import log_untouched
from mlmcsc.store.backups.plain_files import give_signing_key, schema_revision
from mlmcsc.store.engine import EngineOptions, open_engine
from mlmcsc.store.key_settings import PUBLIC_KEY, SIGNING_KEY, setting
from mlmcsc.store.queries.erasure import ledgered
from mlmcsc.store.queries.restored import written_since
from mlmcsc.store.queries.validation import sequences
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Store
from mlmcsc.store.vault import Vault

if TYPE_CHECKING:
    from mlmcsc.adapters.archives import ArchiveFolder
    from mlmcsc.adapters.versions import VersionFolder
    from mlmcsc.domain.backups.registered import SignedSet
    from mlmcsc.services.restores.ports import Ground, Restored


@dataclass
class RestoredDatabase:
    """The database beside, with the folders of the place that it is to take."""

    database: Database
    actor: Actor
    upgraded_from: str | None

    @property
    def db(self) -> Store:
        """Its store."""
        return self.database.store

    @property
    def adopted(self) -> bool:
        """Whether it was of the original system."""
        return self.database.adoption is not None

    @property
    def versions(self) -> VersionFolder:
        """Where its versions lie."""
        return self.database.versions

    @property
    def version_place(self) -> tuple[Path | None, str | None]:
        """The folder of versions, and whose it was until now."""
        return self.database.version_folder, self.database.version_owner

    @property
    def archives(self) -> ArchiveFolder:
        """Where its archives lie."""
        return self.database.archives

    @property
    def images(self) -> Path | None:
        """Where its managed images lie."""
        return self.database.images.managed

    def replay(self) -> Replayed:
        """Erase again; what the backup had of thumbnails and matrices is derived, and goes."""
        # Whoever may restore answers for erasures that were done before, with their own names.
        whole = replace(self.actor, permissions=ALL_PERMISSIONS)
        done = Services(self.database, whole).erasure.replay()
        applied = tuple(str(each.subject_id) for each in done.applied)
        return Replayed(applied, done.refused, done.untold)

    def forget_caches(self) -> None:
        """Matrices of vectors by row id: the restored database may give the ids to others."""
        caches = self.database.images.thumbnails.parent
        if caches.is_dir():
            shutil.rmtree(caches)

    def close(self) -> None:
        """Let go of it."""
        self.database.store.close()


class House:
    """See `services.restores.ports.House`."""

    def __init__(
        self,
        url: str | None,
        config: Config,
        ground: Ground,
        actor: Actor,
        place: str | Path | None,
        *,
        elsewhere: bool = False,
    ) -> None:
        self._elsewhere = elsewhere
        self._url, self._config, self._ground, self._actor = url, config, ground, actor
        self._to = place
        self.crypto = PycaCryptography()
        self.unread: str | None = None

    def live(self) -> LiveFacts | None:
        """Read only, as it is: neither upgraded nor adopted."""
        file = None if self._url is None else sqlite_file(self._url)
        if self._url is None or (file is not None and not file.exists()):
            return None
        if not self._elsewhere and self._ground.state != "sound":
            return None
        try:
            with _reading(self._url) as store:
                return _facts(store, self._url)
        except StoreError as error:
            self.unread = str(error)
            return None

    def ledger(self, database_id: str) -> ErasureLedger:
        """Beside the key file."""
        return ErasureLedger(ledger_file(self._config, database_id))

    def data_keys(self, database_id: str) -> DataKeyFile:
        """Beside the ledger."""
        return DataKeyFile(data_keys_file(self._config, database_id))

    def safety_backup(self, watch: Callable[[], None]) -> str | None:
        """As `backup create`; None where the database is too damaged for that."""
        if self._url is None or self._elsewhere:
            return None
        try:
            database = open_database(self._url, self._config, create=False)
        except (IntegrityError, SchemaError, MissingKeyError):
            return None
        try:
            watch()  # only now: opening it may have brought it up to date
            store = database.store
            unwritten = _Unwritten(store.engine, store.dialect, store.vault, store.clock)
            services = Services(replace(database, store=unwritten), self._actor)
            made = services.backups.create(kind="safety", to=self._to, with_images=False)
        except (IntegrityError, SchemaError, MissingKeyError):
            return None
        else:
            return f"{made.name} in {made.place}"
        finally:
            database.store.close()

    def open(self, live: LiveFacts | None) -> RestoredDatabase:
        """With the folders of the place that it is to take."""
        path = sqlite_file(self._ground.url)
        before = None if path is None else schema_revision(path)
        if path is not None and before is not None and live is not None:
            give_signing_key(path, live.database_id, live.signing)
        database = open_database(self._ground.url, self._config, create=False)
        upgraded = before if database.opened == "upgraded" else None
        return RestoredDatabase(self._at_home(database, path), self._actor, upgraded)

    def _at_home(self, database: Database, beside: Path | None) -> Database:
        """A file's folders are named after it, and it has another name for now."""
        home = None if beside is None else Path(self._ground.shown)
        with database.store.read() as view:
            database_id = str(read_setting(view.conn, "database_id"))
        if home is not None:
            managed = image_store(self._config, home, database_id)
            caches = cache_folder(self._config, home, database_id)
            images = replace(database.images, managed=managed, thumbnails=caches / "thumbnails")
            database = replace(
                database,
                images=images,
                archive_folder=archive_folder(self._config, home, database_id),
                version_folder=version_folder(self._config, home, database_id),
            )
        elif self._url is not None and not self._elsewhere:
            name = copy_name(database_id, redact_url(self._url))
            images = replace(
                database.images, thumbnails=cache_folder(self._config, None, name) / "thumbnails"
            )
            database = replace(database, images=images)
        if database.version_owner is None or database.version_folder is None:
            return database
        # The folder stays whose it is until the swap: what comes there serves that one too.
        here = database.version_owner.replace(str(beside), str(home))
        return replace(database, version_owner=owner_of(database.version_folder) or here)

    def signed_sets(
        self, restored: Restored, place: str
    ) -> tuple[Mapping[str, tuple[SignedSet, ...]], tuple[str, ...]]:
        """Of the place, and of those that the settings name; none of a drill's copy."""
        from mlmcsc.adapters.backup_store import open_store
        from mlmcsc.services.backups import identity, signed_sets

        if self._url is None:
            return {}, ()
        own, found, warnings = identity(restored.db), {}, []
        for each in dict.fromkeys((place, self._to, self._config.backup.remote)):
            if each is None:
                continue
            try:
                store = open_store(each)
                if store.place not in found:
                    found[store.place] = tuple(signed_sets(store, own))
            except MlmcscError as error:
                warnings.append(f"the backups in {each} are not entered: {error}")
        return found, tuple(warnings)

    def settle(self, restored: Restored) -> None:
        """A server's database is another one than before, though its name is the same."""
        folder, owner = restored.version_place
        now = self._ground.instance()
        if now and self._url and not self._elsewhere and folder and owner:
            hand_over(folder, owner, now)


class _Unwritten(Store):
    """The live database while it is backed up for safety.

    The backup is not entered in it: it is about to be replaced, and nobody could tell any more
    whether somebody else wrote to it meanwhile.
    """

    def write(self, actor: Actor) -> NoReturn:
        """Refuse."""
        raise StoreError(f"{actor.subject} replaces this database; nothing is entered in it.")


@contextmanager
def _reading(url: str) -> Iterator[Store]:
    """The live database as it is: neither upgraded nor adopted, and its log left alone."""
    file = sqlite_file(url)
    with nullcontext() if file is None else log_untouched(file):
        engine, dialect = open_engine(url, EngineOptions(), create=False)
        store = Store(engine, dialect, Vault(PycaCryptography(), _no_keys))
        try:
            yield store
        finally:
            store.close()


def _no_keys(database_id: str) -> KeyStore:
    raise MissingKeyError(f"The keys of {database_id} are not asked for only to look.")


def _facts(store: Store, url: str) -> LiveFacts:
    with store.read() as view:
        rows: Mapping[str, object] = {key: setting(view, key) for key in (SIGNING_KEY, PUBLIC_KEY)}
        return LiveFacts(
            database_id=str(read_setting(view.conn, "database_id")),
            public_key=view.vault.public_key(view),
            signing=rows,
            ledger_lines=frozenset(ledgered.lines(view)),
            losses=lambda moment: _losses(url, moment),
            ids=sequences.given(view),
        )


def _losses(url: str, moment: datetime) -> Losses:
    with _reading(url) as store, store.read() as view:
        n_writes, last = written_since(view, moment)
    return Losses(n_writes, last, 0.0 if last is None else (last - moment).total_seconds())
