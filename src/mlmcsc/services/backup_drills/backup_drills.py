"""Prove that backups can be restored, and make those that are due, in one actor's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlmcsc.domain.backups.drills import BackupStanding, DrillReport
from mlmcsc.domain.backups.reports import BackupReport, PruneReport
from mlmcsc.domain.backups.scheduled import Attempt
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import ConflictError, UnknownRecordError, ValidationError
from mlmcsc.services.backup_drills.doors import Doors, Found, Schedule
from mlmcsc.services.backup_drills.drilling import Drill
from mlmcsc.services.backup_drills.making import MadeDue, Slots
from mlmcsc.store.queries import backup_drills as queries
from mlmcsc.store.uow import Store

DRILLABLE = frozenset({"ok", "damaged", "missing"})
"""States of this database's own backups; a damaged one is drilled too, and does not pass."""


@dataclass(frozen=True, slots=True)
class BackupDrills:
    """Drill backups, in one actor's name.

    Attributes:
        db: The open database.
        actor: In whose name.
        doors: What is needed of the other services.
        schedule: When backups are made.
        parent: Folder in which scratch folders are made.
        prefix: Of their names, this database's own.
    """

    db: Store
    actor: Actor
    doors: Doors
    schedule: Schedule
    parent: Path
    prefix: str

    @requires(Permission.BACKUP)
    def drill(
        self,
        name: str | None = None,
        *,
        place: str | None = None,
        progress: Progress | None = None,
    ) -> DrillReport:
        """Restore a backup to scratch, check everything, and measure how long it took.

        The live database and its folders are not touched, but for the row of the drill and its
        event. Beside the set lies a signed `proof.json` afterwards; of a drill that did not pass,
        one that says so.

        Args:
            name: Which; left out, the newest of this database.
            place: Folder or URL; left out, those of the settings.
            progress: Told each step.

        Returns:
            The drill, also where it did not pass: look at `passed`.

        Raises:
            UnknownRecordError: There is no such backup.
            IntegrityError: It is another database's, or its signature is.
            MissingKeyError: The master key is not here, so that nothing can be signed.
            StoreError: There is no room to restore to, or a disk fails there, or the place cannot
                be reached; the backup was not judged.
            UnsupportedError: A program of PostgreSQL is missing; likewise.
            ConflictError: It was pruned while it was drilled.
        """
        own = self._own(place)
        chosen = [each for each in own if name in {None, each.entry.name}]
        if not chosen:
            raise UnknownRecordError(
                f"There is no backup {'of this database' if name is None else repr(name)} in "
                f"{place or 'the places of the settings'}. See `mlmcsc backup list`."
            )
        return self._drill.of(chosen[-1], progress or quiet)

    @requires(Permission.BACKUP)
    def drill_all(
        self, *, place: str | None = None, progress: Progress | None = None
    ) -> list[DrillReport]:
        """Drill every backup of this database, oldest first; see `drill`."""
        return [self._drill.of(each, progress or quiet) for each in self._own(place)]

    def _own(self, place: str | None) -> list[Found]:
        own = [each for each in self.doors.find(place) if each.entry.state in DRILLABLE]
        return sorted(own, key=_age)

    @property
    def _drill(self) -> Drill:
        return Drill(self.db, self.actor, self.doors, self.parent, self.prefix)

    @requires(Permission.BACKUP)
    def history(self, limit: int = 100) -> list[DrillReport]:
        """The newest drills, newest first.

        Args:
            limit: How many, 1 to 10,000.
        """
        if type(limit) is not int or not 1 <= limit <= 10_000:  # noqa: PLR2004  told in the message
            raise ValidationError(f"limit={limit!r}: give a whole number from 1 to 10,000.")
        with self.db.read() as view:
            return queries.drills(view, limit)

    @requires(Permission.BACKUP)
    def standing(self) -> BackupStanding:
        """How well the database is backed up, at a glance."""
        with self.db.read() as view:
            return queries.glance(view, self.db.clock())

    @requires(Permission.BACKUP)
    def create_due(
        self,
        now: datetime | None = None,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> MadeDue:
        """Make the backup that is due by `backup.schedule`, drill it, prune; if one is.

        Slots that were missed make one backup. Any number of processes may do this at once: one
        makes it. What fails is kept in `job_runs`, raised, and tried again after a pause of 10
        minutes, then 20, 40, and so on until the next slot; a run that was killed is begun again by
        the next call. One that was made, but not drilled, because the run was killed or failed
        then, is drilled first. Nothing is pruned after a drill that did not pass.

        Args:
            now: The time to judge by, aware; left out, the clock's.
            dry_run: Only tell.
            progress: Told each step.

        Raises:
            MlmcscError: It could not be made, or drilled, or pruned; the message says why.
        """
        now = self.db.clock() if now is None else _TIME.check(now)
        progress = progress or quiet
        slots = Slots(self.db, self.actor, self.schedule)
        if dry_run:
            return MadeDue(slots.look(now))
        late = None
        if (left := slots.take_up(now)) is not None:
            run, made = left
            late, _ = self._proven(slots, run, made.name, made.place, progress)
        verdict, begun = slots.begin(now)
        if begun is None:
            return MadeDue(verdict, late=late)
        new = self._made(slots, begun, progress)
        drill, pruned = self._proven(slots, begun, new.name, new.place, progress)
        return MadeDue(verdict, new, drill, pruned, late)

    def _made(self, slots: Slots, run: Attempt, progress: Progress) -> BackupReport:
        with _kept(slots, run):
            return self.doors.create(progress)

    def _proven(
        self, slots: Slots, run: Attempt, name: str, place: str, progress: Progress
    ) -> tuple[DrillReport | None, PruneReport | None]:
        """Drill what was made, remove what is not kept any more, and end the run."""
        drill = pruned = None
        if self.schedule.drill:
            with _kept(slots, run):
                drill = self.drill(name, place=place, progress=progress)
        if drill is not None and not drill.passed:
            slots.end(run, "failed", "; ".join(drill.faults))
            return drill, None
        try:
            pruned = self.doors.prune(place)
        except Exception as error:  # the next one prunes again
            slots.end(run, "made", f"It was made, but nothing was pruned: {error}")
            raise
        slots.end(run, "made", None)
        return drill, pruned


@contextmanager
def _kept(slots: Slots, run: Attempt) -> Iterator[None]:
    """Keep how a part of a run ended that did not end well."""
    try:
        yield
    except ConflictError as error:  # somebody else is at work in the place
        slots.end(run, "postponed", str(error))
        raise
    except Exception as error:
        slots.end(run, "failed", str(error))
        raise
    except BaseException:  # in a notebook, say, whose process goes on
        slots.end(run, "postponed", "It was broken off.")
        raise


_TIME = Field("now", Kind.TIMESTAMP, "the time to judge by", required=True)


def _age(found: Found) -> tuple[datetime, str]:
    """By its snapshot; those of which nobody can tell come first, never to be taken for newest."""
    return found.entry.taken_at or datetime.min.replace(tzinfo=UTC), found.entry.name
