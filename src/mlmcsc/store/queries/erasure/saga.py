"""The row of `erasures` by which an interrupted erasure is found and finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.errors import ConflictError
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

    @property
    def pseudonym(self) -> str:
        """What stands in the place of the person's names."""
        return str((self.step("started") or {})["pseudonym"])

    def refuse_abandoned(self) -> None:
        """Stop before anything more is done.

        Raises:
            ConflictError: The erasure is being taken back.
        """
        if self.step("abandoned") is not None:
            raise ConflictError(
                f"The erasure of {self.subject_id} is being taken back: run `mlmcsc privacy "
                f"abandon {self.subject_id}` to the end first."
            )

    @property
    def without_keys(self) -> bool:
        """Whether sealed texts are passed over, as their master key was destroyed."""
        return bool((self.step("started") or {}).get("without_keys"))


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


def start(
    tx: Transaction, values: Mapping[str, Any], pseudonym: str, *, without_keys: bool = False
) -> int:
    """Begin an erasure; the technician is not active any more from here on."""
    row, t = values["technician_row"], technicians.c
    active = technicians.update().where(t.id == row, t.is_active.is_(True)).values(is_active=False)
    was_active = row is not None and tx.conn.execute(active).rowcount > 0
    if was_active:
        _tell_activity(tx, row, is_active=False)
    first = {"pseudonym": pseudonym, "was_active": was_active}
    if without_keys:
        first["without_keys"] = True
    steps = [told(tx, "started", first)]
    return rows.insert(tx, erasures, {**values, "steps": steps, "started_at": tx.now})


def _tell_activity(tx: Transaction, row: int, *, is_active: bool) -> None:
    before, after = {"is_active": not is_active}, {"is_active": is_active}
    tx.record(AuditEvent(Operation.ERASE, technicians.name, row, before, after))


def told(tx: Transaction, step: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """A step as it is kept."""
    return {"step": step, "at": timestamp_text(tx.now), **counts}


def lock_table(tx: Transaction) -> None:
    """Whoever else would go on with an erasure waits."""
    tx.dialect.lock_table(tx.conn, erasures)


def lock(tx: Transaction, subject_id: str) -> Saga:
    """The erasure as it is now; whoever else would go on with it waits."""
    lock_table(tx)
    saga = of_subject(tx, subject_id)
    if saga is None:
        raise ConflictError(f"The erasure of {subject_id} was abandoned meanwhile.")
    return saga


def add_step(
    tx: Transaction,
    saga: Saga,
    step: str,
    counts: Mapping[str, Any],
    summary: Mapping[str, Any] | None = None,
) -> None:
    """Note a step as done, once, with its event.

    Args:
        tx: The open transaction.
        saga: The erasure.
        step: Which.
        counts: What it did, as it is kept and certified.
        summary: The same for the event, in few words; the numbers among `counts` by default.
    """
    if saga.step(step) is not None:
        return
    numbers = {name: value for name, value in counts.items() if type(value) is int}
    change(tx, saga, steps=[*saga.steps, told(tx, step, counts)])
    tell(tx, saga, {"step": step, **(numbers if summary is None else summary)})


def forget_step(tx: Transaction, saga: Saga, step: str, summary: Mapping[str, Any]) -> None:
    """A step has to be done again; the event tells why."""
    change(tx, saga, steps=[each for each in saga.steps if each["step"] != step])
    tell(tx, saga, summary)


def tell(tx: Transaction, saga: Saga, summary: Mapping[str, Any]) -> None:
    """An event on the erasure."""
    tx.record(AuditEvent(Operation.ERASE, erasures.name, saga.id, None, summary))


def abandon(tx: Transaction, saga: Saga) -> None:
    """Take back an erasure that has erased nothing; the person is as before."""
    row, t = saga.technician_row, technicians.c
    if row is not None and (saga.step("started") or {}).get("was_active"):
        tx.conn.execute(technicians.update().where(t.id == row).values(is_active=True))
        _tell_activity(tx, row, is_active=True)
    tx.conn.execute(erasures.delete().where(_c.id == saga.id))
    tell(tx, saga, {"step": "abandoned"})


def under_way(view: View) -> set[str]:
    """Subject ids of people whose erasure is begun and not finished."""
    return {
        who
        for each in unfinished(view)
        for who in (each.subject_id, *(each.step("ledger") or {}).get("sha256", ()))
    }


def change(tx: Transaction, saga: Saga, **values: Any) -> None:
    """Change columns of the row."""
    rows.update(tx, erasures, saga.id, values)
