"""SQLite: one state, copied and read on several connections at once, while others write."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.errors import StoreError
from mlmcsc.store.backups.snapshot import (
    DATABASE,
    Snapshot,
    Told,
    Written,
    data_keys_of,
    facts_of,
)
from mlmcsc.store.backups.sqlite_copy import StoppedError, copy
from mlmcsc.store.backups.sqlite_digests import digest, table_names
from mlmcsc.store.uow import Store
from mlmcsc.store.views import View

FILE: Final = "mlmcsc.db"
FILES: Final = (f"{DATABASE}/{FILE}",)
FREE_ATTEMPTS: Final = 20
"""So often the connections begin without a lock; then writers wait, a few milliseconds."""

LEAN_PAGES: Final = 64
"""They read every page once: to keep many would only empty the processor's cache."""

ANY: Final = "SELECT 1 FROM sqlite_master"
"""A transaction sees what there is when it first reads."""

WAIT_SECONDS: Final = 30
"""How long a connection waits for a lock, where it takes one."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of the database, on several connections.

    Attributes:
        view: To ask it with.
        readers: Three further connections, each in a read transaction.
        taken_at: Every commit acknowledged before this moment is in it.
    """

    view: View
    readers: tuple[driver.Connection, ...]
    taken_at: datetime


def copied(store: Store, place: Path, told: Told, written: Written) -> Snapshot:
    """Write the file into `place`, and read the tables meanwhile.

    Raises:
        SchemaError: It is no database of mlmcsc.
        StoreError: The database cannot be read, or the copy not written.
    """
    with one_state(store) as state:
        revision, database_id = facts_of(state.view)
        data_keys = data_keys_of(state.view)
        version = store.dialect.server_version(state.view.conn)
        tables = _copied_and_read(state, place / FILE, told, written)
    return Snapshot(
        "sqlite",
        version,
        revision,
        database_id,
        state.taken_at,
        FILES,
        tables,
        data_keys,
    )


def _copied_and_read(
    state: State, target: Path, told: Told, written: Written
) -> dict[str, TableDigest]:
    """Copy in one thread, digest in the others; whichever fails ends all."""
    source, *readers = state.readers
    stop = Event()
    names: SimpleQueue[str] = SimpleQueue()
    for name in table_names(source):
        names.put(name)
    tables: dict[str, TableDigest] = {}

    def write() -> None:
        with suppress(StoppedError):
            copy(source, target, told, stop)
            written(FILES)

    def read(reader: driver.Connection) -> None:
        while not stop.is_set():
            try:
                name = names.get_nowait()
            except Empty:
                return
            tables[name] = digest(reader, name)

    with ThreadPoolExecutor(len(state.readers)) as beside:
        jobs = [beside.submit(write)]
        jobs += [beside.submit(read, reader) for reader in readers]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            stop.set()
            while wait(jobs, timeout=0.1).not_done:
                for reader in readers:
                    reader.interrupt()
            raise
    return dict(sorted(tables.items()))


@contextmanager
def one_state(store: Store) -> Iterator[State]:
    """Several connections that see the same state.

    No lock is taken, so that no writer waits, and a long one is not waited for: all begin, and
    begin again when somebody committed in between, as `PRAGMA data_version` of a further connection
    tells. Where commits follow each other too closely, writers are held for that instant.

    Raises:
        StoreError: The database cannot be read.
    """
    for attempt in range(FREE_ATTEMPTS + 1):
        is_last = attempt == FREE_ATTEMPTS
        with (
            store.read() as view,
            _beside(store) as watcher,
            _beside(store) as first,
            _beside(store) as second,
            _beside(store) as third,
        ):
            readers = (first, second, third)
            with _writers_held(store) if is_last else nullcontext():
                before = _version(watcher)
                taken_at = store.clock()
                view.conn.exec_driver_sql(ANY).first()
                for reader in readers:
                    reader.execute("BEGIN")
                    reader.execute(ANY).fetchone()
                is_one = _version(watcher) == before
            if is_one:
                yield State(view, readers, taken_at)
                return
    raise StoreError("The database changes though it is locked. Is it on a network file system?")


@contextmanager
def _writers_held(store: Store) -> Iterator[None]:
    with store.dialect.write_lock(), _beside(store) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield


def _version(connection: driver.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


@contextmanager
def _beside(store: Store) -> Iterator[driver.Connection]:
    """A connection beside the pool, which may be as small as one."""
    if store.dialect.path is None:
        raise StoreError("This database is in memory, and has one connection only.")
    opened = driver.connect(
        f"{store.dialect.path.as_uri()}?mode=rw",  # never makes the file anew
        WAIT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    with closing(opened) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA cache_size = {LEAN_PAGES}")
        yield connection
