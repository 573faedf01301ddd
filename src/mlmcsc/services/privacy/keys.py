"""Master keys: their state, a new one in place of the old, and the end of old ones."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.keys import DestroyedKeys, KeyState, RotationReport
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.sealing import KeyStore, MasterKey
from mlmcsc.errors import ConflictError, MissingKeyError
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

    @requires(Permission.KEYS)
    def state(self) -> KeyState:
        """Which keys there are and what they wrap; also where the place cannot be read."""
        with self.db.read() as view:
            return _state(view)

    @requires(Permission.KEYS)
    def rotate(self, *, progress: Progress | None = None) -> RotationReport:
        """Wrap everything by a new master key.

        Every person's data key and the signing key are wrapped anew, batch by batch; each batch is
        one transaction with an event. When the old key wraps nothing here any more it is retired,
        and kept: backups from before need it. Interrupted at any point, everything can still be
        opened, and the next call finishes the same rotation with the same key. A key in the
        variable `MLMCSC_KEY` is taken as the new one; the old must be in `MLMCSC_KEY_RETIRED`.

        Args:
            progress: Called with what is being done, people done and people in all.

        Raises:
            MissingKeyError: A key that wraps something here is not here, or the place cannot be
                written; nothing was changed.
        """
        new, resumed = self._target()
        with self.db.read() as view:
            counts = queries.people_by_key(view)
        total = sum(n for key, n in counts.items() if key != new.key_id)
        done = batches = 0
        finished = False
        while not finished:
            with self.db.write(self.actor) as tx:
                queries.alone(tx)
                changed = _rewrap(tx, new)
                # The last batch is followed by one without people, which ends the rotation.
                finished = not changed
                if finished:
                    _finish(tx, new)
            done += changed
            batches += not finished
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
    def destroy_retired(self) -> DestroyedKeys:
        """Remove retired keys for good.

        Backups from their time can then no longer show any name, and a second database that shares
        the key file may lose its own. A key that still wraps something here is never destroyed.

        Raises:
            MissingKeyError: The place cannot be written, or is a variable, which cannot be.
            ConflictError: An interrupted erasure still needs its key.
        """
        with self.db.write(self.actor) as tx:
            queries.alone(tx)
            if queries.erasure_unfinished(tx):
                raise ConflictError(
                    "An erasure was interrupted, and what it still has to do is sealed with a key "
                    "of its time. Finish it first: run the same privacy command again."
                )
            keys = tx.vault.keys(tx)
            used = queries.in_use(tx)
            retired = keys.retired()
            destroyed = tuple(key for key in retired if key not in used)
            kept = tuple(key for key in retired if key in used)
            if destroyed and not keys.writable:
                keys.destroy(destroyed[0])  # it says who must remove it, and where
            if destroyed:
                told = {"destroyed_keys": list(destroyed)}
                tx.record(AuditEvent(Operation.ROTATE_KEY, "subjects", None, told, None, n_rows=0))
        # After the commit: a deed that cannot be undone must not go without its event. Dying here
        # leaves keys that nothing needs, and the next call removes them.
        for key in destroyed:
            keys.destroy(key)
        return DestroyedKeys(destroyed, kept)


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


def _state(view: View) -> KeyState:
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
    )


def _is_here(keys: KeyStore, key_id: str) -> bool:
    try:
        keys.get(key_id)
    except MissingKeyError:
        return False
    return True
