"""Counting rows beyond their period, and taking the next batch of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.retention import Cause, Due
from mlmcsc.store.models import archives, audit_logs, label_revisions, privacy_holds
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries.archives import register
from mlmcsc.store.queries.retention.sources import Source, source
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


def count_due(view: View, of: Source, before: datetime) -> Due:
    """Rows beyond their period, those held by cause, and the oldest moment, in one statement."""
    cases = [(held, cause.name) for cause, held in of.holds.items()]
    why: sa.ColumnElement[Any] = sa.case(*cases) if cases else sa.null()
    query = (
        sa.select(why.label("why"), sa.func.count(), sa.func.min(of.since))
        .where(of.due(before))
        .group_by("why")
    )
    found = view.conn.execute(query).all()
    held = {Cause[name]: int(count) for name, count, _ in found if name is not None}
    return Due(
        rows=sum(int(count) for _, count, _ in found),
        held_by={cause: held[cause] for cause in of.holds if cause in held},
        oldest=min((oldest for *_, oldest in found), default=None),
    )


def take(
    tx: Transaction, name: str, cutoffs: Mapping[str, datetime], *, after_id: int, size: int
) -> tuple[Source, NDArray[np.int64]]:
    """The source, and the next ids of its rows that are due and free, ascending; empty at the end.

    Until the commit no hold can be placed, and nothing can come that would hold such a row.
    """
    tx.dialect.lock_table(tx.conn, privacy_holds)
    of = source(tx, name, cutoffs)
    for table in of.locks:
        tx.dialect.lock_table(tx.conn, table)
    c = of.table.c
    query = (
        sa.select(c.id).where(of.free(cutoffs[name]), c.id > after_id).order_by(c.id).limit(size)
    )
    return of, np.asarray(tx.conn.scalars(query).all(), dtype=np.int64)


def forget_archives(tx: Transaction, ids: NDArray[np.int64]) -> None:
    """Delete archives' entries; their folders are noted as ones to be removed."""
    c = archives.c
    paths = tx.conn.scalars(sa.select(c.path).where(tx.dialect.ids_in(c.id, ids))).all()
    register.set_unfinished(tx, [*register.unfinished(tx), *paths])
    delete(tx, archives, ids)


def delete(tx: Transaction, table: sa.Table, ids: NDArray[np.int64]) -> None:
    """Delete rows that nothing refers to."""
    tx.conn.execute(table.delete().where(tx.dialect.ids_in(table.c.id, ids)))


def revisions_of(view: View, label_ids: NDArray[np.int64]) -> int:
    """How many earlier states these labels have."""
    return rows.count(
        view, label_revisions, view.dialect.ids_in(label_revisions.c.label_id, label_ids)
    )


def digest(view: View, table: sa.Table, ids: NDArray[np.int64]) -> tuple[list[str], str]:
    """Columns, and the SHA-256 (hex) over them of these rows, ascending by id.

    All columns; of an audit event its leaf, which commits to the rest and outlives redaction.
    """
    names = ["id", "leaf"] if table is audit_logs else list(table.c.keys())
    query = sa.select(*(table.c[name] for name in names)).order_by(table.c.id)
    found = view.conn.execute(query.where(view.dialect.ids_in(table.c.id, ids))).all()
    return names, batches.digest(list(zip(*found, strict=True)))


def event(
    table: str,
    ids: NDArray[np.int64],
    content: tuple[Sequence[str], str],
    ground: Mapping[str, Any],
) -> AuditEvent:
    """What the trail keeps of a batch: how many, which ids, a commitment to the rows, and why."""
    columns, sha256 = content
    return AuditEvent(
        Operation.RETAIN,
        table,
        int(ids[0]) if len(ids) == 1 else None,
        old_values=batches.id_span(ids) | {"columns": list(columns)},
        new_values=ground,
        n_rows=len(ids),
        digest=sha256,
    )


def inactive_technicians(view: View, before: datetime) -> list[int]:
    """Ids of technicians last active before the cut-off, not held, and not anonymous already."""
    people = source(view, "technicians", {})
    query = sa.select(people.table.c.id).where(people.free(before)).order_by(people.table.c.id)
    return list(view.conn.scalars(query))
