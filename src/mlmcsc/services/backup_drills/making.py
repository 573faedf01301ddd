"""The scheduled backup: made once for its slot by whoever is first, drilled, and pruned after."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from datetime import datetime

from mlmcsc.adapters.system import is_running
from mlmcsc.domain.backups.drills import DrillReport, MadeBackup
from mlmcsc.domain.backups.reports import BackupReport, PruneReport
from mlmcsc.domain.backups.scheduled import Attempt, DueBackup, Outcome, judge, waiting
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import Record
from mlmcsc.services.backup_drills.doors import Schedule
from mlmcsc.store.queries import backup_attempts as attempts
from mlmcsc.store.queries import backup_drills as drills
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class MadeDue(Record):
    """What a look at the schedule led to.

    Attributes:
        due: What the schedule said.
        made: The backup that was made, if any.
        drill: How its drill went; None where `backup.drill` is false.
        pruned: What went after it; None where nothing may: the drill did not pass.
        late: Drill of an earlier one, whose run was killed or failed before that.
    """

    due: DueBackup
    made: BackupReport | None = None
    drill: DrillReport | None = None
    pruned: PruneReport | None = None
    late: DrillReport | None = None

    @property
    def passed(self) -> bool:
        """Whether every drill of this call passed."""
        return all(each is None or each.passed for each in (self.drill, self.late))


@dataclass(frozen=True, slots=True)
class Slots:
    """Who makes the backup of a slot.

    Attributes:
        db: The open database.
        actor: In whose name.
        schedule: The settings.
    """

    db: Store
    actor: Actor
    schedule: Schedule

    def look(self, now: datetime) -> DueBackup:
        """What the schedule says; nothing is begun."""
        with self.db.read() as view:
            verdict, left = self._judge(view, now)[0], self._left(view, now)
        if left is None:
            return verdict
        return replace(verdict, due=True, reason=f"{left[1].name} was made, and not drilled yet")

    def take_up(self, now: datetime) -> tuple[Attempt, MadeBackup] | None:
        """A run that made its backup, and was killed or failed before that was drilled; now ours.

        None where there is none, or its process may be at work, or it failed a moment ago.
        """
        with self.db.read() as view:
            if self._left(view, now) is None:  # mostly: no write for that
                return None
        with self.db.write(self.actor) as tx:
            left = self._left(tx, now)
            run = left and attempts.begin(tx, left[0].slot, left[0], *_us())
        return (run, left[1]) if run and left else None

    def begin(self, now: datetime) -> tuple[DueBackup, Attempt | None]:
        """What the schedule says, and the run that is ours now, if we are the first."""
        with self.db.read() as view:
            verdict = self._judge(view, now)[0]
        if not verdict.due:
            return verdict, None
        with self.db.write(self.actor) as tx:
            verdict, before = self._judge(tx, now)
            if not verdict.due or verdict.slot is None:
                return verdict, None
            run = attempts.begin(tx, verdict.slot, before, *_us())
        return (verdict, run) if run is not None else (self.look(now), None)

    def end(self, run: Attempt, outcome: Outcome, error: str | None) -> None:
        """Note how it went; a run that was interrupted stays open, and is begun again."""
        with self.db.write(self.actor) as tx:
            attempts.end(tx, run, outcome, error)

    def _judge(self, view: View, now: datetime) -> tuple[DueBackup, Attempt | None]:
        if not self.schedule.enabled:
            return DueBackup(False, "backup.enabled is false", None, None), None  # noqa: FBT003  a record's field
        latest = judge(self.schedule.when, None, None, now, alive=False)
        tried = None if latest.slot is None else attempts.of_slot(view, latest.slot)
        last = drills.last_scheduled(view)
        return judge(self.schedule.when, last, tried, now, alive=_may_run(tried)), tried

    def _left(self, view: View, now: datetime) -> tuple[Attempt, MadeBackup] | None:
        """The oldest backup whose run ended between making and drilling it, and that run."""
        if not self.schedule.enabled:
            return None
        for made in drills.undrilled(view):
            run = attempts.before(view, made.taken_at)
            if run is None or run.outcome == "made":  # with backup.drill false
                continue
            if not waiting(run, now, alive=_may_run(run))[0]:
                return run, made
        return None


def _us() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _may_run(tried: Attempt | None) -> bool:
    """Whether the process of a run may still be there; of another computer nobody can tell."""
    if tried is None:
        return False
    return tried.host != socket.gethostname() or is_running(tried.pid, tried.started_at)
