"""SQLite: the copy of a file that others write to, without the data keys of people."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import StoreError
from mlmcsc.store.backups.snapshot import Told

STEP_BYTES: Final = 32 << 20
"""Copied between two looks at whether to stop."""


class StoppedError(Exception):
    """The other half of the work failed, and says why."""


def copy(source: driver.Connection, target: Path, told: Told, stop: Event) -> None:
    """Copy the state that `source` sees; a plain file, with nothing beside it, not yet flushed.

    Args:
        source: In a read transaction.
        target: Must not exist.
        told: Is told how many more bytes were copied.
        stop: Set to have the work end early.

    Raises:
        StoppedError: It was ended early.
        StoreError: The database cannot be read, or the copy not written.
    """
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(driver.connect(str(target), isolation_level=None)) as made:
            # Whole or nothing is decided by others: a torn copy is never used.
            made.execute("PRAGMA synchronous = OFF")
            made.execute("PRAGMA journal_mode = OFF")
            # Few pages are kept: each is written once, and the processor's cache holds these.
            made.execute("PRAGMA cache_size = 50")
            _copy_pages(source, made, told, stop)
        with closing(driver.connect(str(target), isolation_level=None)) as made:
            _forget_data_keys(made)
    except driver.Error as error:
        raise StoreError(f"The copy {target} could not be made: {error}.") from None
    except OSError as error:
        raise StoreError(f"The copy {target} could not be written: {error.strerror}.") from error


def _copy_pages(
    source: driver.Connection, made: driver.Connection, told: Told, stop: Event
) -> None:
    (page_bytes,) = source.execute("PRAGMA page_size").fetchone()
    copied = 0

    def progress(_status: int, remaining: int, total: int) -> None:
        nonlocal copied
        if stop.is_set():
            raise StoppedError
        now = (total - remaining) * page_bytes
        told(now - copied)
        copied = now

    source.backup(made, pages=max(1, STEP_BYTES // page_bytes), progress=progress)


def _forget_data_keys(made: driver.Connection) -> None:
    # The header says that the file has a log: without one it opens anywhere, even read-only.
    made.execute("PRAGMA journal_mode = DELETE")
    made.execute("PRAGMA journal_mode = OFF")  # a journal would hold the keys
    made.execute("PRAGMA synchronous = OFF")
    made.execute("PRAGMA secure_delete = ON")
    made.execute("UPDATE subjects SET wrapped_key = NULL, key_id = NULL")
