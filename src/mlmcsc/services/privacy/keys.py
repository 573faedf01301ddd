"""Master keys: their state, a new one in place of the old, and the end of old ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mlmcsc.domain.backups.holdings import Holdings
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.keys import DestroyedKeys, KeptState, KeyState, RotationReport
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.sealing import KeyStore, MasterKey
from mlmcsc.errors import ConflictError, MissingKeyError
from mlmcsc.services.privacy.backup_sets import BackupSets
from mlmcsc.services.privacy.kept_keys import KeptKeys
from mlmcsc.store.queries import privacy_keys as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Store, Transaction

BATCH = 500
"""People per transaction: some 10 ms, in which other writers wait."""


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """Look at, rotate and destroy master keys, in one actor's name."""

    db: Store
    actor: Actor
    kept: KeptKeys
    sets: BackupSets

    @requires(Permission.KEYS)
    def state(self) -> KeyState:
        """Which keys there are and what they wrap; also where the place cannot be read."""
        with self.db.read() as view:
            return _state(view, self.kept.state(view))

    @requires(Permission.KEYS)
    def backups(self) -> Holdings:
        """The backups in the places of the settings, and which master key each needs."""
        return self.sets.look()

    @requires(Permission.KEYS)
    def rotate(self, *, progress: Progress | None = None) -> RotationReport:
        """Wrap everything by a new master key.

        Every person's data key and the signing key are wrapped anew, batch by batch; each batch is
        one transaction with an event. When the old key wraps nothing here any more it is retired,
        and kept: backups from before need it. Interrupted at any point, everything can still be
        opened, and the next call finishes the same rotation with the same key. A key in the
        variable `MLMCSC_KEY` is taken as the new one; the old must be in `MLMCSC_KEY_RETIRED`.
        The file of data keys, which restores need, is brought up to date before the end.

        Args:
            progress: Called with what is being done, people done and people in all.

        Raises:
            MissingKeyError: A key that wraps something here is not here, or the place cannot be
                written; nothing was changed.
            StoreError: The file of data keys cannot be written; the next call goes on.
        """
        new, resumed = self._target()
        with self.db.read() as view:
            counts = queries.people_by_key(view)
        total = sum(n for key, n in counts.items() if key != new.key_id)
        done = batches = 0
        finished = is_kept = False
        while not finished:
            with self.db.write(self.actor) as tx:
                queries.alone(tx)
                changed = _rewrap(tx, new)
                # The last batch is followed by one without people, and when all are kept that
                # were wrapped, by another, which ends the rotation.
                finished = not changed and is_kept
                if finished:
                    _finish(tx, new)
            if not changed:
                self.kept.update(new=new)
            is_kept = not changed
            done += changed
            batches += bool(changed)
            if progress is not None:
                progress("wrapping people's keys anew", done, max(total, done))
        with self.db.read() as view:
            retired = view.vault.keys(view).retired()
        return RotationReport(new.key_id, resumed, done, batches, retired)

    def _target(self) -> tuple[MasterKey, bool]:
        """The key that shall wrap everything, and whether an earlier run chose it.

        In a transaction of writing, so that two runs at once choose the same.
        """
        with self.db.write(self.actor) as tx:
            queries.alone(tx)
            keys = tx.vault.keys(tx)
            used = queries.in_use(tx)
            for key in sorted(used):  # before a new key is made: nothing may fail halfway
                keys.get(key)
            pending = keys.pending()
            if pending:
                return keys.get(pending[0]), True
            current = keys.current()
            if used != {current.key_id}:
                return current, True
            return keys.create(), False

    @requires(Permission.KEYS)
    def refuse_lost_backups(self) -> None:
        """Refuse what `rotate`, and then `destroy_retired`, would make unreadable.

        Raises:
            ConflictError: Backups in the places of the settings need a key that would go, or a
                place cannot tell.
        """
        with self.db.read() as view:
            keys = view.vault.keys(view)
            current, pending = keys.current().key_id, keys.pending()
            goes_on = queries.in_use(view) != {current} or not keys.writable
            stays = {pending[0]} if pending else {current} if goes_on else set()
            going = {current, *keys.retired()} - stays
        self._lost(going, force=False)

    def _lost(self, key_ids: Collection[str], *, force: bool) -> tuple[str, ...]:
        """Paths of backups that only these keys open."""
        holdings = self.sets.look()
        needing = holdings.needing(key_ids)
        if needing and not force:
            told = "; ".join(f"{each.path} ({each.key_id})" for each in needing)
            raise ConflictError(
                f"{len(needing)} backup(s) are encrypted under a master key that would be "
                f"destroyed, and could never be read again: {told}. Nothing was destroyed. Make a "
                "new backup (`mlmcsc backup create`), let these go (`mlmcsc backup prune`), then "
                "repeat; or give them up with --force."
            )
        if holdings.unread and not force:
            told = "; ".join(f"{place}: {why}" for place, why in holdings.unread.items())
            raise ConflictError(
                "Nobody can tell whether backups need a master key that would be destroyed: "
                f"{told} Nothing was destroyed. Make the place readable and repeat, or give up "
                "what lies there with --force."
            )
        return tuple(each.path for each in needing)

    @requires(Permission.KEYS)
    def destroy_retired(self, *, force: bool = False) -> DestroyedKeys:
        """Remove retired keys for good.

        Copies of this database from their time can then no longer show any name, and a second
        database that shares the key file may lose its own. A key that still wraps something here
        is never destroyed, nor one by which a backup in the places of the settings is encrypted.

        Args:
            force: Give up those backups, and what lies in places that cannot be read.

        Raises:
            MissingKeyError: The place cannot be written, or is a variable, which cannot be.
            ConflictError: An interrupted erasure, or a backup, still needs a key.
            StoreError: The file of data keys cannot be brought up to date.
        """
        with self.db.read() as view:
            keys = view.vault.keys(view)
            current, retired = keys.current(), keys.retired()
        lost = self._lost(retired, force=force) if retired else ()
        self.kept.update(new=current)
        with self.db.write(self.actor) as tx:
            queries.alone(tx)
            if queries.erasure_unfinished(tx):
                raise ConflictError(
                    "An erasure was interrupted, and what it still has to do is sealed with a key "
                    "of its time. Finish it first: run the same privacy command again."
                )
            used = queries.in_use(tx)
            destroyed = tuple(key for key in retired if key not in used)
            kept = tuple(key for key in retired if key in used)
            if destroyed and not keys.writable:
                keys.destroy(destroyed[0])  # it says who must remove it, and where
            if destroyed:
                told = {"destroyed_keys": list(destroyed), "lost_backups": list(lost)}
                tx.record(AuditEvent(Operation.ROTATE_KEY, "subjects", None, told, None, n_rows=0))
        # After the commit: a deed that cannot be undone must not go without its event. Dying here
        # leaves keys that nothing needs, and the next call removes them.
        for key in destroyed:
            keys.destroy(key)
        return DestroyedKeys(destroyed, kept, lost)


def _rewrap(tx: Transaction, new: MasterKey) -> int:
    """One batch with its event."""
    changed = queries.rewrap_people(tx, new, BATCH)
    if changed:
        rows = [row for row, _ in changed]
        tx.record(
            AuditEvent(
                Operation.ROTATE_KEY,
                "subjects",
                old_values={"key_ids": sorted({before for _, before in changed})},
                new_values={"key_id": new.key_id, "first_id": rows[0], "last_id": rows[-1]},
                n_rows=len(changed),
            )
        )
    return len(changed)


def _finish(tx: Transaction, new: MasterKey) -> None:
    """The signing key, and the new key made current.

    The key is promoted before the transaction commits: dying in between leaves a signing key that
    the retired key wraps, which is still there. Who is admitted afterwards waits for the lock, or
    reads the new key.
    """
    keys = tx.vault.keys(tx)
    before = keys.current().key_id
    signing = queries.rewrap_signing_key(tx, new)
    if before != new.key_id:
        keys.promote(new.key_id)
    if signing or before != new.key_id:
        told = {"key_id": new.key_id, "signing_key": signing}
        old = None if before == new.key_id else {"key_id": before}
        tx.record(AuditEvent(Operation.ROTATE_KEY, "settings", None, old, told))


def _state(view: View, kept: KeptState) -> KeyState:
    keys = view.vault.keys(view)
    current: str | None = None
    problem: str | None = None
    pending: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    try:
        current, pending, retired = keys.current().key_id, keys.pending(), keys.retired()
    except MissingKeyError as error:
        problem = str(error)
    signing = view.vault.signing_key(view)[0]
    people = queries.people_by_key(view)
    return KeyState(
        place=keys.place,
        own_place=str(read_setting(view.conn, "database_id")) in keys.place,
        current=current,
        pending=pending,
        retired=retired,
        people=people,
        signing_key=signing,
        missing=tuple(key for key in sorted({*people, signing}) if not _is_here(keys, key)),
        problem=problem,
        kept=kept,
    )


def _is_here(keys: KeyStore, key_id: str) -> bool:
    try:
        keys.get(key_id)
    except MissingKeyError:
        return False
    return True
