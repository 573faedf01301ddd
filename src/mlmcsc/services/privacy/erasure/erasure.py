"""Erasing people: at their request, when nothing needs their data any more, after a restore."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from mlmcsc.adapters.certificates import check_place, write_certificate
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.erased import ErasureReport, LedgerEntry, counted_fields
from mlmcsc.domain.privacy.erasure import LabelChoice, erasure_plan
from mlmcsc.domain.records import Record
from mlmcsc.errors import MlmcscError, ValidationError
from mlmcsc.services.privacy.erasure import in_database
from mlmcsc.services.privacy.erasure.certifying import not_reached
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.services.privacy.erasure.starting import Wanted, begun_for, start
from mlmcsc.services.privacy.erasure.steps import Progress, Run, ledger_check
from mlmcsc.store.queries.erasure import ledgered, people, saga
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.retention.batches import inactive_technicians
from mlmcsc.store.uow import Snapshot, Store

RIGHT: str = "GDPR Art. 17(1)"
RETENTION: str = "GDPR Art. 5(1)(e): retention"
REPLAY: str = "GDPR Art. 17(1): erased before, and restored from a backup"


@dataclass(frozen=True, slots=True)
class ReplayReport(Record):
    """What replaying the ledger did, or (after a dry run) would do.

    Attributes:
        waiting: Entries that this database had not applied.
        applied: The erasures done.
        refused: Subject id to the reason, for those that cannot be erased now.
    """

    waiting: tuple[LedgerEntry, ...]
    applied: tuple[ErasureReport, ...]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Erase people, in one actor's name."""

    db: Store
    actor: Actor
    outside: Outside

    @requires(Permission.PRIVACY)
    def delete_user_data(
        self,
        person: int | str,
        *,
        labels: LabelChoice = "keep",
        ground: str = RIGHT,
        request_id: int | None = None,
        certificate: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ErasureReport:
        """Erase a person from the database, archives, caches and exports; for good.

        Interrupted, it is finished by the same call, or by the next erasure of anybody. Whoever
        was erased is found by their subject id only; then the report is given again.

        Args:
            person: Staff number, login, written name, subject id, or the technician's row id.
            labels: `keep` leaves measurements as anonymous ones, `delete` removes them.
            ground: Why, for the record.
            request_id: Number of the request that is answered.
            certificate: JSON file for the signed certificate, which is in the report too.
            dry_run: Say what would be done, and do nothing.
            progress: Told each step.

        Raises:
            UnknownRecordError: There is no such person or request; nothing was done.
            HeldError: A legal hold is in force; it always wins.
            ValidationError: An argument is wrong.
            ConflictError: An erasure of the person was begun with other `labels`.
            MissingKeyError: The master key is not here; nothing was done.
            StoreError: A step cannot be done now; the same call goes on with it later.
        """
        erasure_plan(labels)
        wanted = Wanted.checked(person, labels, ground, request_id)
        with self.db.read() as view:
            begun, found = wanted.look_up(view)
            if dry_run:
                return _planned(view, wanted, begun, found)
        place = None if certificate is None else Path(certificate)
        if place is not None:
            subject_id = begun.subject_id if begun else found.subject_id if found else None
            check_place(place, subject_id)
        resumed, unfinished = self._resume(None if begun is None else begun.subject_id, progress)
        report = self._erase(wanted, progress)
        if place is not None:
            write_certificate(place, report.certificate)
        return replace(report, resumed=resumed, unfinished=unfinished)

    @requires(Permission.PRIVACY)
    def anonymize(
        self,
        person: int | str | None = None,
        *,
        older_than_days: int | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> tuple[ErasureReport, ...]:
        """Make people anonymous whose data nothing needs any more; labels stay.

        Args:
            person: One person, as for `delete_user_data`.
            older_than_days: Or every technician who was last active longer ago, and is not held.
            dry_run: Say what would be done, and do nothing.
            progress: Told each step.

        Raises:
            ValidationError: Neither or both are given, or less than a day.
            UnknownRecordError: There is no such person; nothing was done.
            HeldError: A legal hold is in force.
        """
        if (person is None) == (older_than_days is None):
            raise ValidationError("Name a person, or older_than_days, and not both.")
        if older_than_days is None:
            every: list[int | str] = [] if person is None else [person]
        else:
            before = self.db.clock() - timedelta(days=_days(older_than_days))
            with self.db.read() as view:
                every = list(inactive_technicians(view, before))
        return tuple(
            self.delete_user_data(each, ground=RETENTION, dry_run=dry_run, progress=progress)
            for each in every
        )

    @requires(Permission.PRIVACY)
    def unreplayed(self) -> list[LedgerEntry]:
        """Erasures in the ledger that this database, restored from a backup, does not know of.

        Raises:
            IntegrityError: The ledger is missing, or was cut or changed by another hand.
            StoreError: It cannot be read.
        """
        with self.db.read() as view:
            entries = self.outside.ledger.entries(ledger_check(view), ledgered.lines(view))
            return ledgered.undone(view, entries)

    @requires(Permission.PRIVACY)
    def replay(self, *, dry_run: bool = False, progress: Progress | None = None) -> ReplayReport:
        """Erase again whom a restored backup brought back.

        Args:
            dry_run: Say whom, and do nothing.
            progress: Told each step.

        Raises:
            IntegrityError: The ledger is missing, or was cut or changed; nothing was done.
        """
        waiting = tuple(self.unreplayed())
        applied, refused = [], {}
        for entry in () if dry_run else waiting:
            try:
                report = self._replay(entry, progress)
            except MlmcscError as error:  # told in the report; the others must not wait for it
                refused[entry.subject_id] = str(error)
                continue
            if report is not None:
                applied.append(report)
        return ReplayReport(waiting, tuple(applied), refused)

    def _replay(self, entry: LedgerEntry, progress: Progress | None) -> ErasureReport | None:
        with self.db.read() as view:
            if not ledgered.undone(view, [entry]):
                return None  # with another name of the same person
            known = view.vault.find(view, entry.subject_id) is not None
        who: int | str = entry.subject_id if known else entry.technician_row or 0
        return self.delete_user_data(who, labels=entry.labels, ground=REPLAY, progress=progress)

    def _resume(
        self, but: str | None, progress: Progress | None
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Finish what was interrupted; one that cannot be finished now is told, not in the way."""
        with self.db.read() as view:
            every = [each.subject_id for each in saga.unfinished(view)]
        done, refused = [], {}
        for subject_id in every:
            if subject_id == but:
                continue
            try:
                self._run(subject_id, progress).finish()
            except MlmcscError as error:
                refused[subject_id] = str(error)
            else:
                done.append(subject_id)
        return tuple(done), refused

    def _erase(self, wanted: Wanted, progress: Progress | None) -> ErasureReport:
        with self.db.read() as view:
            begun = begun_for(view, wanted.person)
        if begun is None:
            begun = start(self.db, self.actor, wanted)
        if begun.finished_at is not None:
            return _report(begun, {})
        run = self._run(begun.subject_id, progress)
        return _report(run.finish(), run.exports_left)

    def _run(self, subject_id: str, progress: Progress | None) -> Run:
        return Run(self.db, self.actor, self.outside, subject_id, progress or _quiet)


def _days(days: int) -> int:
    if type(days) is not int or not 1 <= days <= 365_000:  # noqa: PLR2004  # a thousand years
        raise ValidationError(f"older_than_days={days!r}: give whole days, at least 1.")
    return days


def _planned(
    view: Snapshot, wanted: Wanted, begun: Saga | None, found: people.Person | None
) -> ErasureReport:
    labels = begun.labels if begun else wanted.labels
    if begun is not None:
        found = people.find(view, begun.subject_id)
    counts = in_database.count(view, found, labels) if found else {}
    return ErasureReport(
        subject_id=begun.subject_id if begun else found.subject_id if found else None,
        technician_row=begun.technician_row if begun else found.technician_row if found else None,
        labels=labels,
        ground=wanted.ground,
        request_id=wanted.request_id,
        dry_run=True,
        fields=counted_fields(erasure_plan(labels), counts),
        steps=tuple(begun.steps) if begun else (),
    )


def _report(done: Saga, exports_left: Mapping[str, str]) -> ErasureReport:
    counts = (done.step("database") or {}).get("counts", {})
    return ErasureReport(
        subject_id=done.subject_id,
        technician_row=done.technician_row,
        labels=done.labels,
        ground=done.ground,
        request_id=done.request_id,
        dry_run=False,
        fields=counted_fields(erasure_plan(done.labels), counts),
        steps=tuple(done.steps),
        started_at=done.started_at,
        finished_at=done.finished_at,
        exports_left=exports_left or (done.step("exports") or {}).get("left", {}),
        not_reached=tuple(not_reached(done)),
        certificate=done.certificate,
    )


def _quiet(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""
