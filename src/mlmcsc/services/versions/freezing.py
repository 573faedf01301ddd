"""Keeping a version's images from being deleted, in steps short enough for technicians.

A first version of a million images would hold SQLite's only writer for seconds. All images but the
last few thousand are frozen ahead, before the version is there. A note in the database tells of
it, so that the next creation releases them should this one not come to its end.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import IntegrityError, OvertakenError
from mlmcsc.services.versions.work import Work
from mlmcsc.store.queries import batches, version_writes
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Transaction

Ids = NDArray[np.int64]
STEP: Final = 40_000
"""Images frozen in one transaction: about 50 ms."""


def freeze_ahead(work: Work, image_ids: Ids) -> Ids:
    """Freeze all but the last of these images; those that the version's own transaction must.

    Args:
        work: The creation.
        image_ids: Ascending.

    Raises:
        OvertakenError: Images were deleted meanwhile.
    """
    with work.db.read() as view:
        left = np.setdiff1d(image_ids, version_writes.frozen_now(view), assume_unique=True)
    done, total = 0, len(left)
    while len(left) > STEP:
        work.progress("freezing images", done, total)
        with work.db.write(work.actor) as tx:
            freeze(tx, left[:STEP])
            version_writes.set_freezing(tx, begun=True)
            _record(tx, Operation.CREATE, left[:STEP])
        left, done = left[STEP:], done + STEP
    return left


def freeze(tx: Transaction, image_ids: Ids) -> None:
    """Freeze images that no version has.

    Raises:
        OvertakenError: One was deleted.
    """
    if not version_writes.freeze_images(tx, image_ids):
        raise OvertakenError("Images of the version were deleted while it was made.")


def release_ahead(work: Work) -> None:
    """Release what was frozen for a version that never came; call under the folder's lock."""
    with work.db.read() as view:
        if not version_writes.freezing(view):
            return
        left = version_writes.frozen_now(view)
        versions = [each for each in version_queries.every(view) if each.frozen]
    try:
        for version in versions:
            for batch in work.folder.rows(read_layers(version.layers), ("image_id",)):
                ids = batch.column("image_id").to_numpy()
                left = np.setdiff1d(left, ids, assume_unique=True)
    except IntegrityError:
        return  # which images a damaged version has cannot be told: all stay kept, and the note too
    parts = [left[start : start + STEP] for start in range(0, len(left), STEP)]
    for part in parts or [left]:
        with work.db.write(work.actor) as tx:
            version_writes.release_images(tx, part)
            version_writes.set_freezing(tx, begun=len(parts) > 0 and part is not parts[-1])
            _record(tx, Operation.DELETE, part)


def _record(tx: Transaction, operation: Operation, image_ids: Ids) -> None:
    told = {"id_ranges": batches.id_ranges(image_ids)}
    made = operation is Operation.CREATE
    tx.record(
        AuditEvent(
            operation,
            "frozen_images",
            old_values=None if made else told,
            new_values=told if made else None,
            n_rows=len(image_ids),
            digest=hashlib.sha256(image_ids.astype("<i8").tobytes()).hexdigest(),
        )
    )
