"""Runs of the backup schedule: one row of `job_runs` for each slot."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.backups.scheduled import JOB, Attempt, Outcome
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import job_runs
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_c = job_runs.c
_CLAIM = sa.text(
    "INSERT INTO job_runs (job, slot, host, pid, fencing_token, started_at) "
    "VALUES (:job, :slot, :host, :pid, 1, :started_at) ON CONFLICT (job, slot) DO NOTHING"
).bindparams(
    sa.bindparam("slot", type_=_c.slot.type), sa.bindparam("started_at", type_=_c.started_at.type)
)

_RUNS = sa.select(*(_c[f.name] for f in fields(Attempt))).where(_c.job == JOB)
_OPEN = {"ended_at": None, "outcome": None, "error": None}


def of_slot(view: View, slot: datetime) -> Attempt | None:
    """The run that was begun for this time of the schedule."""
    row = view.conn.execute(_RUNS.where(_c.slot == slot)).first()
    return None if row is None else Attempt(*row)


def before(view: View, moment: datetime) -> Attempt | None:
    """The newest run whose time of the schedule was not after a moment."""
    query = _RUNS.where(_c.slot <= moment).order_by(_c.slot.desc()).limit(1)
    row = view.conn.execute(query).first()
    return None if row is None else Attempt(*row)


def begin(
    tx: Transaction, slot: datetime, seen: Attempt | None, host: str, pid: int
) -> Attempt | None:
    """Begin the run of a slot, or begin it again where it was killed, put off or failed.

    Args:
        tx: The open transaction.
        slot: The time at which the schedule fired.
        seen: The run as it was seen.
        host: This computer.
        pid: This process.

    Returns:
        The run; None where another process was faster.
    """
    who = {"host": host, "pid": pid, "started_at": tx.now}
    if seen is None:
        done = tx.conn.execute(_CLAIM, {"job": JOB, "slot": slot} | who)
    else:
        same = (_c.id == seen.id) & (_c.fencing_token == seen.fencing_token)
        again = who | {"fencing_token": seen.fencing_token + 1} | _OPEN
        as_seen = _c.outcome.is_not_distinct_from(seen.outcome)
        done = tx.conn.execute(job_runs.update().where(same, as_seen).values(again))
    if done.rowcount != 1:
        return None
    run = of_slot(tx, slot)
    if run is not None:
        _tell(tx, run, seen)
    return run


def end(tx: Transaction, run: Attempt, outcome: Outcome, error: str | None) -> None:
    """Note how a run ended, unless another process took it over meanwhile."""
    same = (_c.id == run.id) & (_c.fencing_token == run.fencing_token)
    failures = run.failures + (outcome == "failed")
    new = {
        "ended_at": tx.now,
        "outcome": outcome,
        "error": error,
        "numbers": {"failures": failures} if failures else None,
    }
    if tx.conn.execute(job_runs.update().where(same).values(new)).rowcount == 1:
        told = new | {"ended_at": tx.now.isoformat()}
        tx.record(AuditEvent(Operation.UPDATE, job_runs.name, run.id, _OPEN, told))


def _tell(tx: Transaction, run: Attempt, before: Attempt | None) -> None:
    def told(each: Attempt) -> dict[str, object]:
        changed = {"host": each.host, "pid": each.pid, "fencing_token": each.fencing_token}
        how = {"outcome": each.outcome, "error": each.error}
        return changed | how | {"started_at": each.started_at.isoformat()}

    if before is None:
        new = {"job": JOB, "slot": run.slot.isoformat()} | told(run)
        tx.record(AuditEvent(Operation.CREATE, job_runs.name, run.id, new_values=new))
    else:
        tx.record(AuditEvent(Operation.UPDATE, job_runs.name, run.id, told(before), told(run)))
