"""Master keys that end with the process, for databases that do too."""

from __future__ import annotations

import threading

from mlmcsc.adapters.keystore.ring import KeyRing
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.errors import MissingKeyError


class MemoryKeyStore:
    """Keys of a database in memory; nothing is written anywhere."""

    writable = True

    def __init__(self) -> None:
        self.place = "memory"
        self._ring = KeyRing(self.place, {})
        self._lock = threading.Lock()

    def current(self) -> MasterKey:
        """The key that wraps new data keys.

        Raises:
            MissingKeyError: None was created.
        """
        if not self._ring.entries:
            raise MissingKeyError("There is no key in memory yet. Create one first.")
        return self._ring.current

    def get(self, key_id: str) -> MasterKey:
        """The key of this id; MissingKeyError when it is not here."""
        return self._ring.get(key_id)

    def create(self) -> MasterKey:
        """A new random key; the first becomes current, a later one is pending."""
        with self._lock:
            self._ring, master = self._ring.with_new_key()
        return master

    def promote(self, key_id: str) -> None:
        """Make a pending key the current one; the one before it is retired."""
        with self._lock:
            self._ring = self._ring.promoted(key_id)

    def pending(self) -> tuple[str, ...]:
        """Ids of the keys that an unfinished rotation made, oldest first."""
        return self._ring.pending()

    def retired(self) -> tuple[str, ...]:
        """Ids of the keys before the current one, oldest first."""
        return self._ring.retired()

    def destroy(self, key_id: str) -> None:
        """Forget a retired key; other states are refused."""
        with self._lock:
            self._ring = self._ring.without(key_id)
