"""Batch by batch: one transaction and one event each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.retention import AppliedType, DataType, Periods
from mlmcsc.services.retention.archived import ARCHIVED
from mlmcsc.store.queries import redaction, removal
from mlmcsc.store.queries.retention import batches, files
from mlmcsc.store.queries.retention.sources import Source
from mlmcsc.store.uow import Store, Transaction

BATCH_ROWS = 5_000
"""Rows per transaction: other writers wait no longer than for a bulk import."""
IMAGE_BATCH_ROWS = 2_000
"""Images per transaction: each takes its vectors with it."""
EXAMPLES = 5
"""Paths that the report names of the files that stay."""


@dataclass(slots=True)
class Work:
    """One application of the periods.

    Attributes:
        db: The database.
        actor: In whose name.
        cutoffs: By data type; the moment before which its rows are due.
        periods: Days by data type, for the events.
        progress: Told how far it has come.
        files_left: Files of the laboratory whose images were deleted.
        examples_left: Paths of the first of them.
    """

    db: Store
    actor: Actor
    cutoffs: Mapping[str, datetime]
    periods: Periods
    progress: Callable[[str, int, int], None]
    files_left: int = 0
    examples_left: list[str] = field(default_factory=list)

    def apply(self, kind: DataType, expected: int) -> AppliedType:
        """Deal with one data type, whatever number there is by now; `expected` is for progress."""
        size = IMAGE_BATCH_ROWS if kind.name == "images" else BATCH_ROWS
        along: Counter[str] = Counter()
        rows = n_batches = after = 0
        self.progress(kind.name, 0, expected)
        while True:
            with self.db.write(self.actor) as tx:
                of, ids = batches.take(tx, kind.name, self.cutoffs, after_id=after, size=size)
                if not len(ids):
                    break
                along.update(self._batch(tx, kind, of, ids))
            rows, n_batches, after = rows + len(ids), n_batches + 1, int(ids[-1])
            self.progress(kind.name, rows, max(rows, expected))
        return AppliedType(kind.name, kind.action, rows, n_batches, dict(along))

    def _batch(
        self, tx: Transaction, kind: DataType, of: Source, ids: NDArray[np.int64]
    ) -> Mapping[str, int]:
        content = batches.digest(tx, of.table, ids)
        along = self._go(tx, kind, of, ids)
        days = self.periods[kind.name]
        ground = {
            "ground": f"retention.{kind.setting} = {days} days after {kind.since}",
            "cutoff": self.cutoffs[kind.name].isoformat(),
            "along": along,
        }
        tx.record(batches.event(of.table.name, ids, content, ground))
        return along

    def _go(
        self, tx: Transaction, kind: DataType, of: Source, ids: NDArray[np.int64]
    ) -> dict[str, int]:
        """Delete or redact the rows; says what went with them, by table."""
        in_ids = tx.dialect.ids_in(of.table.c.id, ids)
        match kind.name:
            case "labels":
                along = batches.revisions_of(tx, ids)
                removal.delete_labels(tx, in_ids)
                return {"label_revisions": along}
            case "predictions":
                removal.delete_predictions(tx, in_ids)
            case "images":
                return self._images(tx, ids)
            case name if name in ARCHIVED:
                batches.forget_archives(tx, ids)
            case "audit":
                redaction.redact_who(tx, in_ids)
                redaction.redact_payload(tx, in_ids)
            case _:
                batches.delete(tx, of.table, ids)
        return {}

    def _images(self, tx: Transaction, ids: NDArray[np.int64]) -> dict[str, int]:
        left, own = files.leftovers(tx, ids)
        gone = removal.delete_images(tx, ids)
        files.note(tx, left)
        self.files_left += len(own)
        self.examples_left += own[: EXAMPLES - len(self.examples_left)]
        return {"labels": gone.labels, "predictions": gone.predictions, "features": gone.features}
