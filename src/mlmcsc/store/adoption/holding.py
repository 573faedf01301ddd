"""Holding the original file, so that nobody else reads or writes it while it is adopted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import AdoptionError
from mlmcsc.store.adoption.files import leftovers, sha256
from mlmcsc.store.adoption.original import connect, has_original_schema

_THREADS: Final = threading.Lock()
"""SQLite's file locks are per process: a second thread that closed the file would drop them."""


@dataclass(frozen=True, slots=True)
class Held:
    """The original, locked against every other connection.

    Attributes:
        source: The connection that holds the lock.
        path: The file.
        state: Size, owner and permissions.
        sha256: Of its bytes (hex).
    """

    source: driver.Connection
    path: Path
    state: os.stat_result
    sha256: str


@contextmanager
def hold(path: Path, timeout: float) -> Iterator[Held | None]:
    """Lock the file exclusively; None when another process replaced it while we waited.

    Args:
        path: The database file.
        timeout: Seconds to wait for programs that have it open.

    Raises:
        AdoptionError: Another program holds it for longer, or left unfinished work beside it.
    """
    if not _THREADS.acquire(timeout=timeout):
        raise AdoptionError(
            f"Another thread has been adopting a database for {timeout:g} s. Open {path} again "
            "when it is done."
        )
    try:
        with ExitStack() as closers:
            yield _hold(path, timeout, closers)
    finally:
        _THREADS.release()


def _hold(path: Path, timeout: float, closers: ExitStack) -> Held | None:
    before = path.stat()
    source = connect(path, "mode=rw", timeout=timeout)
    closers.callback(source.close)
    if not has_original_schema(source):
        return None
    _lock(source)
    if not _same(before, path.stat()):
        return None
    if found := leftovers(path):
        raise AdoptionError(f"unfinished work lies beside it ({', '.join(found)})")
    # Closing any descriptor of the file drops SQLite's lock on it: this one is closed last.
    descriptor = os.open(path, os.O_RDONLY)
    closers.pop_all()
    closers.callback(os.close, descriptor)
    closers.callback(source.close)
    return Held(source, path, before, sha256(descriptor))


def _lock(source: driver.Connection) -> None:
    """The exclusive file lock, kept between transactions until the connection closes.

    A write-ahead log is first worked in, because its file would be taken for the new database's.
    An unfinished transaction of the original system is undone, as by whoever opens the file.
    """
    source.execute("PRAGMA trusted_schema=off")
    if source.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        source.execute("PRAGMA journal_mode=delete")
    source.execute("BEGIN EXCLUSIVE")
    # Only now: set earlier, two waiting programs would each keep a shared lock, for ever.
    source.execute("PRAGMA locking_mode=exclusive")
    source.execute("COMMIT")


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
