"""The row of `erasures` by which an interrupted erasure is found and finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.store.models import erasures, technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_c = erasures.c


@dataclass(frozen=True, slots=True)
class Saga:
    """One erasure, as far as it has come; fields as the columns of `erasures`."""

    id: int
    subject_id: str
    technician_row: int | None
    request_id: int | None
    labels: LabelChoice
    ground: str
    identifier: str | None
    steps: list[dict[str, Any]]
    started_at: datetime
    finished_at: datetime | None
    certificate: dict[str, Any] | None

    def step(self, name: str) -> dict[str, Any] | None:
        """What a step left; None before it is done."""
        return next((step for step in self.steps if step["step"] == name), None)


def find(view: View, wanted: int | str) -> Saga | None:
    """The erasure of a person so called: while it is unfinished; by subject id also later."""
    condition: sa.ColumnElement[bool]
    if isinstance(wanted, int):
        condition = (_c.technician_row == wanted) & _c.finished_at.is_(None)
    else:
        condition = sa.or_(_c.identifier == wanted, _c.subject_id == wanted)
    return _first(view, condition)


def of_subject(view: View, subject_id: str) -> Saga | None:
    """The erasure of a subject."""
    return _first(view, _c.subject_id == subject_id)


def unfinished(view: View) -> list[Saga]:
    """Interrupted erasures, oldest first."""
    query = _select().where(_c.finished_at.is_(None)).order_by(_c.id)
    return [Saga(*row) for row in view.conn.execute(query)]


def _first(view: View, condition: sa.ColumnElement[bool]) -> Saga | None:
    row = view.conn.execute(_select().where(condition).order_by(_c.id.desc()).limit(1)).first()
    return None if row is None else Saga(*row)


def _select() -> sa.Select[Any]:
    return sa.select(*(_c[f.name] for f in fields(Saga)))


def start(tx: Transaction, values: Mapping[str, Any], pseudonym: str) -> int:
    """Begin an erasure; the technician is not active any more from here on."""
    row = values["technician_row"]
    if row is not None:
        t = technicians.c
        tx.conn.execute(technicians.update().where(t.id == row).values(is_active=False))
    steps = [told(tx, "started", {"pseudonym": pseudonym})]
    return rows.insert(tx, erasures, {**values, "steps": steps, "started_at": tx.now})


def told(tx: Transaction, step: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """A step as it is kept."""
    return {"step": step, "at": timestamp_text(tx.now), **counts}


def lock(tx: Transaction, subject_id: str) -> Saga:
    """The erasure as it is now; whoever else would go on with it waits."""
    tx.dialect.lock_table(tx.conn, erasures)
    saga = of_subject(tx, subject_id)
    if saga is None:
        raise RuntimeError(f"the erasure of {subject_id} has vanished")  # rows are never deleted
    return saga


def add_step(tx: Transaction, saga: Saga, step: str, counts: Mapping[str, Any]) -> None:
    """Note a step as done, once."""
    if saga.step(step) is None:
        change(tx, saga, steps=[*saga.steps, told(tx, step, counts)])


def change(tx: Transaction, saga: Saga, **values: Any) -> None:
    """Change columns of the row."""
    rows.update(tx, erasures, saga.id, values)
