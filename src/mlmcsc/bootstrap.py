"""The only place where parts are put together: configuration → store, adapters, services."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from mlmcsc.adapters.system import os_user
from mlmcsc.config import Config, load_config, redact_url
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.tables import LABELS, PREDICTIONS
from mlmcsc.services.feature_reads import FeatureReads, MatrixCache
from mlmcsc.services.features import Features
from mlmcsc.services.health import Health
from mlmcsc.services.images import Images, ImageSettings
from mlmcsc.services.labels import Labels
from mlmcsc.services.models import Models
from mlmcsc.services.predictions import Predictions
from mlmcsc.services.specimens import Specimens
from mlmcsc.services.technicians import Technicians
from mlmcsc.services.training import Training
from mlmcsc.store import schema
from mlmcsc.store.engine import EngineOptions, open_engine
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Database:
    """An open database and what all services of it share."""

    store: Store
    config: Config
    url: str
    label_range: tuple[float, float]
    images: ImageSettings
    matrices: MatrixCache


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case, bound to one actor."""

    images: Images
    specimens: Specimens
    technicians: Technicians
    models: Models
    predictions: Predictions
    labels: Labels
    features: Features
    feature_reads: FeatureReads
    training: Training
    health: Health


def open_database(
    url: str | None, config: Config | None = None, label_range: tuple[float, float] | None = None
) -> Database:
    """Open, create or upgrade the database at `url`.

    Args:
        url: `sqlite:///file.db` or `postgresql://…`; None takes the configured one.
        config: Settings; looked up by `load_config` when left out.
        label_range: Lowest and highest label of a new database.

    Raises:
        StoreError: When it cannot be opened.
        SchemaError: When its schema is not one that this release can use.
    """
    config = load_config() if config is None else config
    section = config.database
    url = section.get_connection_url() if url is None else url
    engine, dialect = open_engine(
        url,
        EngineOptions(
            pool_size=section.pool_size,
            max_overflow=section.max_overflow,
            pool_timeout_seconds=section.pool_timeout_seconds,
            pool_recycle_seconds=section.pool_recycle_seconds,
            busy_timeout_seconds=section.busy_timeout_seconds,
            echo_sql=section.echo_sql,
        ),
    )
    store = Store(engine, dialect)
    try:
        schema.prepare(store, label_range, config.quality.label_range)
        with store.read() as view:
            low, high = schema.read_setting(view.conn, "label_range")
            database_id = schema.read_setting(view.conn, "database_id")
    except BaseException:
        store.close()
        raise
    caches = _cache_folder(config, dialect.path, database_id)
    return Database(
        store=store,
        config=config,
        url=redact_url(url),
        label_range=(float(low), float(high)),
        images=ImageSettings(
            managed=_beside(dialect.path, database_id, ".images"),
            thumbnails=caches / "thumbnails",
            thumbnail_size=config.performance.thumbnail_size,
            instrument_timezone=ZoneInfo(config.quality.instrument_timezone),
            max_pixels=int(config.quality.max_image_megapixels * 1_000_000),
            near_duplicates=config.quality.near_duplicate_detection,
            workers=config.performance.ingest_workers,
        ),
        matrices=MatrixCache(None if dialect.in_memory else caches / "features"),
    )


def _beside(path: Path | None, database_id: str, ending: str) -> Path:
    """A folder that belongs to the database: beside its file, or by its id for a server."""
    if path is not None:
        return path.with_name(path.name + ending)
    return Path("mlmcsc-data") / f"{database_id}{ending}"


def _cache_folder(config: Config, path: Path | None, database_id: str) -> Path:
    chosen = config.performance.cache_directory
    return Path(chosen) / database_id if chosen else _beside(path, database_id, ".cache")


def default_actor() -> Actor:
    """The local user, who owns the database file."""
    return Actor(subject=os_user())


def services(database: Database, actor: Actor) -> Services:
    """Every use case of `database`, in the name of `actor`."""
    store = database.store
    return Services(
        images=Images(store, actor, database.images),
        specimens=Specimens(store, actor),
        technicians=Technicians(store, actor),
        models=Models(store, actor),
        predictions=Predictions(store, actor, PREDICTIONS.within(*database.label_range)),
        labels=Labels(store, actor, LABELS.within(*database.label_range)),
        features=Features(store, actor),
        feature_reads=FeatureReads(store, actor, database.matrices),
        training=Training(store, actor, database.label_range),
        health=Health(
            store,
            actor,
            database.url,
            database.label_range,
            database.config.monitoring.disk_free_warning_percent,
        ),
    )
