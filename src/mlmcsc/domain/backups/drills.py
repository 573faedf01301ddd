"""Drills: a backup restored to scratch and checked, and what that says of the next disaster.

RTO, the recovery time, is what a drill measured from the first byte read to a checked database
ready to be swapped in. RPO, the recovery point, is what would have been lost had the disk gone just
before this backup was whole: the time since the snapshot of the good backup before it. Both as in
NIST SP 800-34 rev. 1, but measured, not promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlmcsc.domain.backups.manifest import Kind
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class DrillCheck(Record):
    """One thing that was checked in the restored copy.

    Attributes:
        name: What.
        passed: Whether it is as it should be.
        message: What was found.
    """

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class ScratchReport(Record):
    """What restoring to scratch and checking there came to.

    Attributes:
        steps: Seconds by step, in their order.
        checks: What was checked.
    """

    steps: Mapping[str, float]
    checks: tuple[DrillCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is as it should be; where nothing was checked, nothing is proven."""
        return bool(self.checks) and all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class DrillReport(Record):
    """One drill.

    Attributes:
        id: Its number in `backup_drills`.
        backup: The backup.
        set_id: Which set that is.
        place: Folder or URL in which it lies.
        taken_at: When its snapshot was taken, UTC.
        started_at: When the drill began, UTC.
        passed: Whether the backup is proven; a drill that did not pass proves nothing.
        rto_seconds: Recovery time; of one that did not pass, the time until it failed.
        rpo_seconds: Recovery point; None for the first backup.
        details: `steps` (seconds by step), `checks` (name, passed, message).
    """

    id: int
    backup: str
    set_id: str
    place: str
    taken_at: datetime
    started_at: datetime
    passed: bool
    rto_seconds: float
    rpo_seconds: float | None
    details: Any

    @property
    def faults(self) -> list[str]:
        """What did not pass, in words."""
        checks = self.details["checks"]
        return [f"{each['name']}: {each['message']}" for each in checks if not each["passed"]]


@dataclass(frozen=True, slots=True)
class MadeBackup(Record):
    """A backup in the register, and how its last drill went.

    Attributes:
        id: Its row in `backups`.
        name: What it is called.
        place: Folder or URL.
        set_id: Which set.
        kind: Why it was made.
        taken_at: When its snapshot was taken, UTC.
        finished_at: When it was whole, UTC.
        manifest_sha256: SHA-256 (hex) of its manifest.
        pruned_at: When it was removed, if it was.
        failed_at: When it was found damaged, unless it was whole again at a later check.
        drill_passed: How its last drill went; None: it had none.
    """

    id: int
    name: str
    place: str
    set_id: str
    kind: Kind
    taken_at: datetime
    finished_at: datetime
    manifest_sha256: str
    pruned_at: datetime | None
    failed_at: datetime | None
    drill_passed: bool | None

    @property
    def good(self) -> bool:
        """Whether nothing speaks against it: its newest check and its newest drill did not fail."""
        return self.failed_at is None and self.drill_passed is not False


def recovery_point(made: Iterable[MadeBackup], this: MadeBackup) -> float | None:
    """Seconds of work that only `this` saved, when it was whole.

    Args:
        made: The register.
        this: One of them.

    Returns:
        From the snapshot of the newest good backup before `this` that was still there, to the
        moment when `this` was whole; None where there is none.
    """
    earlier = [
        each.taken_at
        for each in made
        if each.good
        and each.set_id != this.set_id
        and each.taken_at < this.taken_at
        and (each.pruned_at is None or each.pruned_at > this.finished_at)
    ]
    if not earlier:
        return None
    return max((this.finished_at - max(earlier)).total_seconds(), 0.0)  # a clock may be set back


@dataclass(frozen=True, slots=True)
class BackupStanding(Record):
    """How well the database is backed up, at a glance.

    Attributes:
        last_good: Name of the newest backup that is there and that no drill disproved.
        place: Where it lies.
        taken_at: When its snapshot was taken, UTC.
        age_hours: How long that is ago: what would be lost if the disk went now.
        drilled_at: When a backup was last restored to scratch, UTC.
        drill_passed: Whether that went well.
        drilled: Which one that was.
        rto_seconds: Recovery time of the last drill that passed.
        rpo_seconds: Recovery point of that one.
    """

    last_good: str | None
    place: str | None
    taken_at: datetime | None
    age_hours: float | None
    drilled_at: datetime | None
    drill_passed: bool | None
    drilled: str | None
    rto_seconds: float | None
    rpo_seconds: float | None


def standing(
    last_good: MadeBackup | None,
    last_drill: DrillReport | None,
    last_passed: DrillReport | None,
    now: datetime,
) -> BackupStanding:
    """The glance, from the newest of each."""
    name = place = taken_at = age = None
    if last_good is not None:
        name, place, taken_at = last_good.name, last_good.place, last_good.taken_at
        age = (now - taken_at) / timedelta(hours=1)
    return BackupStanding(
        last_good=name,
        place=place,
        taken_at=taken_at,
        age_hours=age,
        drilled_at=None if last_drill is None else last_drill.started_at,
        drill_passed=None if last_drill is None else last_drill.passed,
        drilled=None if last_drill is None else last_drill.backup,
        rto_seconds=None if last_passed is None else last_passed.rto_seconds,
        rpo_seconds=None if last_passed is None else last_passed.rpo_seconds,
    )


def concern(found: BackupStanding, unsaved_hours: float, limit_hours: float) -> tuple[bool, str]:
    """Whether that is a reason to warn, and what to say.

    Args:
        found: The glance.
        unsaved_hours: Age of the database itself, for one without any backup.
        limit_hours: From which age of the last good backup on to warn.
    """
    if found.age_hours is None:
        told = f"no good backup in {unsaved_hours:.0f} h" if unsaved_hours >= 1 else "no backup yet"
        return unsaved_hours > limit_hours, f"{told}. Make one: `mlmcsc backup create`."
    told = f"{found.last_good}, {found.age_hours:.1f} h ago"
    if found.age_hours > limit_hours:
        return True, (
            f"{told}, more than {limit_hours:g} h. Make one with `mlmcsc backup create`, and have "
            "`mlmcsc backup auto` run regularly."
        )
    if found.drill_passed is False:
        return True, (
            f"{told}; but {found.drilled} could not be restored. See `mlmcsc backup history`, then "
            "make another and drill it: `mlmcsc backup drill`."
        )
    if found.rto_seconds is None:
        return False, f"{told}; none was drilled yet (`mlmcsc backup drill`)"
    return False, f"{told}; last drill restored it in {found.rto_seconds:.1f} s"
