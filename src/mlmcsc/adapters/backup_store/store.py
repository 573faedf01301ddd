"""What a place of backups can do, be it a folder or a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

Told = Callable[[int], None]
"""Told of bytes as they go, for progress."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a place.

    Attributes:
        key: Its name in the place, with `/`.
        n_bytes: Size.
        modified_at: When it was written, UTC.
    """

    key: str
    n_bytes: int
    modified_at: datetime


class Lease(Protocol):
    """The place is held alone, as long as `check` says so."""

    def check(self) -> None:
        """Ask the place; to be called before anything is deleted.

        Raises:
            ConflictError: It was lost: it ran out, or somebody removed it.
        """
        ...

    def still(self) -> None:
        """As `check`, by what is known without asking the place; to be called before each write.

        Raises:
            ConflictError: It was lost.
        """
        ...


class BackupStore(Protocol):
    """A place of backups. Keys are relative, with `/`; none leads out of the place.

    Every method raises `StoreError`, naming the place, the reason and the repair, where it cannot
    do what it is asked, and `IntegrityError` where bytes are not what they should be.
    """

    place: str
    """For messages and for the register: a folder or a URL, never a secret."""

    def put_file(self, key: str, source: Path, *, told: Told = ..., move: bool = False) -> None:
        """Bring a file in, durably and whole or not at all; with `move` it need not stay."""
        ...

    def put_bytes(self, key: str, content: bytes, *, new: bool = False) -> bool:
        """Write a small file likewise; with `new` only where there is none: else False."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes in pieces; `UnknownRecordError` where there is no such file."""
        ...

    def get(self, key: str, largest: int) -> bytes:
        """A small file whole; `IntegrityError` where it is larger."""
        ...

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Every file below `prefix` (`""` or `a/b/`), unfinished ones left out."""
        ...

    def names(self) -> list[str]:
        """First segments of keys: sets, and what `names.RESERVED` lists."""
        ...

    def size(self, key: str) -> int | None:
        """Bytes of a file; None where there is none."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files; those that are gone already are no error."""
        ...

    def free_bytes(self) -> int | None:
        """Space left; None where nobody knows."""
        ...

    def tidy(self, before: datetime) -> int:
        """Delete what killed runs left; how many files. To be called while the place is held.

        Args:
            before: In a bucket, only what was written before this moment goes: a set in the making
                there has its name already. In a folder, all unfinished goes.
        """
        ...

    def staged(self, name: str, set_id: str) -> str:
        """First segment of keys under which a set's own files are written until it is whole.

        Raises:
            ConflictError: There is a set of this name.
        """
        ...

    def publish(self, name: str, staged: str) -> None:
        """Give a whole set, its manifest written last, its name; at once.

        Raises:
            ConflictError: There is a set of this name meanwhile.
        """
        ...

    def leased(self, purpose: str, holder: str) -> AbstractContextManager[Lease]:
        """Hold the place alone among those who add to it or remove from it.

        While it is held, `remove` and `publish` ask for it first.

        Raises:
            ConflictError: Somebody else holds it; the message says who, since when, and until when.
        """
        ...
