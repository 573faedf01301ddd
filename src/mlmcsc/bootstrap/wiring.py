"""Every service, bound to a database and an actor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlmcsc.bootstrap.opening import Database
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.tables import LABELS, PREDICTIONS, WRITABLE
from mlmcsc.services.archives import Archives
from mlmcsc.services.audit import Audit
from mlmcsc.services.audit_proof import AuditProof
from mlmcsc.services.exchange import Doors, Exchange
from mlmcsc.services.feature_reads import FeatureReads
from mlmcsc.services.features import Features
from mlmcsc.services.health import Health
from mlmcsc.services.holds import Holds
from mlmcsc.services.images import Images
from mlmcsc.services.labels import Labels
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
from mlmcsc.services.specimens import Specimens
from mlmcsc.services.technicians import Technicians
from mlmcsc.services.training import Training


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


def services(database: Database, actor: Actor) -> Services:
    """Every use case of `database`, in the name of `actor`."""
    store = database.store
    days = periods(database.config.retention)
    places = FilePlaces(database.images.managed, database.images.thumbnails, database.archives)
    retention = Retention(store, actor, days, places)
    archives = Archives(store, actor, database.archives)
    vault_keys = VaultKeys(store, actor)
    erasure = Erasure(store, actor, _outside(database))
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
            database.config.monitoring.wal_size_warning_mb,
        ),
        maintenance=Maintenance(store, actor, database.label_range, _places(database)),
        exchange=Exchange(
            store,
            actor,
            {name: spec.within(*database.label_range) for name, spec in WRITABLE.items()},
            lambda joined: _doors(replace(database, store=joined), actor),
        ),
        archives=archives,
        audit=Audit(store, actor),
        audit_proof=AuditProof(store, actor),
        retention=retention,
        holds=Holds(store, actor),
        erasure=erasure,
        access=Access(store, actor, days, archives.labels_of),
        requests=Requests(store, actor),
        vault_keys=vault_keys,
        sealing=Sealing(store, actor),
        privacy_report=Reporting(store, actor, days, _sources(retention, vault_keys, erasure)),
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
        checkpoint=lambda actor: AuditProof(store, actor).checkpoint().to_dict(),
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
