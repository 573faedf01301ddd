"""Rows that were changed or removed, told with their values before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.queries.batches import digest, id_span
from mlmcsc.store.uow import Transaction

PER_EVENT = 500
"""Rows whose values before and after one audit event holds."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed of one row; `after` is None when it was removed."""

    id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any] | None


def record_changes(
    tx: Transaction, operation: Operation, table: str, changes: Sequence[Change]
) -> None:
    """One event for one row, else one per batch with every row's values and a digest.

    A batch's event holds `{id: values}` before and after, the id range after, and the digest of the
    rows `[id, before, after]` by id, as `batches.digest` makes it.
    """
    for start in range(0, len(changes), PER_EVENT):
        batch = sorted(changes[start : start + PER_EVENT], key=lambda change: change.id)
        tx.record(
            _single(operation, table, batch[0])
            if len(batch) == 1
            else _batch(operation, table, batch)
        )


def _single(operation: Operation, table: str, change: Change) -> AuditEvent:
    return AuditEvent(operation, table, change.id, change.before, change.after)


def _batch(operation: Operation, table: str, batch: Sequence[Change]) -> AuditEvent:
    ids = [change.id for change in batch]
    before = [dict(change.before) for change in batch]
    after = [None if change.after is None else dict(change.after) for change in batch]
    names = [str(each) for each in ids]
    return AuditEvent(
        operation,
        table,
        old_values=dict(zip(names, before, strict=True)),
        new_values=id_span(np.asarray(ids, dtype=np.int64)) | dict(zip(names, after, strict=True)),
        n_rows=len(batch),
        digest=digest([ids, before, after]),
    )


def merged(changes: Iterable[Change]) -> list[Change]:
    """One change per row: its first values before, its last values after."""
    found: dict[int, Change] = {}
    for change in changes:
        earlier = found.get(change.id)
        found[change.id] = change if earlier is None else _joined(earlier, change)
    return list(found.values())


def _joined(earlier: Change, later: Change) -> Change:
    before = {**later.before, **earlier.before}
    after = None if later.after is None else {**(earlier.after or {}), **later.after}
    return Change(later.id, before, after)
