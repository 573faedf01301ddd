"""Counting rows beyond their period, and taking the next batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.retention import Cause, Due
from mlmcsc.store.models import privacy_holds
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries.retention.sources import Source
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


def count_due(view: View, source: Source, before: datetime) -> Due:
    """Rows beyond their period, those held by cause, and the oldest moment, in one statement."""
    cases = [(held, cause.name) for cause, held in source.holds.items()]
    why: sa.ColumnElement[Any] = sa.case(*cases) if cases else sa.null()
    query = (
        sa.select(why.label("why"), sa.func.count(), sa.func.min(source.since))
        .where(source.due(before))
        .group_by("why")
    )
    found = view.conn.execute(query).all()
    held = {Cause[name]: int(count) for name, count, _ in found if name is not None}
    return Due(
        rows=sum(int(count) for _, count, _ in found),
        held_by={cause: held[cause] for cause in source.holds if cause in held},
        oldest=min((oldest for *_, oldest in found), default=None),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """The next rows to deal with, kept from other writers until the transaction ends.

    Attributes:
        ids: Of rows that are due and not held, ascending, int64.
        last_id: Where the next batch goes on; None when there are no more.
    """

    ids: NDArray[np.int64]
    last_id: int | None


def take(tx: Transaction, source: Source, before: datetime, *, after_id: int, size: int) -> Batch:
    """The next `size` rows beyond their period; no hold can be placed before the commit."""
    tx.dialect.lock_table(tx.conn, privacy_holds)
    c = source.table.c
    wanted = sa.select(c.id).where(source.free(before), c.id > after_id).order_by(c.id).limit(size)
    found = tx.conn.scalars(wanted.with_for_update(of=source.table)).all()
    if not found:
        return Batch(np.empty(0, dtype=np.int64), None)
    # A label may have come to an image between the look at it and its lock; now none can.
    again = sa.select(c.id).where(tx.dialect.ids_in(c.id, found), source.free(before))
    ids = np.sort(np.asarray(tx.conn.scalars(again).all(), dtype=np.int64))
    return Batch(ids, int(found[-1]))


def delete(tx: Transaction, source: Source, ids: NDArray[np.int64]) -> None:
    """Delete rows that nothing refers to."""
    table = source.table
    tx.conn.execute(table.delete().where(tx.dialect.ids_in(table.c.id, ids)))


def digest(view: View, table: sa.Table, ids: NDArray[np.int64]) -> tuple[list[str], str]:
    """The table's columns, and the SHA-256 (hex) over these rows, ascending by id."""
    query = sa.select(table).where(view.dialect.ids_in(table.c.id, ids)).order_by(table.c.id)
    found = view.conn.execute(query).all()
    columns: Sequence[Any] = list(zip(*found, strict=True))
    return list(table.c.keys()), batches.digest(columns)


def event(
    table: str, ids: NDArray[np.int64], columns: list[str], sha256: str, ground: dict[str, Any]
) -> AuditEvent:
    """What the trail keeps of a batch: how many, which ids, a commitment to the rows, and why."""
    return AuditEvent(
        Operation.RETAIN,
        table,
        old_values={
            "first_id": int(ids[0]),
            "last_id": int(ids[-1]),
            "id_ranges": batches.id_ranges(ids),
            "columns": columns,
        },
        new_values=ground,
        n_rows=len(ids),
        digest=sha256,
    )


def inactive_technicians(view: View, source: Source, before: datetime) -> list[int]:
    """Ids of technicians whose last activity is beyond the cut-off, and whom nothing holds."""
    return list(view.conn.scalars(sa.select(source.table.c.id).where(source.free(before))))


__all__ = ["Batch", "count_due", "delete", "digest", "event", "rows", "take"]
