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
        OvertakenError: Labels or images were deleted meanwhile, somebody was erased or restricted,
            or a file went; nothing was written.
        VectorsChangedError: Vectors were written meanwhile; nothing was written.
    """
    bars, images = _histogram(work, drafted), freeze_ahead(work, drafted.selection.images)
    values = _row(work, drafted) | {"label_distribution": bars}
    try:
        with work.db.write(work.actor) as tx:
            # Before any other lock: retention takes this one last, so neither waits for the other.
            freeze(tx, images)
            version_writes.set_freezing(tx, begun=False)
            return _insert(tx, work, drafted, values)
    except OvertakenError:
        work.folder.remove_manifest(values["id"], drafted.root)
        raise


def _insert(
    tx: Transaction, work: Work, drafted: Draft, values: Mapping[str, Any]
) -> DataVersionRecord:
    choice = work.choice
    registers.lock(tx, data_versions)
    if version_writes.named(tx, choice.version) is not None:
        raise ConflictError(f"Version {choice.version!r} was made meanwhile by somebody else.")
    held = holding.mark(tx, drafted.held)
    _refuse_overtaken(tx, drafted, values["id"])
    version_writes.insert_version(tx, values, held)
    # Not the histogram: the trail keeps it for good, and it would tell of values that are erased.
    told = {name: value for name, value in values.items() if name != "label_distribution"}
    tx.record(
        AuditEvent(
            Operation.CREATE,
            "data_versions",
            values["id"],
            new_values=told | {"created_at": values["created_at"].isoformat()},
            n_rows=values["total_images"],
            digest=drafted.root,
        )
    )
    for tag in choice.tags:
        point(tx, tag, values["id"])
    return version_queries.find(tx, choice.version)


def _refuse_overtaken(tx: Transaction, drafted: Draft, version_id: int) -> None:
    if not version_writes.all_there(tx, drafted.votes.label_ids, drafted.labels):
        raise OvertakenError("Labels of the version were deleted while it was made.")
    if version_writes.people_seen(tx) != drafted.people:
        raise OvertakenError("Somebody was erased or restricted while the version was made.")
    if version_writes.taken(tx, version_id):
        raise OvertakenError("Another version was recorded while this one was made.")


def _row(work: Work, drafted: Draft) -> dict[str, Any]:
    """The row of `data_versions`; its manifest file is on disk before any transaction begins."""
    choice, layers, now = work.choice, drafted.layers or (), work.db.clock()
    for layer in layers:
        if not work.folder.is_whole(layer):
            raise OvertakenError(f"{work.folder.place(layer.sha256)} went while it was needed.")
    manifest = drafted.manifest(work, now.isoformat())
    with work.db.write(work.actor) as tx:  # writes nothing but, on a server, the sequence
        version_id = version_writes.next_id(tx)
        while work.folder.manifest_path(version_id, drafted.root).exists():  # a restored database
            version_id = max(version_id + 1, version_writes.next_id(tx))
        document = manifest.signed(lambda message: tx.vault.sign(tx, message))
    work.folder.write_manifest(version_id, document)
    train, val, test = manifest.ratios
    return {
        "id": version_id,
        "version": choice.version,
        "name": choice.name or choice.version,
        "description": choice.description,
        "created_at": now,
        "created_by": work.actor.subject,
        "total_images": manifest.n_rows,
        "total_labels": len(drafted.votes.label_ids),
        "train_split": train,
        "val_split": val,
        "test_split": test,
        "avg_quality_score": drafted.quality,
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
