"""Opening a database: its engine, its vault, its schema, its folders."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.keystore import MemoryKeyStore, key_store
from mlmcsc.adapters.matrix_cache import MatrixCache
from mlmcsc.adapters.system import os_user
from mlmcsc.config import (
    Config,
    archive_folder,
    backup_folder,
    cache_folder,
    data_keys_file,
    image_store,
    key_file,
    ledger_file,
    load_config,
    redact_url,
    refuse_empty_promises,
    version_folder,
)
from mlmcsc.config.image_settings import ImageSettings
from mlmcsc.config.logs import set_up_logs
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.sealing import KeyStore
from mlmcsc.errors import ValidationError
from mlmcsc.store import schema
from mlmcsc.store.adoption.original import is_original, sqlite_file
from mlmcsc.store.engine import EngineOptions, is_in_memory, no_database, open_engine
from mlmcsc.store.queries.instances import instance
from mlmcsc.store.uow import Store
from mlmcsc.store.vault import Vault

if TYPE_CHECKING:
    from mlmcsc.adapters.archives import ArchiveFolder
    from mlmcsc.adapters.backup_store.store import BackupStore
    from mlmcsc.adapters.data_keys import DataKeyFile
    from mlmcsc.adapters.ledger import ErasureLedger
    from mlmcsc.adapters.versions import VersionFolder
    from mlmcsc.domain.adoption import AdoptionReport
    from mlmcsc.services.privacy.backup_sets import BackupSets
    from mlmcsc.services.privacy.kept_keys import KeptKeys


@dataclass(frozen=True, slots=True)
class Database:
    """An open database and what all services of it share."""

    store: Store
    config: Config
    url: str
    label_range: tuple[float, float]
    opened: schema.Prepared
    adoption: AdoptionReport | None
    images: ImageSettings
    matrices: MatrixCache
    archive_folder: Path | None
    ledger_file: Path | None
    data_keys_file: Path | None
    version_folder: Path | None
    version_owner: str | None

    @property
    def archives(self) -> ArchiveFolder:
        """Where old rows lie in signed files."""
        from mlmcsc.adapters.archives import ArchiveFolder

        return ArchiveFolder(self.archive_folder)

    @property
    def ledger(self) -> ErasureLedger:
        """What was erased, outside the database and its backups."""
        from mlmcsc.adapters.ledger import ErasureLedger

        return ErasureLedger(self.ledger_file)

    @property
    def data_keys(self) -> DataKeyFile:
        """Where people's wrapped data keys are kept for a restore: never in a backup."""
        from mlmcsc.adapters.data_keys import DataKeyFile

        return DataKeyFile(self.data_keys_file)

    @property
    def kept_keys(self) -> KeptKeys:
        """Brings that file up to date."""
        from mlmcsc.services.privacy.kept_keys import KeptKeys

        return KeptKeys(self.store, self.data_keys)

    @property
    def backup_sets(self) -> BackupSets:
        """The backups in the places that the settings name."""
        from mlmcsc.domain.backups.keeping import Periods
        from mlmcsc.services.privacy.backup_sets import BackupSets

        def open_place(place: str | Path) -> BackupStore:
            from mlmcsc.adapters.backup_store import open_store

            return open_store(place)

        chosen = self.config.backup
        places = (backup_folder(self.config, self.store.dialect.path), chosen.remote)
        return BackupSets(
            self.store,
            tuple(place for place in places if place is not None),
            open_place,
            Periods(
                chosen.retention_days, chosen.keep_weekly, chosen.keep_monthly, chosen.keep_yearly
            ),
            chosen.schedule,
        )

    @property
    def versions(self) -> VersionFolder:
        """Where the rows of dataset versions lie."""
        from mlmcsc.adapters.versions import VersionFolder

        return VersionFolder(self.version_folder, self.version_owner)


def open_database(
    url: str | None,
    config: Config | None = None,
    label_range: tuple[float, float] | None = None,
    *,
    create: bool = True,
) -> Database:
    """Open, create or upgrade the database at `url`.

    Args:
        url: `sqlite:///file.db` or `postgresql://…`; None takes the configured one.
        config: Settings; looked up by `load_config` when left out.
        label_range: Lowest and highest label of a new database.
        create: Whether a database that is not there is made; else that is an error.

    Raises:
        UnsupportedError: When a setting promises a protection that is not there.
        StoreError: When it cannot be opened, or is not there.
        SchemaError: When its schema is not one that this release can use.
        AdoptionError: When it is a database of the original system that cannot be taken over.
    """
    # Unless the program has its own wishes: stdout is its result.
    set_up_logs(_log_to_stderr, again=False)
    config = load_config() if config is None else config
    refuse_empty_promises(config)
    url = config.database.get_connection_url() if url is None else url
    if not isinstance(url, str):
        raise ValidationError(
            f"database_url={url!r}: give text such as 'sqlite:///lab.db' or 'postgresql://host/lab'."
        )
    label_range = None if label_range is None else _two_numbers(label_range)
    vault = _vault(config, url)
    adoption = _adopt(url, config, label_range, vault)
    engine, dialect = open_engine(url, _engine_options(config), create=create)
    store = Store(engine, dialect, vault)
    try:
        if not create:
            _must_be_there(store, url)
        opened = schema.prepare(store, default_actor(), label_range, config.quality.label_range)
        with store.read() as view:
            low, high = schema.read_setting(view.conn, "label_range")
            database_id = schema.read_setting(view.conn, "database_id")
            shared = config.versioning.directory is not None and not dialect.in_memory
            owner = instance(view) if shared else None
        caches = cache_folder(config, dialect.path, _copy_name(database_id, redact_url(url)))
    except BaseException:
        store.close()
        raise
    in_memory = dialect.in_memory
    return Database(
        store=store,
        config=config,
        url=redact_url(url),
        label_range=(float(low), float(high)),
        opened=opened,
        adoption=adoption,
        images=_image_settings(config, caches, image_store(config, dialect.path, database_id)),
        matrices=MatrixCache(None if in_memory else caches / "features"),
        archive_folder=None if in_memory else archive_folder(config, dialect.path, database_id),
        ledger_file=None if in_memory else ledger_file(config, database_id),
        data_keys_file=None if in_memory else data_keys_file(config, database_id),
        version_folder=None if in_memory else version_folder(config, dialect.path, database_id),
        version_owner=owner,
    )


def _image_settings(config: Config, caches: Path, managed: Path | None) -> ImageSettings:
    return ImageSettings(
        managed=managed,
        thumbnails=caches / "thumbnails",
        thumbnail_size=config.performance.thumbnail_size,
        instrument_timezone=ZoneInfo(config.quality.instrument_timezone),
        max_pixels=int(config.quality.max_image_megapixels * 1_000_000),
        near_duplicates=config.quality.near_duplicate_detection,
        workers=config.performance.ingest_workers,
    )


def _two_numbers(label_range: object) -> tuple[float, float]:
    match label_range:
        case (int() | float() as low, int() | float() as high) if low < high:
            return float(low), float(high)
    raise ValidationError(f"label_range={label_range!r}: give two numbers, lower first: (0, 100).")


def _copy_name(database_id: str, url: str) -> str:
    """Which copy of a database this is: copies share an id, but must not share a cache."""
    return f"{database_id}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _log_to_stderr() -> None:
    import structlog

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def _vault(config: Config, url: str) -> Vault:
    """Keys in memory for a database in memory; else where settings and environment say."""

    def open_keys(database_id: str) -> KeyStore:
        if is_in_memory(url):
            return MemoryKeyStore()
        return key_store(config.security.key_file, os.environ, key_file(database_id))

    return Vault(PycaCryptography(), open_keys)


def _adopt(
    url: str, config: Config, label_range: tuple[float, float] | None, vault: Vault
) -> AdoptionReport | None:
    """Take over a database of the original system, before our settings touch the file."""
    file = sqlite_file(url)
    if file is None or not is_original(file):
        return None
    from mlmcsc.store.adoption.adopt import AdoptionOptions, adopt_if_original

    quality = config.quality
    # The default zone, also as written out in a file of defaults, is nobody's word on where the
    # original's clock stood.
    default = type(quality).model_fields["instrument_timezone"].default
    zone = quality.instrument_timezone
    options = AdoptionOptions(
        label_range=label_range,
        configured_range=quality.label_range,
        timezone=None if zone == default else zone,
        wait_seconds=config.database.busy_timeout_seconds,
    )
    return adopt_if_original(url, default_actor(), vault, options)


def _engine_options(config: Config) -> EngineOptions:
    return EngineOptions(
        pool_size=config.database.pool_size,
        max_overflow=config.database.max_overflow,
        pool_timeout_seconds=config.database.pool_timeout_seconds,
        pool_recycle_seconds=config.database.pool_recycle_seconds,
        busy_timeout_seconds=config.database.busy_timeout_seconds,
        echo_sql=config.database.echo_sql,
    )


def _must_be_there(store: Store, url: str) -> None:
    """Refuse a server's database without tables of ours; one in memory is always new."""
    with store.read() as view:
        if schema.revision(view.conn) is None and not store.dialect.in_memory:
            raise no_database(url)


def default_actor() -> Actor:
    """The local user, who owns the database file."""
    return Actor(subject=os_user())
