"""Erasing people: at their request, when nothing needs their data any more, after a restore."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from mlmcsc.adapters.certificates import check_place, write_certificate
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.erased import REPLAY, ErasureReport, LedgerEntry
from mlmcsc.domain.privacy.erasure import LabelChoice, erasure_plan
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import Record
from mlmcsc.errors import HeldError, MlmcscError, UnknownRecordError, ValidationError
from mlmcsc.services.privacy.erasure.lines import in_force, ledger_check
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.services.privacy.erasure.planning import Known, planned
from mlmcsc.services.privacy.erasure.reporting import report, skipped
from mlmcsc.services.privacy.erasure.starting import Wanted, abandon, begun_for, start
from mlmcsc.services.privacy.erasure.steps import Run
from mlmcsc.store.queries import persons
from mlmcsc.store.queries.erasure import held, known, ledgered, saga
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.retention.batches import inactive_technicians
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

RIGHT: str = "GDPR Art. 17(1)"
RETENTION: str = "GDPR Art. 5(1)(e): retention"


@dataclass(frozen=True, slots=True)
class ReplayReport(Record):
    """What replaying the ledger did, or (after a dry run) would do.

    Attributes:
        waiting: Entries that this database had not applied.
        applied: The erasures done.
        refused: Subject id to the reason, for those that cannot be erased now.
        untold: Subject id to the reason, for those of whom it cannot be told whether they are here.
        versions: Rows redacted in files of data versions that were put back, by version.
        unreached: Data versions with files that an erasure did not reach and still does not, and
            why.
    """

    waiting: tuple[LedgerEntry, ...]
    applied: tuple[ErasureReport, ...]
    refused: Mapping[str, str]
    untold: Mapping[str, str]
    versions: Mapping[str, int] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)


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

        Interrupted, it is finished by the same call; once the person is gone from the database,
        also by the next erasure of anybody. Whoever was erased is found by their subject id only;
        then the report is given again.

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
            begun, found = self._look_up(view, wanted)
            told = () if found is None else persons.ambiguities(view, found)
            if dry_run:
                return planned(view, self.actor, self.outside, [(wanted, begun, found)])[0]
        place = None if certificate is None else Path(certificate)
        if place is not None:
            subject_id = begun.subject_id if begun else found.subject_id if found else None
            check_place(place, subject_id)
        resumed, unfinished = self._resume([] if begun is None else [begun.subject_id], progress)
        (done,) = self._erase([wanted], progress)
        if place is not None:
            write_certificate(place, done.certificate)
        not_reached = (*done.not_reached, *told)
        return replace(done, resumed=resumed, unfinished=unfinished, not_reached=not_reached)

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

        Where many are meant, whoever is under a legal hold is passed over, and told.

        Args:
            person: One person, as for `delete_user_data`.
            older_than_days: Or every technician who was last active longer ago, and is not held.
            dry_run: Say what would be done, and do nothing.
            progress: Told each step.

        Raises:
            ValidationError: Neither or both are given, or less than a day.
            UnknownRecordError: There is no such person; nothing was done.
            HeldError: A legal hold is in force on the one person.
        """
        if (person is None) == (older_than_days is None):
            raise ValidationError("Name a person, or older_than_days, and not both.")
        if older_than_days is None:
            every: list[int | str] = [] if person is None else [person]
        else:
            before = self.db.clock() - timedelta(days=_days(older_than_days))
            with self.db.read() as view:
                every = list(inactive_technicians(view, before))
        wanted = [Wanted.checked(each, "keep", RETENTION, None) for each in every]
        known_: list[Known] = []
        left: list[ErasureReport] = []
        with self.db.read() as view:
            for each in wanted:
                try:
                    known_.append((each, *self._look_up(view, each)))
                except HeldError as error:
                    if person is not None:
                        raise
                    left.append(skipped(view, each, str(error), dry_run=dry_run))
            if dry_run:
                return (*planned(view, self.actor, self.outside, known_), *left)
        if not known_:
            return tuple(left)
        resumed, unfinished = self._resume(
            [begun.subject_id for _, begun, _ in known_ if begun is not None], progress
        )
        reports = self._erase([each for each, _, _ in known_], progress)
        done = (replace(each, resumed=resumed, unfinished=unfinished) for each in reports)
        return (*done, *left)

    def _look_up(self, view: View, wanted: Wanted) -> tuple[Saga | None, Person | None]:
        """See `Wanted.look_up`; a hold keeps what is in the archives, too."""
        begun, found = wanted.look_up(view)
        if found is not None and held.holds_specimens(view):
            self.outside.refuse_held(self.actor, found)
        return begun, found

    @requires(Permission.PRIVACY)
    def abandon(self, person: int | str) -> str:
        """Take back an erasure that was begun and has erased nothing; the person is as before.

        Args:
            person: As for `delete_user_data`.

        Returns:
            The person's subject id.

        Raises:
            UnknownRecordError: No erasure of theirs is begun.
            ConflictError: The person is erased from the database already.
        """
        wanted = Wanted.checked(person, "keep", RIGHT, None)
        with self.db.read() as view:
            begun = begun_for(view, wanted.person)
        if begun is None or begun.finished_at is not None:
            raise UnknownRecordError(
                f"No erasure of {person!r} is begun and unfinished; there is nothing to take back."
            )
        abandon(self.db, self.actor, self.outside, begun)
        return begun.subject_id

    @requires(Permission.PRIVACY)
    def unreplayed(self) -> list[LedgerEntry]:
        """Erasures in the ledger that this database, restored from a backup, does not know of.

        Raises:
            IntegrityError: The ledger is missing, or was cut or changed by another hand.
            StoreError: It cannot be read.
        """
        with self.db.read() as view:
            return ledgered.undone(view, self._not_under_way(view))

    @requires(Permission.PRIVACY)
    def untold(self) -> dict[str, str]:
        """Subject id to the reason, for erasures of which it cannot be told whether they are done.

        Raises:
            IntegrityError: The ledger is missing, or was cut or changed by another hand.
            StoreError: It cannot be read.
        """
        with self.db.read() as view:
            return ledgered.untold(view, self._not_under_way(view))

    def _not_under_way(self, view: View) -> list[LedgerEntry]:
        entries = self.outside.ledger.entries(ledger_check(view), ledgered.lines(view))
        begun = saga.under_way(view)
        return [each for each in in_force(entries) if each.subject_id not in begun]

    @requires(Permission.PRIVACY)
    def replay(self, *, dry_run: bool = False, progress: Progress | None = None) -> ReplayReport:
        """Erase again whom a restored backup brought back, also in files of data versions.

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
                done = self._replay(entry, progress)
            except MlmcscError as error:  # told in the report; the others must not wait for it
                refused[entry.subject_id] = str(error)
                continue
            if done is not None:
                applied.append(done)
        reached = () if dry_run else self.outside.versions.reach_again(self.actor)
        redacted = sum((Counter(each.redacted) for each in reached), Counter[str]())
        unreached = {name: why for each in reached for name, why in each.unreached.items()}
        untold = self.untold()
        return ReplayReport(waiting, tuple(applied), refused, untold, dict(redacted), unreached)

    def _replay(self, entry: LedgerEntry, progress: Progress | None) -> ErasureReport | None:
        with self.db.read() as view:
            if not ledgered.undone(view, [entry]):
                return None  # with another name of the same person
            is_known = known.keyless(view, entry.subject_id) is not None
        who: int | str = entry.subject_id if is_known else entry.technician_row or 0
        wanted = Wanted.checked(who, entry.labels, REPLAY, None)
        (done,) = self._erase([wanted], progress)
        return done

    def _resume(
        self, but: Sequence[str], progress: Progress | None
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Finish what was interrupted after the people were erased from the database.

        Until then it can be taken back, and only the same call goes on with it. One that cannot be
        finished now is told, and is not in the way.
        """
        with self.db.read() as view:
            begun = [each for each in saga.unfinished(view) if each.step("database") is not None]
            every = [each.subject_id for each in begun]
        done, refused = [], {}
        for subject_id in every:
            if subject_id in but:
                continue
            try:
                self._run([subject_id], progress).finish()
            except MlmcscError as error:
                refused[subject_id] = str(error)
            else:
                done.append(subject_id)
        return tuple(done), refused

    def _erase(
        self, wanted: Sequence[Wanted], progress: Progress | None
    ) -> tuple[ErasureReport, ...]:
        """Everybody together: what is searched or rewritten for one serves all."""
        every = []
        for each in wanted:
            with self.db.read() as view:
                begun = begun_for(view, each.person)
            every.append(begun or start(self.db, self.actor, each))
        open_ = [begun.subject_id for begun in every if begun.finished_at is None]
        run = self._run(list(dict.fromkeys(open_)), progress)
        ended = {begun.subject_id: begun for begun in (*every, *(run.finish() if open_ else ()))}
        return tuple(
            report(each, run.exports_deleted.get(who, ()), run.exports_left.get(who, {}))
            for who, each in ended.items()
        )

    def _run(self, subject_ids: Sequence[str], progress: Progress | None) -> Run:
        return Run(self.db, self.actor, self.outside, tuple(subject_ids), progress or quiet)


def _days(days: int) -> int:
    if type(days) is not int or not 1 <= days <= 365_000:  # noqa: PLR2004  # a thousand years
        raise ValidationError(f"older_than_days={days!r}: give whole days, at least 1.")
    return days
