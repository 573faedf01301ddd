"""The short transaction in which a version comes to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import orjson

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import ConflictError, OvertakenError
from mlmcsc.services.versions import holding
from mlmcsc.services.versions.freezing import freeze, freeze_ahead
from mlmcsc.services.versions.tagging import point
from mlmcsc.services.versions.work import Draft, Work
from mlmcsc.store.models import data_versions
from mlmcsc.store.queries import registers, version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Transaction

BINS: Final = 10
"""Bars of the histogram of labels, over the label range."""
OWN: Final = ("created_at", "report", "signature", "root", "n_rows", "version", "database_id")
"""What a manifest says beside what was asked for."""


def commit(work: Work, drafted: Draft) -> DataVersionRecord:
    """Make the drafted version visible.

    Raises:
        ConflictError: The name was given away meanwhile.
        OvertakenError: Labels or images were deleted meanwhile; nothing was written.
        VectorsChangedError: Vectors were written meanwhile; nothing was written.
    """
    choice, layers = work.choice, drafted.layers or ()
    bars, images = _histogram(work, drafted), freeze_ahead(work, drafted.selection.images)
    with work.db.write(work.actor) as tx:
        # Before any other lock: retention takes this one last, so neither waits for the other.
        freeze(tx, images)
        version_writes.set_freezing(tx, begun=False)
        registers.lock(tx, data_versions)
        if version_writes.named(tx, choice.version) is not None:
            raise ConflictError(f"Version {choice.version!r} was made meanwhile by somebody else.")
        held = holding.mark(tx, drafted.held)
        if not version_writes.all_there(tx, drafted.votes.label_ids, drafted.labels):
            raise OvertakenError("Labels of the version were deleted while it was made.")
        manifest = drafted.manifest(work, tx.now.isoformat())
        values = _row(tx, work, drafted, layers, manifest) | {"label_distribution": bars}
        version_writes.insert_version(tx, values, held)
        tx.record(
            AuditEvent(
                Operation.CREATE,
                "data_versions",
                values["id"],
                new_values=values | {"created_at": tx.now.isoformat()},
                n_rows=manifest.n_rows,
                digest=drafted.root,
            )
        )
        for tag in choice.tags:
            point(tx, tag, values["id"])
        return version_queries.find(tx, choice.version)


def _row(
    tx: Transaction, work: Work, drafted: Draft, layers: tuple[Layer, ...], manifest: Manifest
) -> dict[str, Any]:
    """The row of `data_versions`; its manifest file is on disk before the row is."""
    version_id, choice = version_writes.next_id(tx), work.choice
    document = manifest.signed(lambda message: tx.vault.sign(tx, message))
    checksum, _ = work.folder.write_manifest(version_id, document)
    train, val, test = manifest.ratios
    return {
        "id": version_id,
        "version": choice.version,
        "name": choice.name or choice.version,
        "description": choice.description,
        "created_at": tx.now,
        "created_by": tx.actor.subject,
        "total_images": manifest.n_rows,
        "total_labels": len(drafted.votes.label_ids),
        "train_split": train,
        "val_split": val,
        "test_split": test,
        "avg_quality_score": drafted.quality,
        "backup_path": str(work.folder.manifest_path(version_id)),
        "backup_size": sum(layer.n_bytes for layer in layers),
        "backup_checksum": checksum,
        "root": drafted.root,
        "manifest": document,
        "layers": [layer.to_dict() for layer in layers],
        "n_redacted": 0,
    }


def _histogram(work: Work, drafted: Draft) -> dict[str, list[float]]:
    """Edges of the bars, and for each split how many labels are in each."""
    selection, (low, high) = drafted.selection, work.label_range
    edges = np.linspace(low, high, BINS + 1)
    counts = {
        split.name.lower(): np.histogram(selection.values[selection.splits == split], edges)[0]
        for split in Split
    }
    return {"edges": edges.tolist(), **{name: each.tolist() for name, each in counts.items()}}


def same_promise(document: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether a stored manifest was made of the same choice, with the same vectors."""
    plain = orjson.loads(orjson.dumps(asdict(manifest)))
    return all(document.get(name) == value for name, value in plain.items() if name not in OWN)


def tag_all(work: Work, version_id: int) -> None:
    """Point the tags that are asked for to a version that is there."""
    if work.choice.tags:
        with work.db.write(work.actor) as tx:
            for tag in work.choice.tags:
                point(tx, tag, version_id)
