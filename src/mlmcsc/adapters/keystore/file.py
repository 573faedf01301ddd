"""Master keys in a file of their own, apart from the database and its backups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmcsc.adapters.keystore.private_file import (
    make_private_folder,
    read_private,
    remove_drafts,
    write_private,
)
from mlmcsc.adapters.keystore.ring import KeyRing, parse_ring
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.errors import MissingKeyError, NoKeyError

LOCK_SECONDS = 30.0
"""Longest wait for another process; a change takes milliseconds."""


class FileKeyStore:
    """A key file, `{"format": "mlmcsc-keys-1", "current": id, "keys": {id: …}}`, mode 0600.

    Every call reads the file anew, so that a key that another process made or retired is seen.
    Changes are made under a lock file beside it, and each replaces the file whole. What the disk
    keeps of a replaced file is not overwritten: keep it on an encrypted disk. Raises
    MissingKeyError for every problem, with the file, what is wrong and the repair; its subclass
    NoKeyError where there is just no file.

    Args:
        path: The key file; a relative one counts from the working directory of this moment.
        is_named: Whether somebody named it: then it should be there, and NoKeyError is not raised.
    """

    writable = True

    def __init__(self, path: Path, *, is_named: bool = False) -> None:
        self._is_named = is_named
        self._path = path.absolute()
        self.place = str(self._path)

    def current(self) -> MasterKey:
        """The key that wraps new data keys."""
        return self._read().current

    def get(self, key_id: str) -> MasterKey:
        """The key of this id, in whatever state."""
        return self._read().get(key_id)

    def create(self) -> MasterKey:
        """A new random key, durably stored; the first becomes current, a later one is pending.

        Two processes that both make the first key get the same one.
        """
        was_absent = not self._is_there()
        with self._locked() as file:
            is_absent = not self._is_there()
            if was_absent and not is_absent:  # another process made the first one meanwhile
                return self._read().current
            ring = KeyRing(self.place, {}) if is_absent else self._read()
            changed, master = ring.with_new_key()
            write_private(file, changed.to_json(), is_new=is_absent)
        return master

    def promote(self, key_id: str) -> None:
        """Make a pending key the current one; the one before it is retired, not removed."""
        with self._locked() as file:
            write_private(file, self._read().promoted(key_id).to_json(), is_new=False)

    def pending(self) -> tuple[str, ...]:
        """Ids of the keys that an unfinished rotation made, oldest first."""
        return self._read().pending()

    def retired(self) -> tuple[str, ...]:
        """Ids of the keys before the current one, oldest first."""
        return self._read().retired()

    def destroy(self, key_id: str) -> None:
        """Rewrite the file without a retired key; other states are refused."""
        with self._locked() as file:
            write_private(file, self._read().without(key_id).to_json(), is_new=False)

    def _read(self) -> KeyRing:
        try:
            text = read_private(self._path)
        except NoKeyError as error:
            if self._is_named:
                raise MissingKeyError(str(error)) from error
            raise
        return parse_ring(text, self.place)

    def _is_there(self) -> bool:
        """A link to nothing is there too: reading it tells the problem."""
        return os.path.lexists(self._path)

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """Wait for other writers; gives the file itself, behind a symbolic link."""
        from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to change keys

        file = Path(os.path.realpath(self._path))
        try:
            make_private_folder(file.parent)
            lock = file.with_name(f"{file.name}.lock")
            with FileLock(lock, timeout=LOCK_SECONDS, mode=0o600):
                remove_drafts(file)
                yield file
        except Timeout:
            raise MissingKeyError(
                f"The key file {self.place} is being changed by another process since "
                f"{LOCK_SECONDS:g} s. Nothing was changed; end that process and repeat."
            ) from None
        except OSError as error:
            raise MissingKeyError(
                f"The key file {self.place} cannot be written: {error.strerror or error}. Check "
                "free space and the folder's permissions, or set MLMCSC_KEY_FILE to another place."
            ) from error
