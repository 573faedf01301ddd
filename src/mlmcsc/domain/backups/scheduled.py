"""Whether a scheduled backup is due, from what was made and what was tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from mlmcsc.domain.records import Record
from mlmcsc.domain.schedule import due, latest_time, next_time

JOB: Final = "backup"
"""What it is called in `job_runs`."""
LONGEST: Final = timedelta(hours=24)
"""A run on another computer, of which nothing was heard for so long, is taken for dead."""


Outcome = Literal["made", "failed", "postponed"]


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """A run that was begun for a slot: a row of `job_runs`.

    Attributes:
        id: Its number.
        slot: The time at which the schedule fired.
        host: Computer.
        pid: Process there.
        fencing_token: How often it was begun.
        started_at: When it was last begun, UTC.
        outcome: `made`, `failed`, or `postponed` where the place was busy; None while it runs,
            or where it was killed.
        error: Why it failed.
    """

    id: int
    slot: datetime
    host: str
    pid: int
    fencing_token: int
    started_at: datetime
    outcome: Outcome | None
    error: str | None


@dataclass(frozen=True, slots=True)
class DueBackup(Record):
    """What the schedule says.

    Attributes:
        due: Whether a backup should be made now.
        reason: Why, or why not.
        slot: The time at which the schedule last fired, UTC; None where it is switched off.
        next_at: When it fires next, UTC.
    """

    due: bool
    reason: str
    slot: datetime | None
    next_at: datetime | None


def judge(
    schedule: str,
    last: datetime | None,
    tried: Attempt | None,
    now: datetime,
    *,
    alive: bool,
) -> DueBackup:
    """Whether a scheduled backup is due.

    Slots that were missed make one backup, not many. A slot whose run failed is not tried again;
    one whose run was killed, or that found the place busy, is.

    Args:
        schedule: When; see `domain.schedule`.
        last: When the snapshot of the newest scheduled backup was taken.
        tried: The run that was begun for the slot, if any.
        now: The time to judge by.
        alive: Whether the process of `tried` may still run.
    """
    slot, after = latest_time(schedule, now), next_time(schedule, now)
    if not due(schedule, last, now):
        return DueBackup(False, f"the last one is of {last:{_TIME}} UTC", slot, after)  # noqa: FBT003  a record's field
    since = "none was made yet" if last is None else f"the last one is of {last:{_TIME}} UTC"
    if tried is None:
        is_due, reason = True, f"{schedule!r} fired at {slot:{_TIME}} UTC; {since}"
    else:
        is_due, reason = _again(tried, now, alive=alive)
    return DueBackup(is_due, reason, slot, after)


_TIME: Final = "%Y-%m-%d %H:%M"


def _again(tried: Attempt, now: datetime, *, alive: bool) -> tuple[bool, str]:
    """Whether a slot for which a run was begun needs another."""
    which = f"the one of {tried.slot:{_TIME}} UTC"
    match tried.outcome:
        case "made":
            return False, f"{which} was made already"
        case "failed":
            return False, f"{which} failed: {tried.error}"
        case "postponed":
            return True, f"{which} was put off: {tried.error}"
    if alive and now - tried.started_at < LONGEST:
        since = f"{tried.started_at:{_TIME}} UTC"
        return False, f"process {tried.pid} on {tried.host} is making it since {since}"
    return True, f"the process that made {which} was killed"
