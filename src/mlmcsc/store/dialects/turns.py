"""Whose turn it is to write an SQLite file: threads of this process, and other processes."""

from __future__ import annotations

import threading
import time
from typing import Final

import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import StoreError
from mlmcsc.store.dialects.base import driver_rows

TRY_MS: Final = 10
"""SQLite tries after 1, 3 and 8 ms, and then tells us."""


def begin_writing(conn: sa.Connection, wait_ms: int) -> None:
    """Wait for other processes, trying as often at the end as at the beginning.

    SQLite itself waits longer and longer between two tries, up to 0.1 s: among many writers,
    whoever has waited longest then finds the lock free least often, and some never do.

    Raises:
        OperationalError: The driver's, after `wait_ms`, or at once for another reason.
    """
    give_up = time.monotonic() + wait_ms / 1000
    driver_rows(conn, f"PRAGMA busy_timeout={min(TRY_MS, wait_ms)}", ())
    try:
        while True:
            try:
                driver_rows(conn, "BEGIN IMMEDIATE", ())
            except driver.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
            else:
                return
    finally:
        driver_rows(conn, f"PRAGMA busy_timeout={wait_ms}", ())


class Timed:
    """A lock that gives up with a clear error instead of waiting for ever."""

    def __init__(self, lock: threading.Lock, timeout: float) -> None:
        self._lock, self._timeout = lock, timeout

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._timeout):
            raise StoreError(
                f"Another thread of this program has been writing for {self._timeout:g} s. "
                "Write in smaller batches, or raise busy_timeout_seconds."
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()
