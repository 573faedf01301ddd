"""The steps of one erasure after it was started; each may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlmcsc.adapters.cache_folders import purge
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erased import REPLAY, STEPS
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.versions.redaction import VersionErasure, checkouts
from mlmcsc.errors import ConflictError, OvertakenError, StoreError
from mlmcsc.services.privacy.erasure import in_database
from mlmcsc.services.privacy.erasure.carried import Carried, carried_by, without_carried
from mlmcsc.services.privacy.erasure.certifying import checkpoint_or_none, signed_certificate
from mlmcsc.services.privacy.erasure.lines import write_lines
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.store.queries.erasure import held, known, saga
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.privacy_requests import close_for
from mlmcsc.store.uow import Store, Transaction

ALWAYS_COMPACTED = ("audit_logs", "erasures", "subjects")


MOST_MEASURES = 5
"""Names that come back as often are being written by somebody at work."""


@dataclass(slots=True)
class Run:
    """One go at the erasures of people who are erased together.

    Attributes:
        db: The database.
        actor: Who erases.
        outside: What is reached outside the database.
        subject_ids: Whose erasures.
        progress: Told each step.
        exports_left: Exported files that were not deleted, with the reason, by full path; by
            subject id.
        exports_deleted: Full paths of those that were, by subject id.
    """

    db: Store
    actor: Actor
    outside: Outside
    subject_ids: tuple[str, ...]
    progress: Progress
    exports_left: dict[str, dict[str, str]] = field(default_factory=dict)
    exports_deleted: dict[str, list[str]] = field(default_factory=dict)

    def finish(self) -> list[Saga]:
        """Do every step that is not done; what concerns everybody is done once.

        Raises:
            HeldError: A legal hold was placed meanwhile.
            StoreError: A step cannot be done now; the next run goes on with it.
        """
        steps: tuple[Callable[[Sequence[Saga]], None], ...] = (
            self._ledger,
            self._database,
            self._data_keys,
            self._archives,
            self._versions,
            self._caches,
            self._exports,
            self._vacuum,
            self._certificate,
        )
        for number, (name, step) in enumerate(zip(STEPS[1:], steps, strict=True), 1):
            self.progress(f"erasing: {name}", number, len(STEPS))
            left = [begun for begun in self._sagas() if begun.step(name) is None]
            if left:
                step(left)
        self.progress("erased", len(STEPS), len(STEPS))
        return self._sagas()

    def _sagas(self) -> list[Saga]:
        with self.db.read() as view:
            found = [saga.of_subject(view, subject_id) for subject_id in self.subject_ids]
        if None in found:
            raise ConflictError("The erasure was abandoned by another process meanwhile.")
        every = [begun for begun in found if begun is not None]
        for begun in every:
            begun.refuse_abandoned()
        return every

    def _carried(self, begun: Saga) -> Carried:
        with self.db.read() as view:
            return carried_by(view, begun) or Carried((), (), ())

    def _done(self, name: str, counts: Mapping[str, Mapping[str, Any]]) -> None:
        """Note a step; counts by subject id."""
        with self.db.write(self._actor()) as tx:
            for subject_id, each in counts.items():
                saga.add_step(tx, saga.lock(tx, subject_id), name, each)

    def _actor(self) -> Actor:
        """Nobody whom the erasure's own events would name again."""
        return in_database.acting(self.actor, in_database.owners(self.db, self.subject_ids))

    def _ledger(self, left: Sequence[Saga]) -> None:
        """Before the keys are destroyed: else a restored backup would never be erased again."""
        with self.db.read() as view:
            for begun in left:
                held.refuse_held(view, known.person_of(view, begun), begun.labels)
            moment, book = self.db.clock(), self.outside.ledger
            lines = {each.subject_id: write_lines(view, book, each, moment) for each in left}
        self._done("ledger", {who: {"sha256": each} for who, each in lines.items()})

    def _database(self, left: Sequence[Saga]) -> None:
        who = [begun.subject_id for begun in left]
        try:
            in_database.erase(self.db, self.actor, who)
        except OvertakenError:  # its locks met another writer's: that one has gone on by now
            in_database.erase(self.db, self.actor, who)

    def _data_keys(self, left: Sequence[Saga]) -> None:
        """After the database's own: until all are gone, a backup could be opened.

        What killed restores and drills left has the person's key, too.
        """
        again = all(begun.ground == REPLAY for begun in left)
        self.outside.kept_keys.forget_erased(again=again)
        left_behind, found = self.outside.shred_left(), self.outside.backups()
        told = {each.subject_id: Mentions(self._carried(each).identifiers) for each in left}
        done = {"backups": found.to_dict(), "left_behind": left_behind.to_dict()}
        self._done("data_keys", {who: words.removed(done) for who, words in told.items()})

    def _archives(self, left: Sequence[Saga]) -> None:
        for begun in left:
            done = self.outside.erase_archives(
                self._actor(),
                begun.technician_row,
                begun.subject_id,
                self._carried(begun).identifiers,
                begun.pseudonym,
                labels=begun.labels,
            )
            self._done("archives", {begun.subject_id: done})

    def _versions(self, left: Sequence[Saga]) -> None:
        for begun in left:
            carried = self._carried(begun)
            words = Mentions(carried.identifiers)
            self.outside.versions.erase(
                self._actor(),
                begun.technician_row,
                carried.identifiers,
                labels=begun.labels,
                told=partial(_tell_versions, begun.subject_id, words),
            )

    def _caches(self, left: Sequence[Saga]) -> None:
        """With what was opened of data versions, and their files that were replaced."""
        self.outside.versions.remove_replaced(self._actor())
        self.outside.forget_open()
        done = {"files": purge(self.outside.caches), "folders": [str(self.outside.caches)]}
        told = {each.subject_id: Mentions(self._carried(each).identifiers) for each in left}
        self._done("caches", {who: words.removed(done) for who, words in told.items()})

    def _exports(self, left: Sequence[Saga]) -> None:
        for begun in left:
            carried = self._carried(begun)
            deleted, there = self.outside.remove_exported(carried.exports, carried.identifiers)
            there |= checkouts((begun.step("versions") or {}).get("recipients", ()))
            self.exports_deleted[begun.subject_id] = deleted
            self.exports_left[begun.subject_id] = there
            told = Mentions(carried.identifiers).removed({"deleted": deleted, "left": there})
            self._done("exports", {begun.subject_id: told})

    def _vacuum(self, left: Sequence[Saga]) -> None:
        places = {place for begun in left for place in (begun.step("database") or {})["counts"]}
        touched = sorted({place.partition(".")[0] for place in places} | set(ALWAYS_COMPACTED))
        result = self.db.dialect.compact(self.db.engine, touched, rewrite=True)
        if result.refused is not None and not self.db.dialect.in_memory:
            raise self._blocked(result.refused)
        done = {"bytes_before": result.bytes_before, "bytes": result.bytes_after}
        self._done("vacuum", {begun.subject_id: done for begun in left})

    def _certificate(self, left: Sequence[Saga]) -> None:
        """The clear identifiers go, then their traces; only then are the erasures finished."""
        actor = self._actor()
        for _ in range(MOST_MEASURES):
            waiting = [begun for begun in self._sagas() if begun.certificate is None]
            if not waiting or self._certified(actor, waiting):
                break
            self.outside.kept_keys.forget_erased(again=True)
            self._vacuum(waiting)
        else:
            raise StoreError(
                "The people's names are written again and again while they are erased: see that "
                "nobody works in their names, then run the same command again."
            )
        self._refuse_traces(ALWAYS_COMPACTED)
        with self.db.write(actor) as tx:
            for subject_id in (begun.subject_id for begun in left):
                begun = saga.lock(tx, subject_id)
                carried = carried_by(tx, begun) or Carried((), (), ())
                whole = {subject_id, *carried.subject_ids}  # filed under any of their names
                steps = [*without_carried(begun), saga.told(tx, "certificate", {})]
                saga.change(tx, begun, steps=steps, finished_at=tx.now)
                saga.tell(tx, begun, {"step": "finished"})
                close_for(tx, whole, ["erasure"], "erased")
        # Refused, it leaves the names in the log for a while, encrypted with the master key.
        self.db.dialect.forget_changes(self.db.engine, ("erasures",))

    def _certified(self, actor: Actor, waiting: Sequence[Saga]) -> bool:
        """Sign what was measured in the same transaction; not if anything was left."""
        checkpoint = checkpoint_or_none(self.outside.checkpoint, actor, waiting)
        with self.db.write(actor) as tx:
            if in_database.again(tx, [begun.subject_id for begun in waiting]):
                return False
            for subject_id in (begun.subject_id for begun in waiting):
                begun = saga.lock(tx, subject_id)
                carried = carried_by(tx, begun) or Carried((), (), ())
                words = Mentions(carried.identifiers)
                certificate = signed_certificate(tx, begun, words, checkpoint)
                saga.change(tx, begun, certificate=certificate, identifier=None)
                told = {"step": "certificate", "signature": certificate["signature"]}
                saga.tell(tx, begun, told)
        return True

    def _refuse_traces(self, tables: Sequence[str]) -> None:
        refused = self.db.dialect.forget_changes(self.db.engine, tables)
        if refused is not None:
            raise self._blocked(refused)

    def _blocked(self, refused: str) -> StoreError:
        return StoreError(
            f"{', '.join(self.subject_ids)}: erased, but traces may be left in the database's "
            f"files: {refused} End other uses of the database, then run the same command again."
        )


def _tell_versions(subject_id: str, words: Mentions, tx: Transaction, done: VersionErasure) -> None:
    """Note the step in the transaction in which versions change, else it could be told twice."""
    told = {
        "redacted": done.redacted,
        "rows": done.n_of_person,
        "rows_redacted": sum(done.redacted.values()),
        "rows_held": done.n_held,
        "unreached": words.removed(done.unreached),
        "recipients": [
            {name: words.removed(value) for name, value in each.to_dict().items()}
            for each in done.recipients
        ],
        "counts": {"data_versions.layers": done.n_of_person},
    }
    saga.add_step(tx, saga.lock(tx, subject_id), "versions", told)
