"""Whether a scheduled backup is due, from what was made and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from mlmcsc.domain.records import Record
from mlmcsc.domain.schedule import due, latest_time, next_time

JOB: Final = "backup"
"""What it is called in `job_runs`."""
LONGEST: Final = timedelta(hours=24)
"""A run on another computer, of which nothing was heard for so long, is taken for dead."""
PAUSE: Final = timedelta(minutes=10)
"""After the first failure; after each further one twice as long."""


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
        outcome: `made`, `failed`, or `postponed` where the place was busy or somebody broke it
            off; None while it runs, or where it was killed.
        error: Why it failed.
        ended_at: When it did, UTC.
        numbers: `failures`: how often it failed by now.
    """

    id: int
    slot: datetime
    host: str
    pid: int
    fencing_token: int
    started_at: datetime
    outcome: Outcome | None
    error: str | None
    ended_at: datetime | None = None
    numbers: Mapping[str, int] | None = None

    @property
    def failures(self) -> int:
        """How often it failed by now."""
        return (self.numbers or {}).get("failures", 0)

    @property
    def again_at(self) -> datetime:
        """When a run that failed is tried again: after 10 minutes, then 20, 40, up to a day."""
        doubled = PAUSE * (1 << min(max(self.failures - 1, 0), 10))
        return (self.ended_at or self.started_at) + min(doubled, LONGEST)


@dataclass(frozen=True, slots=True)
class DueBackup(Record):
    """What the schedule says.

    Attributes:
        due: Whether a backup should be made now.
        reason: Why, or why not.
        slot: The time at which the schedule last fired, UTC; None where it is switched off.
        next_at: When it fires next, or what failed is tried again, UTC.
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

    Slots that were missed make one backup, not many. A slot whose run failed is tried again after
    growing pauses, at most until the next slot; one whose run was killed, or that found the place
    busy, at once.

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
        return DueBackup(True, f"{schedule!r} fired at {slot:{_TIME}} UTC; {since}", slot, after)  # noqa: FBT003  a record's field
    if tried.outcome == "made":
        return DueBackup(False, f"{_which(tried)} was made already", slot, after)  # noqa: FBT003  a record's field
    wait, reason = waiting(tried, now, alive=alive)
    again = tried.again_at if wait and tried.outcome == "failed" else after
    return DueBackup(not wait, reason, slot, min(again, after))


_TIME: Final = "%Y-%m-%d %H:%M"


def waiting(tried: Attempt, now: datetime, *, alive: bool) -> tuple[bool, str]:
    """Whether a run that made nothing, or did not drill it, has to be left alone yet; and why."""
    which = _which(tried)
    match tried.outcome:
        case "failed":
            told = f"{which} failed: {tried.error}"
            if now < tried.again_at:
                return True, f"{told} It is tried again at {tried.again_at:{_TIME}} UTC"
            return False, told
        case "postponed":
            return False, f"{which} was put off: {tried.error}"
    if alive and now - tried.started_at < LONGEST:
        since = f"{tried.started_at:{_TIME}} UTC"
        return True, f"process {tried.pid} on {tried.host} is making it since {since}"
    return False, f"the process that made {which} was killed"


def _which(tried: Attempt) -> str:
    return f"the one of {tried.slot:{_TIME}} UTC"
