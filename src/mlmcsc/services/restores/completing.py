"""What the database beside lacks before it may take the live one's place, put into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from mlmcsc.domain.backups.registered import SignedSet
from mlmcsc.domain.backups.restoring import RestorePlan, Wishes
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.data_keys import DataKeys
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError, MissingKeyError
from mlmcsc.services.restores import proving
from mlmcsc.services.restores.files import Files, PutBack
from mlmcsc.services.restores.ports import House, LiveFacts, Replayed, Restored, Source
from mlmcsc.store.queries import backups as register
from mlmcsc.store.queries import data_keys
from mlmcsc.store.queries.data_keys import PutBack as Keys
from mlmcsc.store.queries.erasure import ledgered
from mlmcsc.store.queries.validation import sequences
from mlmcsc.store.uow import Transaction

Step = Callable[[str], AbstractContextManager[None]]
"""Times a step."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What was found out before anything was changed."""

    live: LiveFacts | None
    kept: DataKeys | None
    trusted: bool
    n_erased: int | None
    plan: RestorePlan


@dataclass(frozen=True, slots=True)
class Completed:
    """What was put into the database beside.

    Attributes:
        database_id: What it calls itself.
        keys: People's data keys.
        files: Of versions, archives and images.
        replayed: Erasures.
        ledger_bytes: Size of the erasure ledger when it was read for that; it only ever grows.
            None: it is gone on without.
        sets: What the places of backups tell of its backups, by place.
        warnings: Why some of that is not known.
    """

    database_id: str
    keys: Keys
    files: PutBack
    replayed: Replayed
    ledger_bytes: int | None
    sets: Mapping[str, tuple[SignedSet, ...]]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completing:
    """Completes one restored database."""

    source: Source
    wishes: Wishes
    proven: Proven
    house: House
    actor: Actor
    elsewhere: bool

    def complete(
        self, restored: Restored, now: datetime, progress: Progress, step: Step
    ) -> Completed:
        """Keys, files, erasures, ids; the register is read, and entered by `enter`.

        Raises:
            IntegrityError: The ledger is missing or cut.
            MissingKeyError: People's data keys are not here.
        """
        source = self.source
        if not self.proven.trusted:
            proving.prove_by_master_key(source, restored)
        with restored.db.read() as view:
            database_id = data_keys.held(view).database_id
        keys = self._keys(restored, database_id)
        with step("files"):
            run = f"{now:%Y%m%dT%H%M%SZ}"
            files = Files(source, restored, self.actor, progress, run, not self.elsewhere)
            put_back = files.put_back()
        with step("erase again"):
            ledger_bytes = self._ledger_bytes(database_id)
            replayed = self._replay(restored)
        restored.forget_caches()
        gone = set(replayed.applied)
        missing = tuple(who for who in keys.missing if who not in gone)
        sets, warnings = self.house.signed_sets(restored, source.place)
        keys = Keys(keys.restored, missing)
        return Completed(database_id, keys, put_back, replayed, ledger_bytes, sets, warnings)

    def enter(self, tx: Transaction, done: Completed) -> list[str]:
        """Raise the id sequences to the live ones, and complete the register of backups.

        Returns:
            Names of the sets that were entered.
        """
        live = self.proven.live
        if live is not None and live.database_id == done.database_id:
            sequences.raise_to(tx, live.ids)
        entered = [
            name
            for place, found in done.sets.items()
            for name in register.register(tx, place, found)
        ]
        manifest = self.source.manifest
        own = register.by_set(tx, manifest.set_id) if manifest is not None else None
        if own is not None:  # every byte of it was read just now
            register.set_checked(tx, own.id, whole=True)
        return entered

    def _keys(self, restored: Restored, database_id: str) -> Keys:
        kept = self.proven.kept
        if self.source.manifest is None:  # only now it is known whose file it is
            kept = self.house.data_keys(database_id).read()
        with restored.db.write(self.actor) as tx:
            keys = data_keys.put_back(tx, {} if kept is None else kept.keys)
        # A file copied from the live database has its keys; one out of a set has none.
        is_from_a_set = self.source.manifest is None and kept is None and keys.missing
        if is_from_a_set and not self.wishes.without_names:
            raise MissingKeyError(
                f"{self.source.name} has no data keys of people, and their file "
                f"{database_id}.datakeys.json is missing: names and notes would stay unreadable "
                "for good. Nothing was changed. Put back a copy of the file, beside the key file; "
                "or add --without-names if measurements are enough."
            )
        return keys

    def _ledger_bytes(self, database_id: str) -> int | None:
        if self.source.manifest is not None and self.proven.n_erased is None:
            return None
        path = self.house.ledger(database_id).path
        return 0 if path is None or not path.exists() else path.stat().st_size

    def _replay(self, restored: Restored) -> Replayed:
        try:
            if self.source.manifest is None:
                self._check_ledger_of_plain(restored)
            elif self.proven.n_erased is None:
                return Replayed()  # asked for, and recorded
            return restored.replay()
        except IntegrityError as error:
            if self.wishes.without_ledger is None:
                raise IntegrityError(f"{error} {proving.WITHOUT}") from None
            return Replayed()

    def _check_ledger_of_plain(self, restored: Restored) -> None:
        """Only now it is known whose file it was."""
        with restored.db.read() as view:
            database_id = data_keys.held(view).database_id
            lines = ledgered.lines(view)
        live = self.proven.live
        same = live if live is not None and live.database_id == database_id else None
        if restored.adopted:
            if live is not None and live.ledger_lines and not self.elsewhere:
                raise IntegrityError(
                    "People were erased in the live database, and this file is of the original "
                    "system: whether they are in it cannot be told."
                )
            return
        kept = self.house.data_keys(database_id).read()
        if not proving.may_be_absent(len(lines), same, kept):
            proving.refuse_missing(self.house.ledger(database_id))

    def is_up_to_date(self, done: Completed) -> bool:
        """Whether nobody was erased since; asked while the live database is held."""
        return done.ledger_bytes == self._ledger_bytes(done.database_id)

    def again(self, done: Completed) -> Completed:
        """Somebody wrote to the live database since, or was erased: catch up with that."""
        live = self.house.live() or self.proven.live
        now = replace(self, proven=replace(self.proven, live=live))
        restored = self.house.open(live)
        try:
            ledger_bytes = self._ledger_bytes(done.database_id)
            more = self._replay(restored)
            sets, warnings = self.house.signed_sets(restored, self.source.place)
            with restored.db.write(self.actor) as tx:
                now.enter(tx, replace(done, sets=sets))
        finally:
            restored.close()
        replayed = Replayed(
            tuple(dict.fromkeys((*done.replayed.applied, *more.applied))), more.refused, more.untold
        )
        return replace(
            done, replayed=replayed, ledger_bytes=ledger_bytes, sets=sets, warnings=warnings
        )
