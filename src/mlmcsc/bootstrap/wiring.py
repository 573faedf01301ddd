"""Every service, bound to a database and an actor."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlmcsc.bootstrap.opening import Database
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.tables import LABELS, PREDICTIONS, WRITABLE
from mlmcsc.domain.versions.automatic import Rules
from mlmcsc.services.archives import Archives
from mlmcsc.services.audit import Audit
from mlmcsc.services.audit_proof import AuditProof
from mlmcsc.services.automatic_versions import AutomaticVersions
from mlmcsc.services.dataset_exports import DatasetExports
from mlmcsc.services.dataset_imports import DatasetImports
from mlmcsc.services.dataset_imports import Doors as DatasetDoors
from mlmcsc.services.datasets import Datasets
from mlmcsc.services.datasets.datasets import Places as DatasetPlaces
from mlmcsc.services.exchange import Doors, Exchange
from mlmcsc.services.feature_reads import FeatureReads
from mlmcsc.services.features import Features
from mlmcsc.services.health import Health
from mlmcsc.services.holds import Holds
from mlmcsc.services.images import Images
from mlmcsc.services.labels import Labels
from mlmcsc.services.lineage import Lineage
from mlmcsc.services.maintenance import Maintenance, Places
from mlmcsc.services.models import Models
from mlmcsc.services.predictions import Predictions
from mlmcsc.services.privacy.access import Access
from mlmcsc.services.privacy.erasure import Erasure, Outside
from mlmcsc.services.privacy.keys import VaultKeys
from mlmcsc.services.privacy.report import Reporting, Sources
from mlmcsc.services.privacy.requests import Requests
from mlmcsc.services.privacy.sealing import Sealing
from mlmcsc.services.retention import FilePlaces, Retention, periods
from mlmcsc.services.similarity import Similarity
from mlmcsc.services.specimens import Specimens
from mlmcsc.services.technicians import Technicians
from mlmcsc.services.training import Training, select
from mlmcsc.services.version_checks import VersionChecks
from mlmcsc.services.versions import Versions
from mlmcsc.services.versions.redacting import VersionRedaction


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
    maintenance: Maintenance
    exchange: Exchange
    archives: Archives
    audit: Audit
    audit_proof: AuditProof
    retention: Retention
    holds: Holds
    erasure: Erasure
    access: Access
    requests: Requests
    vault_keys: VaultKeys
    sealing: Sealing
    privacy_report: Reporting
    dataset_exports: DatasetExports
    dataset_imports: DatasetImports
    lineage: Lineage
    similarity: Similarity
    version_checks: VersionChecks
    versions: Versions
    automatic_versions: AutomaticVersions
    datasets: Datasets


def services(database: Database, actor: Actor) -> Services:
    """Every use case of `database`, in the name of `actor`."""
    store = database.store
    days = periods(database.config.retention)
    places = FilePlaces(database.images.managed, database.images.thumbnails, database.archives)
    retention = Retention(store, actor, days, places)
    archives = Archives(store, actor, database.archives)
    redaction = VersionRedaction(store, database.versions)
    datasets = _datasets(database, actor)
    similarity = _similarity(database, actor)
    vault_keys = VaultKeys(store, actor)
    erasure = Erasure(store, actor, _outside(database))
    return Services(
        images=Images(store, actor, database.images),
        specimens=Specimens(store, actor),
        technicians=Technicians(store, actor),
        models=Models(store, actor),
        predictions=Predictions(store, actor, PREDICTIONS.within(*database.label_range)),
        labels=Labels(store, actor, LABELS.within(*database.label_range)),
        datasets=datasets,
        dataset_imports=_dataset_imports(database, actor),
        lineage=Lineage(store, actor, database.versions),
        version_checks=VersionChecks(
            store, actor, database.versions, _label_changes_to_next(database)
        ),
        versions=_versions(database, actor),
        automatic_versions=_automatic_versions(database, actor),
        features=Features(store, actor, similarity.search, similarity.similar),
        similarity=similarity,
        feature_reads=FeatureReads(store, actor, database.matrices),
        training=Training(store, actor, database.label_range, datasets.training_data),
        health=_health(database, actor),
        maintenance=Maintenance(store, actor, database.label_range, _places(database)),
        exchange=_exchange(database, actor),
        archives=archives,
        audit=Audit(store, actor),
        audit_proof=AuditProof(store, actor),
        retention=retention,
        holds=Holds(store, actor),
        erasure=erasure,
        access=Access(store, actor, days, archives.labels_of, redaction.of_person),
        requests=Requests(store, actor),
        vault_keys=vault_keys,
        sealing=Sealing(store, actor),
        dataset_exports=DatasetExports(store, actor, database.versions),
        privacy_report=Reporting(store, actor, days, _sources(retention, vault_keys, erasure)),
    )


def _health(database: Database, actor: Actor) -> Health:
    limits = database.config.monitoring
    return Health(
        database.store,
        actor,
        database.url,
        database.label_range,
        limits.disk_free_warning_percent,
        limits.wal_size_warning_mb,
    )


def _exchange(database: Database, actor: Actor) -> Exchange:
    fields = {name: spec.within(*database.label_range) for name, spec in WRITABLE.items()}
    return Exchange(
        database.store,
        actor,
        fields,
        lambda joined: _doors(replace(database, store=joined), actor),
    )


def _datasets(database: Database, actor: Actor) -> Datasets:
    caches = database.images.thumbnails.parent
    places = DatasetPlaces(database.versions, caches, database.images.max_pixels)
    live = FeatureReads(database.store, actor, database.matrices).matrix_of
    return Datasets(database.store, actor, places, live)


def _automatic_versions(database: Database, actor: Actor) -> AutomaticVersions:
    versioning = database.config.versioning
    rules = Rules(
        versioning.enabled,
        versioning.auto_new_labels,
        versioning.auto_schedule,
        versioning.name_pattern,
    )
    return AutomaticVersions(database.store, actor, rules, _versions(database, actor).create)


def _versions(database: Database, actor: Actor) -> Versions:
    choose = functools.partial(select, label_range=database.label_range, votes=True)
    return Versions(database.store, actor, database.versions, choose, database.label_range)


def _label_changes_to_next(database: Database) -> int | None:
    """Label changes that make a version by themselves; None: none do."""
    settings = database.config.versioning
    return settings.auto_new_labels if settings.enabled else None


def _similarity(database: Database, actor: Actor) -> Similarity:
    """A search reads vectors to compare them, for which the right to look is enough."""
    store = database.store
    reading = replace(actor, permissions=frozenset({Permission.TRAIN}))
    return Similarity(
        store,
        actor,
        database.versions,
        FeatureReads(store, reading, database.matrices).matrix_of,
        Images(store, actor, database.images).thumbnail,
        database.label_range,
    )


def _sources(retention: Retention, vault_keys: VaultKeys, erasure: Erasure) -> Sources:
    """What the report tells of other services: counts and ids, for which its right is enough."""
    looking = replace(retention.actor, permissions=frozenset({Permission.RETAIN, Permission.KEYS}))
    return Sources(
        replace(retention, actor=looking).plan,
        replace(vault_keys, actor=looking).state,
        lambda: [*erasure.unreplayed(), *erasure.untold()],
    )


def _places(database: Database) -> Places:
    return Places(
        managed=database.images.managed,
        thumbnails=database.images.thumbnails,
        matrices=database.matrices.root,
        open_matrices=database.matrices.matrices,
        max_pixels=database.images.max_pixels,
        workers=database.images.workers,
    )


def _outside(database: Database) -> Outside:
    """What an erasure needs of the other services, and the folders that it empties."""
    store = database.store

    def erase_archives(actor: Actor, *who: Any, **choice: Any) -> Mapping[str, Any]:
        return Archives(store, actor, database.archives).erase_person(*who, **choice).to_dict()

    return Outside(
        ledger=database.ledger,
        caches=database.images.thumbnails.parent,
        forget_open=database.matrices.matrices.clear,
        erase_archives=erase_archives,
        versions=VersionRedaction(store, database.versions),
        checkpoint=lambda actor: AuditProof(store, actor).checkpoint().to_dict(),
    )


def _dataset_imports(database: Database, actor: Actor) -> DatasetImports:
    """Imports of datasets, which join the stores of other services to their own."""
    return DatasetImports(
        database.store,
        actor,
        LABELS.within(*database.label_range),
        lambda joined: _dataset_doors(replace(database, store=joined), actor),
    )


def _dataset_doors(database: Database, actor: Actor) -> DatasetDoors:
    """What an import of a dataset needs of the other services."""
    store, spec = database.store, LABELS.within(*database.label_range)
    return DatasetDoors(
        technician=Technicians(store, actor).get,
        ingest=Images(store, actor, database.images).ingest,
        add_labels=Labels(store, actor, spec).add_many,
    )


def _doors(database: Database, actor: Actor) -> Doors:
    """What an import needs of the other services."""
    parts = services(database, actor)
    return Doors(
        add_image=parts.images.add,
        add_specimens=parts.specimens.add_many,
        add_predictions=parts.predictions.add_many,
        add_labels=parts.labels.add_many,
        add_features=parts.features.add_many,
        register_specimen=parts.specimens.register,
        register_technician=parts.technicians.register,
        register_model=parts.models.register,
    )
