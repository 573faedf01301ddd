"""Deleting a version, and what only it had."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.reports import DeletedVersion
from mlmcsc.errors import ConflictError
from mlmcsc.services.versions import tagging
from mlmcsc.services.versions.finding import by_name
from mlmcsc.services.versions.held_rows import HeldRows, held_rows
from mlmcsc.services.versions.places import VersionPlaces
from mlmcsc.services.versions.releasing import Ids, own_layers, released
from mlmcsc.store.models import data_versions, model_versions, version_tags
from mlmcsc.store.queries import dataset_exports, registers, version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class _Needed:
    """What needs a version; judged again where it is deleted."""

    tags: tuple[str, ...]
    models: tuple[str, ...]
    exports: int


@dataclass(frozen=True, slots=True)
class _Going:
    """A version, and what only it has."""

    record: DataVersionRecord
    images: Ids
    layers: tuple[Layer, ...]
    damage: str | None
    held: HeldRows


def delete(
    db: Store, actor: Actor, places: VersionPlaces, version: str, *, force: bool, dry_run: bool
) -> DeletedVersion:
    """Delete a version; see `Versions.delete`."""
    with places.folder.locked():
        with db.read() as view:
            record = by_name(view, version)
            needed = _needed(view, record)
            others = [each for each in version_queries.every(view) if each.id != record.id]
            vectors = version_writes.freed_revisions(view, record.id)
            frozen = version_writes.frozen_now(view)
        images, damage = released(places.folder, record, others, frozen)
        held = held_rows(places.folder, record)
        going = _Going(record, images, own_layers(record, others), damage, held)
        with db.read() as view:
            held.refuse(view)
        if not dry_run:
            needed, vectors = _commit(db, actor, going, force=force)
            places.folder.remove(layer.sha256 for layer in going.layers)
            places.folder.remove_manifest(record.id, str(record.root))
            places.forget_opened(record.id, record.root)
        return DeletedVersion(
            version=record.version,
            deleted=not dry_run,
            images_released=len(images),
            vectors_freed=vectors,
            bytes_freed=sum(layer.n_bytes for layer in going.layers),
            tags=needed.tags,
            models=needed.models,
            exports=needed.exports,
            damage=damage,
        )


def _needed(view: View, record: DataVersionRecord) -> _Needed:
    return _Needed(
        tuple(version_queries.tags_of(view).get(record.id, ())),
        tuple(version_writes.trained_on(view, [record.version])),
        0 if record.root is None else len(dataset_exports.every(view, [record.root])),
    )


def _refuse_needed(going: _Going, needed: _Needed) -> None:
    told = {"tagged": needed.tags, "training data of model": needed.models}
    reasons = [f"{what} {', '.join(names)}" for what, names in told.items() if names]
    if needed.exports:
        reasons.append(
            f"exported {needed.exports} times" if needed.exports > 1 else "exported once"
        )
    if going.damage is not None:
        reasons.append(f"damaged ({going.damage.rstrip('.')})")
    if reasons:
        raise ConflictError(
            f"Version {going.record.version!r} is {' and '.join(reasons)}; nothing was deleted. "
            "Move the tags, or pass force=True to delete it nevertheless."
        )


def _commit(db: Store, actor: Actor, going: _Going, *, force: bool) -> tuple[_Needed, int]:
    """What needed it then; how many replaced vectors went with it.

    Raises:
        HeldError: A legal hold is in force on what it has.
        ConflictError: Something needs it, and `force` was not given.
    """
    record = going.record
    with db.write(actor) as tx:
        going.held.refuse(tx)  # first, as an erasure does: none waits for the other for ever
        for table in (data_versions, version_tags, model_versions):
            registers.lock(tx, table)
        needed = _needed(tx, record)
        if not force:
            _refuse_needed(going, needed)
        if needed.tags:
            tagging.remove(tx, needed.tags)
        version_writes.delete_version(tx, record.id)
        version_writes.release_images(tx, going.images)
        vectors = version_writes.free_revisions(tx)
        _record(tx, going, needed, vectors)
    return needed, vectors


def _record(tx: Transaction, going: _Going, needed: _Needed, vectors: int) -> None:
    record = going.record
    names = ("version", "name", "root", "total_images", "total_labels", "n_redacted")
    tx.record(
        AuditEvent(
            Operation.DELETE,
            "data_versions",
            record.id,
            old_values={name: getattr(record, name) for name in names},
            new_values={
                "models": list(needed.models),
                "exports": needed.exports,
                "vectors_freed": vectors,
                "images_released": len(going.images),
            },
            n_rows=record.total_images if record.frozen and record.total_images else 1,
            digest=record.root,
        )
    )
