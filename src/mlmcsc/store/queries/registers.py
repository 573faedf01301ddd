"""Registers keyed by a name of the laboratory's own: technicians, specimens, model versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import Field
from mlmcsc.domain.records import Record
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import model_versions
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

RecordT = TypeVar("RecordT", bound=Record)


def lock(tx: Transaction, table: sa.Table) -> None:
    """Keep other writers off a table, so that look-then-write sees what it writes to."""
    tx.dialect.lock_table(tx.conn, table)


def register(
    tx: Transaction,
    table: sa.Table,
    kind: Callable[..., Record],
    key: str,
    values: Mapping[str, Any],
) -> int:
    """Add an entry, or return the id of the same entry registered before.

    Registering twice is harmless as long as both say the same; what the second call leaves out
    is not compared.

    Raises:
        ConflictError: If the entry exists and a given value differs.
    """
    lock(tx, table)
    before = rows.first(tx, table, kind, **{key: values[key]})
    if before is not None:
        known = before.to_dict()
        differing = {k: v for k, v in values.items() if v is not None and known[k] != v}
        if differing:
            told = "; ".join(f"{k} is {known[k]!r}, not {v!r}" for k, v in differing.items())
            raise ConflictError(
                f"{key} {values[key]!r} is registered already and differs: {told}. "
                "Use another name, or update the entry."
            )
        return int(known["id"])
    given = {k: v for k, v in values.items() if v is not None}
    record_id = rows.insert(tx, table, given | {"created_at": tx.now})
    whole = rows.get(tx, table, kind, record_id)  # with what the database filled in
    if whole is None:
        raise AssertionError(f"{table.name} {record_id} vanished inside its own transaction")
    row = {k: v for k, v in whole.to_dict().items() if k != "id"}
    tx.record(AuditEvent(Operation.CREATE, table.name, record_id, new_values=row))
    return record_id


def find(
    view: View, table: sa.Table, kind: Callable[..., RecordT], key: Field, wanted: Any
) -> RecordT | None:
    """The entry with this id (a whole number) or name (text), or None.

    Raises:
        ValidationError: If it is neither, or no name could look so.
    """
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
        return rows.get(view, table, kind, int(wanted))
    if not isinstance(wanted, str):
        raise key.wrong(wanted, "text, or the id, a whole number")
    return rows.first(view, table, kind, **{key.name: key.check(wanted)})


def change(
    tx: Transaction, table: sa.Table, before: Record, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Change an entry's given values, with one event; returns what really changed."""
    changed = alter(tx, table, before, values)
    record_changes(tx, Operation.UPDATE, table.name, changed)
    return dict(changed[0].after or {}) if changed else {}


def alter(
    tx: Transaction, table: sa.Table, before: Record, values: Mapping[str, Any]
) -> list[Change]:
    """Change an entry's given values; the caller records what is returned: one change or none."""
    known = before.to_dict()
    changed = {k: v for k, v in values.items() if known[k] != v}
    if not changed:
        return []
    stamp = {"updated_at": tx.now} if "updated_at" in table.c else {}
    rows.update(tx, table, known["id"], changed | stamp)
    return [Change(known["id"], {k: known[k] for k in changed}, changed)]


def activate_model(tx: Transaction, model_id: int) -> None:
    """Make one model the active one, and no other; those that were active are told."""
    c = model_versions.c
    others = tx.conn.scalars(sa.select(c.id).where(c.is_active, c.id != model_id)).all()
    tx.conn.execute(
        model_versions.update().where(tx.dialect.ids_in(c.id, others)).values(is_active=False)
    )
    tx.conn.execute(model_versions.update().where(c.id == model_id).values(is_active=True))
    was, now = {"is_active": True}, {"is_active": False}
    left = [Change(other, was, now) for other in others]
    record_changes(tx, Operation.UPDATE, model_versions.name, left)
