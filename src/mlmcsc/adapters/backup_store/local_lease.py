"""The lease of a folder: beside it a lock, which a killed process loses at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmcsc.adapters.backup_store import copying, lease
from mlmcsc.adapters.backup_store.disk import disk_errors
from mlmcsc.errors import ConflictError


class FolderLease:
    """The lease file of a folder; its tag is its content."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / lease.FILE

    def read(self) -> tuple[bytes, str] | None:
        """Content, and the same as a tag."""
        with disk_errors(self._path, "reading the lease"):
            try:
                descriptor = copying.opened(self._path)
            except FileNotFoundError:
                return None
            with open(descriptor, "rb") as file:
                content = file.read(lease.LARGEST)
        return content, content.decode("utf-8", "replace")

    def write(self, content: bytes, tag: str | None) -> str | None:
        """Replace what has this tag, under the lock; the new tag, or None."""
        with disk_errors(self._path, "writing the lease"):
            draft = self._path.with_name(f".draft-{secrets.token_hex(8)}")
            try:
                copying.write(draft, content)
                found = self.read()
                if (None if found is None else found[1]) != tag:
                    return None
                draft.replace(self._path)
            finally:
                draft.unlink(missing_ok=True)
        found = self.read()  # two machines whose locks do not meet: the later one has it
        return None if found is None or found[0] != content else found[1]


@contextmanager
def held_folder(folder: Path, purpose: str, holder: str) -> Iterator[lease.HeldLease]:
    """Hold a folder for the block.

    Raises:
        ConflictError: Somebody else holds it.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

    file = FolderLease(folder)
    lock = FileLock(folder / "leases" / ".place.lock", mode=0o600, thread_local=False)
    with disk_errors(folder, "holding the place"):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ConflictError(lease.held_by(str(folder), file)) from None
    try:
        with lease.held(str(folder), file, purpose, holder, alone=True) as mine:
            yield mine
    finally:
        lock.release()
