"""Restoring: nothing live is touched before the new database is whole, checked and up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from mlmcsc.domain.backups.restoring import Losses, RestorePlan, RestoreReport, Wishes
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import ConflictError, IntegrityError, PermissionDeniedError
from mlmcsc.services.restores import proving
from mlmcsc.services.restores.completing import Completed, Completing, Proven
from mlmcsc.services.restores.ports import Ground, House, LiveFacts, Restored, Source
from mlmcsc.store.uow import Clock, utc_now

NEEDED = frozenset({Permission.BACKUP, Permission.ADMINISTER})
TRIES = 5
"""So often a safety backup is taken anew because somebody wrote after it."""


@dataclass(slots=True)
class _Timed:
    """Seconds by step."""

    began: float = field(default_factory=time.monotonic)
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        before = time.monotonic()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + time.monotonic() - before


@dataclass(frozen=True, slots=True)
class Restores:
    """Restore one backup to one place, in one actor's name.

    Attributes:
        actor: Needs `backup` and `administer`.
        ground: Where the database is to be.
        house: What belongs to it besides.
        elsewhere: Whether the place is a new one, so that nothing is replaced.
        progress: Told each step.
        clock: For names and events.
    """

    actor: Actor
    ground: Ground
    house: House
    elsewhere: bool
    progress: Progress
    clock: Clock = utc_now

    def restore(self, source: Source, wishes: Wishes) -> RestoreReport:
        """Verify, plan, ask, and do it; see `bootstrap.restoring.restore_backup`."""
        try:
            self._refuse_unless_allowed()
            return self._restored(source, wishes)
        finally:
            self.ground.close()

    def _restored(self, source: Source, wishes: Wishes) -> RestoreReport:
        timed = _Timed()
        with timed.step("verify"):
            source.verify(self.progress)
        with timed.step("check"):
            proven = self._prove(source, wishes)
        plan = proven.plan
        if wishes.dry_run or not (wishes.agree is None or wishes.agree(plan)):
            return RestoreReport(plan, restored=False, target=plan.target, steps=timed.steps)
        timed.began = time.monotonic() - sum(timed.steps.values())  # not while we were asking
        with self.ground.alone() as tidied:
            return self._do(source, wishes, proven, timed, tidied)

    def _refuse_unless_allowed(self) -> None:
        missing = sorted(NEEDED - self.actor.permissions)
        if missing:
            raise PermissionDeniedError(
                f"{self.actor.subject} may not restore backups: that needs {' and '.join(missing)}."
            )

    def _prove(self, source: Source, wishes: Wishes) -> Proven:
        live, manifest = self.house.live(), source.manifest
        if self.ground.state == "another program's":
            raise ConflictError(
                f"{self.ground.shown} belongs to another program; it is not replaced. Restore "
                "elsewhere with --to PATH."
            )
        other = proving.refuse_another(source, live, elsewhere=self.elsewhere)
        kept = self.house.data_keys(manifest.database_id).read() if manifest else None
        proving.check_data_keys(source, kept, wishes)
        trusted = proving.is_trusted(source, live, kept, wishes)
        n_erased = proving.check_ledger(self.house, source, live, kept, wishes)
        source.check_keys()
        self.ground.refuse_without_room(source.n_bytes)
        plan = self._plan(source, live, n_erased, wishes)
        if other is not None:
            plan = replace(plan, warnings=(other, *plan.warnings))
        return Proven(live, kept, trusted, n_erased, plan)

    def _plan(
        self, source: Source, live: LiveFacts | None, n_erased: int | None, wishes: Wishes
    ) -> RestorePlan:
        manifest = source.manifest
        taken_at = datetime.fromisoformat(manifest.taken_at) if manifest else None
        losses = Losses(None, None, None)
        if live is not None and taken_at is not None:
            losses = live.losses(taken_at)
        warnings = []
        if manifest is None:
            warnings.append("nothing signed vouches for a plain file: it may have been changed")
        elif n_erased is None and wishes.without_ledger is not None:
            warnings.append("people who were erased after the backup come back unnoticed")
        if self.house.unread is not None:
            warnings.append(f"the live database cannot be read: {self.house.unread}")
        if self.ground.state not in {"missing", "sound"}:
            warnings.append(
                f"what is there is {self.ground.state}: it is kept aside as it is, where no later "
                "erasure reaches it; delete it when you are sure of the restored database"
            )
        return RestorePlan(
            backup=source.name,
            place=source.place,
            taken_at=taken_at,
            database_id=manifest.database_id if manifest else None,
            target=self.ground.shown,
            live=self.ground.state,
            elsewhere=self.elsewhere,
            losses=losses,
            erased_since=n_erased or 0,
            n_files=len(source.files),
            n_bytes=manifest.n_bytes if manifest else source.n_bytes,
            warnings=tuple(warnings),
        )

    def _do(
        self,
        source: Source,
        wishes: Wishes,
        proven: Proven,
        timed: _Timed,
        tidied: tuple[str, ...],
    ) -> RestoreReport:
        with timed.step("safety backup"):
            self.ground.probe()
            safety = self._safety()
        self._bring(source, timed)
        with timed.step("upgrade"):
            restored = self.house.open(proven.live)
        completing = Completing(source, wishes, proven, self.house, self.actor, self.elsewhere)
        try:
            done = completing.complete(restored, self.clock(), self.progress, timed.step)
            self._record(restored, completing, safety, done)
        finally:
            restored.close()
        with timed.step("integrity"):
            self.ground.finish()
        # Before the swap: the database that this restore replaces stays in any case.
        dropped = self.ground.drop_old() if wishes.drop_old else []
        with timed.step("swap"):
            safety, aside, done = self._swap(safety, completing, done)
            self.house.settle(restored)
        keys, files, replayed = done.keys, done.files, done.replayed
        return RestoreReport(
            plan=proven.plan,
            restored=True,
            target=self.ground.shown,
            safety=safety,
            kept_aside=aside,
            upgraded_from=restored.upgraded_from,
            keys_restored=keys.restored,
            keys_missing=keys.missing,
            erased_again=replayed.applied,
            not_erased=replayed.refused,
            untold=replayed.untold,
            files_restored=files.n_files,
            files_missing=files.missing,
            files_kept_aside=tuple(files.kept_aside),
            tidied=(*tidied, *dropped),
            steps=timed.steps,
            rto_seconds=time.monotonic() - timed.began,
            warnings=(*proven.plan.warnings, *done.warnings),
        )

    def _bring(self, source: Source, timed: _Timed) -> None:
        """Restore it beside, and compare every table with what was signed."""
        with timed.step("restore beside"):
            source.unpack(self.ground.staging, self.progress)
            self.ground.load()
        if source.manifest is not None:
            with timed.step("compare tables"):
                self._compare(source)

    def _safety(self) -> str | None:
        """Nothing is replaced that could not be had back."""
        if self.elsewhere or self.ground.state == "missing":
            return None
        now, made = self.clock(), None
        if self.ground.state == "sound":
            made = self.house.safety_backup(self.ground.watch)
        if made is None:
            self.ground.watch()
            made = self.ground.copy_aside(now)
        return made

    def _compare(self, source: Source) -> None:
        differing = self.ground.compare(source.manifest) if source.manifest else []
        if differing:
            raise IntegrityError(
                f"The backup {source.name} does not hold what was signed "
                f"({'; '.join(differing[:5])}); nothing was changed. Use another backup."
            )

    def _record(
        self, restored: Restored, completing: Completing, safety: str | None, done: Completed
    ) -> None:
        """The event, what the register lacks, and the ids, in one transaction."""
        source, without = completing.source, completing.wishes.without_ledger
        manifest = source.manifest
        told = {
            "backup": source.name,
            "set_id": manifest.set_id if manifest else None,
            "taken_at": manifest.taken_at if manifest else None,
            "safety": safety,
            "erased_again": list(done.replayed.applied),
            "not_erased": dict(done.replayed.refused),
            "ledger": without is None,
            "files": done.files.n_files,
            "files_kept_aside": done.files.kept_aside[:1000],
        }
        with restored.db.write(self.actor) as tx:
            entered = completing.enter(tx, done)
            told["registered"] = entered
            event = AuditEvent(
                Operation.RESTORE, "backups", None, None, told, reason=without, n_rows=len(entered)
            )
            tx.record(event)

    def _swap(
        self, safety: str | None, completing: Completing, done: Completed
    ) -> tuple[str | None, str | None, Completed]:
        """Whoever wrote after the safety backup gets another one: nothing is lost.

        And whoever was erased meanwhile is erased from the new database, too.
        """
        for _ in range(TRIES):
            if self.ground.hold() and completing.is_up_to_date(done):
                return safety, self.ground.replace(), done
            self.ground.let_go()
            safety = self._safety()
            done = completing.again(done)
            self.ground.finish()
        raise ConflictError(
            f"{self.ground.shown} is being written to all the time, after {TRIES} safety backups; "
            "nothing was changed. Stop the programs that write, and repeat."
        )
