"""What has happened since a version was made."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.checks import VersionStatus
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.services.version_checks.image_files import Depth, frozen_images, look_at_images
from mlmcsc.store.uow import Store

NEW = (Operation.CREATE, Operation.INGEST, Operation.RESTORE)
CHANGED = (Operation.UPDATE, Operation.VERIFY)
GONE = (Operation.DELETE, Operation.RETAIN, Operation.ARCHIVE, Operation.ERASE)


def status_since(
    db: Store,
    folder: VersionFolder,
    record: DataVersionRecord,
    events: Mapping[tuple[str, str], int],
    auto_new_labels: int | None,
    began: float,
) -> VersionStatus:
    """Counts of events, and of the version's files that are others by now, as far as stat tells."""

    def count(table: str, operations: tuple[Operation, ...]) -> int:
        return sum(events.get((table, each.value), 0) for each in operations)

    pages = frozen_images(folder.rows(read_layers(record.layers), ("path", "content_hash")))
    files = changed = missing = 0
    for seen in look_at_images(db, pages, Depth.STATUS, workers=1):
        files += 1
        if seen.problem is not None:
            missing += seen.problem.startswith("missing")
            changed += not seen.problem.startswith("missing")
    new, corrected = count("labels", NEW), count("labels", CHANGED)
    left = None if auto_new_labels is None else max(0, auto_new_labels - new - corrected)
    return VersionStatus(
        version=record.version,
        created_at=record.created_at,
        rows=files,
        new_labels=new,
        changed_labels=corrected,
        deleted_labels=count("labels", GONE),
        new_images=count("images", NEW),
        deleted_images=count("images", GONE),
        files=files,
        changed_files=changed,
        missing_files=missing,
        next_auto_in=left,
        seconds=time.perf_counter() - began,
    )
