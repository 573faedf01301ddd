"""People's wrapped data keys, kept apart from the database for restores, brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.domain.privacy.data_keys import DataKeys, WrappedKey, merged
from mlmcsc.domain.privacy.keys import KeptState
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.errors import MissingKeyError, StoreError
from mlmcsc.store.queries import data_keys as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """The file of data keys of one database; nothing of it changes the database.

    Never to be called within a transaction that writes: it waits for the file's lock.
    """

    db: Store
    file: DataKeyFile

    def update(self, *, new: MasterKey | None = None) -> DataKeys:
        """Keep what the database holds now; whoever is erased in it is forgotten.

        Every backup does so before it is whole, every rotation before the old key may go.

        Args:
            new: After a rotation: entries of people whom this database does not know are wrapped
                anew by this key, as far as the key that wraps them is here.

        Raises:
            IntegrityError: The file is damaged, or another database's.
            StoreError: It cannot be written.
        """

        def change(before: DataKeys | None) -> DataKeys:
            with self.db.read() as view:
                after = merged(before, queries.held(view))
                return after if new is None else _wrapped_anew(view, after, new)

        return self.file.update(change)

    def forget_erased(self, *, again: bool = False) -> None:
        """As `update`, for an erasure: a file that should be there is not just made anew.

        Args:
            again: The person was erased before, so that no file has their key any more; whoever
                restores a backup without the file has said that it is lost.

        Raises:
            IntegrityError: The file is damaged; the erasure waits.
            StoreError: It is missing, though backups were made, or cannot be written.
        """

        def change(before: DataKeys | None) -> DataKeys:
            with self.db.read() as view:
                is_new = before is None and self.file.path is not None
                if is_new and not again and queries.was_backed_up(view):
                    raise StoreError(
                        f"There is no file of data keys {self.file.path}, though backups were "
                        "made: where it lies, it may hold the person's key, which opens their "
                        "sealed texts in these. The erasure waits: put the file back; if it is "
                        "lost for good, `mlmcsc backup create` writes it anew. Then run the same "
                        "command again."
                    )
                return merged(before, queries.held(view))

        self.file.update(change)

    def state(self, view: View) -> KeptState:
        """Where the file is and whether it is up to date; also where it cannot be read."""
        place = str(self.file.path or "memory")
        if self.file.path is None:
            return KeptState(place, 0, current=True, problem=None)
        try:
            kept = self.file.read()
            if kept is None:
                problem = None
                if queries.was_backed_up(view):
                    problem = (
                        f"there is no file of data keys {place}: without it a restored backup "
                        "shows no name; put it back, or run `mlmcsc backup create`"
                    )
                return KeptState(place, 0, current=False, problem=problem)
            problem = _brought_back(place, kept, queries.held(view))
            return KeptState(place, len(kept.keys), _is_current(view, kept), problem)
        except StoreError as error:
            return KeptState(place, 0, current=False, problem=str(error))


def _is_current(view: View, kept: DataKeys) -> bool:
    return merged(kept, queries.held(view)) == kept


def _brought_back(place: str, kept: DataKeys, now: DataKeys) -> str | None:
    """What is wrong with an older copy of the file, put back after an erasure."""
    erased = len(kept.keys.keys() & now.forgotten)
    if not erased:
        return None
    return (
        f"the file of data keys {place} is an older copy and holds the keys of {erased} erased "
        "people, which open their texts in backups: run `mlmcsc backup create`, which removes them"
    )


def _wrapped_anew(view: View, kept: DataKeys, new: MasterKey) -> DataKeys:
    """People of copies of this database too: the old master key may be destroyed next."""
    keys: Mapping[str, WrappedKey] = {
        who: _by(view, who, entry, new) for who, entry in kept.keys.items()
    }
    return replace(kept, keys=keys)


def _by(view: View, who: str, entry: WrappedKey, new: MasterKey) -> WrappedKey:
    key_id, wrapped = entry
    if key_id == new.key_id:
        return entry
    try:
        old = view.vault.keys(view).get(key_id)
    except MissingKeyError:  # nor could it be opened before
        return entry
    crypto = view.vault.crypto
    plain = crypto.decrypt(old.key, wrapped, who.encode())
    return new.key_id, crypto.encrypt(new.key, plain, who.encode())
