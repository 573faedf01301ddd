"""Sealing what lies in clear: rows from before there was a vault, or written by raw SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import label_revisions, labels, subjects, technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.batches import digest, id_span
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import PREFIX, is_clear

CHUNK: Final = 5_000
FACTS: Final = ("name", "email", "department")


def seal_records(tx: Transaction) -> list[AuditEvent]:
    """Seal every personal text in clear of technicians, labels and their revisions.

    Returns:
        Events that tell of it, one a batch, for the caller to record.
    """
    revised = sa.select(label_revisions).join(labels, labels.c.id == label_revisions.c.label_id)
    return [
        *_seal_technicians(tx),
        *_seal_notes(tx, labels, sa.select(labels)),
        *_seal_notes(tx, label_revisions, revised),
    ]


def sealed_event(table: sa.Table, changed: Sequence[Mapping[str, Any]]) -> AuditEvent:
    """What tells of one batch.

    Args:
        table: Where it was sealed.
        changed: The sealed columns of each row, and its id as `row_id`; ascending. The digest is
            that of these rows, as `batches.digest` makes it.
    """
    ids = np.fromiter((row["row_id"] for row in changed), dtype=np.int64)
    names = [name for name in changed[0] if name != "row_id"]
    columns = [[row[name] for row in changed] for name in names]
    return AuditEvent(
        Operation.SEAL,
        table.name,
        new_values=id_span(ids) | {"columns": ["id", *names]},
        n_rows=len(ids),
        digest=digest([ids, *columns]),
    )


def _seal_technicians(tx: Transaction) -> Iterable[AuditEvent]:
    """Give every technician a subject, and seal names and addresses that lie in clear."""
    c = technicians.c
    query = sa.select(c.id, c.technician_id, *(c[name] for name in FACTS)).where(~_is_erased())
    for chunk in rows.by_id(tx, technicians, query, CHUNK):
        who = {row.id: tx.vault.person(tx, row.technician_id, row.id) for row in chunk}
        seal = tx.vault.sealer(tx, who.values())
        changed = [
            {"row_id": row.id}
            | {
                name: seal(who[row.id], text) if is_clear(text) else text
                for name in FACTS
                for text in [getattr(row, name)]
            }
            for row in chunk
            if any(is_clear(getattr(row, name)) for name in FACTS)
        ]
        if changed:
            rows.update_many(tx, technicians, changed)
            yield sealed_event(technicians, changed)


def _seal_notes(tx: Transaction, table: sa.Table, source: sa.Select[Any]) -> Iterable[AuditEvent]:
    """Seal the notes of a table under the key of the label's technician."""
    people = _subjects(tx)
    seal = tx.vault.sealer(tx, people.values())
    owner = labels.c.technician_id
    query = source.with_only_columns(table.c.id, owner, table.c.notes).where(
        table.c.notes.is_not(None),
        ~table.c.notes.startswith(PREFIX, autoescape=True),
        tx.dialect.ids_in(owner, people),
    )
    for chunk in rows.by_id(tx, table, query, CHUNK):
        changed = [{"row_id": r[0], "notes": seal(people[r[1]], r[2])} for r in chunk]
        rows.update_many(tx, table, changed)
        yield sealed_event(table, changed)


def _is_erased() -> sa.ColumnElement[bool]:
    """Of technicians: they bear a pseudonym in clear, and are nobody to the vault."""
    s = subjects.c
    return sa.exists().where(s.technician_id == technicians.c.id, s.erased_at.is_not(None))


def _subjects(tx: Transaction) -> dict[int, str]:
    c = technicians.c
    found = tx.conn.execute(sa.select(c.id, c.technician_id).where(~_is_erased())).all()
    return {row.id: tx.vault.person(tx, row.technician_id, row.id) for row in found}
