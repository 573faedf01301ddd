"""What an adoption wrote, table by table, so that the audit trail can prove it later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.privacy.places import identifier_places
from mlmcsc.store.adoption.original import TABLES
from mlmcsc.store.models import audit_logs, metadata
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.uow import Transaction


def contents(tx: Transaction) -> dict[str, dict[str, Any]]:
    """Rows, id range, columns and digest of each adopted table, and of the specimens made.

    The digest is over the rows by id, as stored, and made as `mlmcsc.store.queries.batches.digest`
    makes it. The columns are the original's without those that name a person: a digest cannot be
    redacted, and a guessed name could be tried on it. Adopted events have commitments of their own.
    """
    every = {"specimens": ("id", "specimen_id")} | TABLES
    return {
        name: _content(
            tx,
            metadata.tables[name],
            [column for column in columns if f"{name}.{column}" not in identifier_places()],
        )
        for name, columns in every.items()
        if name != audit_logs.name
    }


def _content(tx: Transaction, table: sa.Table, columns: Sequence[str]) -> dict[str, Any]:
    ids = np.fromiter(tx.conn.scalars(sa.select(table.c.id).order_by(table.c.id)), dtype=np.int64)
    told: dict[str, Any] = {"rows": len(ids)}
    if len(ids):
        told |= batches.id_span(ids)
        told |= {"columns": columns, "digest": batches.digest_rows(_rows(tx, table, columns))}
    return told


def _rows(tx: Transaction, table: sa.Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    query = sa.select(*(table.c[name] for name in columns)).order_by(table.c.id)
    for chunk in rows.stream(tx, query):
        yield from map(tuple, chunk)


def digest_of(found: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 (hex) over `[table, digest]` of every table that holds rows."""
    told = [(name, content["digest"]) for name, content in found.items() if "digest" in content]
    return batches.digest_rows(told)
