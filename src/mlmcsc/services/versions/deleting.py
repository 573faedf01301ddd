"""Deleting a version, and what only it had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.reports import DeletedVersion
from mlmcsc.errors import ConflictError
from mlmcsc.services.versions import tagging
from mlmcsc.services.versions.finding import by_name
from mlmcsc.store.queries import version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class _Going:
    """A version, and what only it has."""

    record: DataVersionRecord
    tags: tuple[str, ...]
    models: tuple[str, ...]
    images: NDArray[np.int64]
    layers: tuple[Layer, ...]
    vectors: int


def delete(
    db: Store, actor: Actor, folder: VersionFolder, version: str, *, force: bool, dry_run: bool
) -> DeletedVersion:
    """Delete a version; see `Versions.delete`."""
    with folder.locked():
        going = _look(db, folder, version)
        vectors = going.vectors
        if not dry_run:
            _refuse_needed(going, force=force)
            vectors = _commit(db, actor, going)
            folder.remove(layer.sha256 for layer in going.layers)
            folder.remove_manifest(going.record.id)
        return DeletedVersion(
            version=going.record.version,
            deleted=not dry_run,
            images_released=len(going.images),
            vectors_freed=vectors,
            bytes_freed=sum(layer.n_bytes for layer in going.layers),
            tags=going.tags,
            models=going.models,
        )


def _look(db: Store, folder: VersionFolder, version: str) -> _Going:
    with db.read() as view:
        record = by_name(view, version)
        tags = tuple(version_queries.tags_of(view).get(record.id, ()))
        models = tuple(version_writes.trained_on(view, [record.version]))
        others = [each for each in version_queries.every(view) if each.id != record.id]
        vectors = version_writes.freed_revisions(view, record.id)
    frozen = [each for each in others if each.frozen]
    shared = {x.sha256 for each in frozen for x in read_layers(each.layers)}
    layers = tuple(x for x in _layers(record) if x.sha256 not in shared)
    return _Going(record, tags, models, _only(folder, record, frozen), layers, vectors)


def _layers(record: DataVersionRecord) -> tuple[Layer, ...]:
    return read_layers(record.layers) if record.frozen else ()


def _only(
    folder: VersionFolder, record: DataVersionRecord, others: Sequence[DataVersionRecord]
) -> NDArray[np.int64]:
    """Images that no other version has; neighbours first, for they share most."""
    left = _images(folder, record)
    for other in sorted(others, key=lambda each: abs(each.id - record.id)):
        if not len(left):
            break
        left = np.setdiff1d(left, _images(folder, other), assume_unique=True)
    return left


def _images(folder: VersionFolder, record: DataVersionRecord) -> NDArray[np.int64]:
    if not record.frozen:
        return np.empty(0, dtype=np.int64)
    batches = folder.rows(_layers(record), ["image_id"])
    parts = [batch.column("image_id").to_numpy() for batch in batches]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _refuse_needed(going: _Going, *, force: bool) -> None:
    told = {"tagged": going.tags, "training data of model": going.models}
    needed = [f"{what} {', '.join(names)}" for what, names in told.items() if names]
    if needed and not force:
        raise ConflictError(
            f"Version {going.record.version!r} is {' and '.join(needed)}; nothing was deleted. "
            "Move the tags, or pass force=True to delete it nevertheless."
        )


def _commit(db: Store, actor: Actor, going: _Going) -> int:
    """How many replaced vectors went with it."""
    record = going.record
    with db.write(actor) as tx:
        if going.tags:
            tagging.remove(tx, going.tags)
        version_writes.delete_version(tx, record.id)
        version_writes.release_images(tx, going.images)
        vectors = version_writes.free_revisions(tx)
        old = {
            "version": record.version,
            "name": record.name,
            "root": record.root,
            "total_images": record.total_images,
            "total_labels": record.total_labels,
            "n_redacted": record.n_redacted,
        }
        told = {"models": list(going.models), "vectors_freed": vectors}
        tx.record(
            AuditEvent(
                Operation.DELETE,
                "data_versions",
                record.id,
                old_values=old,
                new_values=told | {"images_released": len(going.images)},
                n_rows=record.total_images if record.frozen and record.total_images else 1,
                digest=record.root,
            )
        )
    return vectors
