"""The plan, and its application."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.retention import (
    Action,
    AppliedType,
    DataType,
    Due,
    Periods,
    RetentionPlan,
    RetentionReport,
    chosen,
    cutoff,
    planned,
)
from mlmcsc.services.retention import applying, archived, leftovers
from mlmcsc.services.retention.places import FilePlaces
from mlmcsc.store.queries.retention.batches import count_due
from mlmcsc.store.queries.retention.sources import source
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Retention:
    """Keep data as long as the settings say, and no longer, in one actor's name."""

    db: Store
    actor: Actor
    periods: Periods
    places: FilePlaces

    @requires(Permission.RETAIN)
    def plan(self, only: Collection[str] = ()) -> RetentionPlan:
        """What is beyond its period now, what holds it, and what would happen; changes nothing.

        Args:
            only: Names of data types; none means all. An image whose labels or predictions are
                not among them waits for these.

        Raises:
            ValidationError: There is no such data type.
        """
        kinds = chosen(only)
        now = self.db.clock()
        cutoffs = self._cutoffs(kinds, now)
        lines = []
        with self.db.read() as view:
            for kind in kinds:
                before = cutoffs.get(kind.name)
                due = (
                    Due()
                    if before is None
                    else count_due(view, source(view, kind.name, cutoffs), before)
                )
                lines.append(planned(kind, self.periods[kind.name], before, due))
        return RetentionPlan(now, tuple(lines))

    @requires(Permission.RETAIN)
    def apply(
        self, only: Collection[str] = (), *, progress: Progress | None = None
    ) -> RetentionReport:
        """Delete or redact what is beyond its period and not held.

        Each batch is one transaction with one event that tells number, ids, ground and a digest of
        the rows. Interrupted, nothing is lost: call it again to go on. Technicians are left to
        `privacy anonymize`.

        Args:
            only: Names of data types; none means all.
            progress: Called with what is being done, rows done and rows in all.

        Raises:
            ValidationError: There is no such data type.
            StoreError: A file of a deleted image cannot be removed.
        """
        plan = self.plan(only)
        kinds = [kind for kind in chosen(only) if kind.action is not Action.ANONYMISE]
        cutoffs = self._cutoffs(kinds, plan.made_at)
        expected = {line.type: line.to_do for line in plan.types}
        work = applying.Work(self.db, self.actor, cutoffs, self.periods, progress or quiet)
        lines = [
            self._apply(work, kind, expected[kind.name]) for kind in kinds if kind.name in cutoffs
        ]
        removed = leftovers.remove_noted(self.db, self.actor, self.places)
        return RetentionReport(
            plan.made_at, tuple(lines), removed, work.files_left, tuple(work.examples_left)
        )

    def _apply(self, work: applying.Work, kind: DataType, expected: int) -> AppliedType:
        """One data type; archives are let go by one process at a time."""
        if kind.name not in archived.ARCHIVED or not (expected or archived.is_waiting(self.db)):
            return work.apply(kind, expected)
        with self.places.archives.locked():
            line = work.apply(kind, expected)
            archived.remove_folders(self.db, self.actor, self.places.archives)
        return line

    def _cutoffs(self, kinds: Collection[DataType], now: datetime) -> dict[str, datetime]:
        moments = {kind.name: cutoff(now, self.periods[kind.name]) for kind in kinds}
        return {name: moment for name, moment in moments.items() if moment is not None}
