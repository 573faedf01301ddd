"""The steps of one erasure after it was started; each may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlmcsc.adapters.cache_folders import purge
from mlmcsc.adapters.exported_files import remove_exported
from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erased import STEPS, LedgerEntry
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.errors import StoreError
from mlmcsc.services.privacy.erasure import in_database
from mlmcsc.services.privacy.erasure.carried import Carried, carried_by, without_carried
from mlmcsc.services.privacy.erasure.certifying import signed_certificate
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.store import schema
from mlmcsc.store.queries.erasure import people, saga
from mlmcsc.store.queries.privacy_requests import close_for
from mlmcsc.store.uow import Snapshot, Store

Progress = Callable[[str, int, int], None]
"""Takes the step, how many steps are done, and how many there are."""

ALWAYS_COMPACTED = ("audit_logs", "erasures", "subjects")


@dataclass(slots=True)
class Run:
    """One go at an erasure.

    Attributes:
        db: The database.
        actor: Who erases.
        outside: What is reached outside the database.
        subject_id: Whose erasure.
        progress: Told each step.
        exports_left: Exported files that were not deleted, with the reason, by full path.
        exports_deleted: Full paths of those that were.
    """

    db: Store
    actor: Actor
    outside: Outside
    subject_id: str
    progress: Progress
    exports_left: dict[str, str] = field(default_factory=dict)
    exports_deleted: list[str] = field(default_factory=list)

    def finish(self) -> saga.Saga:
        """Do every step that is not done.

        Raises:
            HeldError: A legal hold was placed meanwhile.
            StoreError: A step cannot be done now; the next run goes on with it.
        """
        steps: tuple[Callable[[], None], ...] = (
            self._ledger,
            self._database,
            self._archives,
            self._caches,
            self._exports,
            self._vacuum,
            self._certificate,
        )
        for number, (name, step) in enumerate(zip(STEPS[1:], steps, strict=True), 1):
            self.progress(f"erasing: {name}", number, len(STEPS))
            if self._saga().step(name) is None:
                step()
        self.progress("erased", len(STEPS), len(STEPS))
        return self._saga()

    def _saga(self) -> saga.Saga:
        with self.db.read() as view:
            found = saga.of_subject(view, self.subject_id)
        if found is None:
            raise RuntimeError(f"no erasure of {self.subject_id}")  # it was started before
        return found

    def _carried(self) -> Carried:
        with self.db.read() as view:
            begun = saga.of_subject(view, self.subject_id)
            carried = None if begun is None else carried_by(view, begun)
        return carried or Carried((), ())

    def _done(self, name: str, counts: Mapping[str, Any]) -> None:
        with self.db.write(self._actor()) as tx:
            begun = saga.lock(tx, self.subject_id)
            saga.add_step(tx, begun, name, counts)

    def _actor(self) -> Actor:
        """Nobody whom the erasure's own events would name again."""
        return in_database.acting(self.actor, self._carried().identifiers)

    def _ledger(self) -> None:
        """Before the key is destroyed: else a restored backup would never be erased again."""
        begun = self._saga()
        with self.db.read() as view:
            person = people.find(view, self.subject_id)
            others = () if person is None else person.aliases
            database_id = str(schema.read_setting(view.conn, "database_id"))
            moment = timestamp_text(self.db.clock())
            rows = {self.subject_id: begun.technician_row} | dict.fromkeys(others)
            lines = {
                who: self.outside.ledger.append(
                    LedgerEntry(database_id, who, row, begun.labels, moment),
                    lambda text: view.vault.sign(view, text)[2],
                    ledger_check(view),
                )
                for who, row in rows.items()
            }
        with self.db.write(in_database.acting(self.actor, _names(person))) as tx:
            saga.add_step(tx, saga.lock(tx, self.subject_id), "ledger", {"sha256": lines})

    def _database(self) -> None:
        in_database.erase(self.db, self.actor, self.subject_id)

    def _archives(self) -> None:
        begun, identifiers = self._saga(), self._carried().identifiers
        done = self.outside.erase_archives(
            self._actor(),
            begun.technician_row,
            self.subject_id,
            identifiers,
            str((begun.step("started") or {})["pseudonym"]),
            labels=begun.labels,
        )
        self._done("archives", done)

    def _caches(self) -> None:
        self.outside.forget_open()
        self._done("caches", {"files": purge(self.outside.caches)})

    def _exports(self) -> None:
        carried = self._carried()
        self.exports_deleted, self.exports_left = remove_exported(carried.exports)
        words = Mentions(carried.identifiers)
        left = {words.removed(path): why for path, why in self.exports_left.items()}
        deleted = words.removed(self.exports_deleted)
        self._done("exports", {"deleted": deleted, "left": left})

    def _vacuum(self) -> None:
        counts = (self._saga().step("database") or {}).get("counts", {})
        touched = sorted({place.partition(".")[0] for place in counts} | set(ALWAYS_COMPACTED))
        result = self.db.dialect.compact(self.db.engine, touched, rewrite=True)
        if result.refused is not None and not self.db.dialect.in_memory:
            raise self._blocked(result.refused)
        self._done("vacuum", {"bytes_before": result.bytes_before, "bytes": result.bytes_after})

    def _certificate(self) -> None:
        """The clear identifier goes, then its traces; only then is the erasure finished."""
        actor, words = self._actor(), Mentions(self._carried().identifiers)
        if self._saga().certificate is None:
            checkpoint = self.outside.checkpoint(actor)
            with self.db.write(actor) as tx:
                begun = saga.lock(tx, self.subject_id)
                certificate = signed_certificate(tx, begun, words, checkpoint)
                saga.change(tx, begun, certificate=certificate, identifier=None)
                told = {"step": "certificate", "signature": certificate["signature"]}
                tx.record(AuditEvent(Operation.ERASE, "erasures", begun.id, None, told))
        refused = self.db.dialect.forget_changes(self.db.engine, ALWAYS_COMPACTED)
        if refused is not None:
            raise self._blocked(refused)
        with self.db.write(actor) as tx:
            begun = saga.lock(tx, self.subject_id)
            last = saga.told(tx, "certificate", {})
            steps = [*without_carried(begun), last]
            saga.change(tx, begun, steps=steps, finished_at=tx.now)
            close_for(tx, self.subject_id, ["erasure"], "erased")
        # Refused, it leaves the names in the log for a while, encrypted with the master key.
        self.db.dialect.forget_changes(self.db.engine, ("erasures",))

    def _blocked(self, refused: str) -> StoreError:
        return StoreError(
            f"{self.subject_id} is erased, but traces may be left in the database's files: "
            f"{refused} End other uses of the database, then run the same command again."
        )


def _names(person: people.Person | None) -> tuple[str, ...]:
    return () if person is None else person.identifiers


def ledger_check(view: Snapshot) -> Callable[[bytes, bytes], bool]:
    """Whether a line of the ledger was signed by this database."""
    public_key, verify = view.vault.public_key(view), view.vault.crypto.verify
    return lambda message, signature: verify(public_key, signature, message)
