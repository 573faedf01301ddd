"""PostgreSQL: one state by `pg_dump`, while others go on writing.

`database/dump` is its directory format, uncompressed, with the table `subjects` but none of its
rows. These are in `database/subjects.csv`, COPY's CSV with the columns' names in the first line,
without data keys. They go back after `pg_restore --section=pre-data --section=data`, by
`COPY subjects (names) FROM STDIN (FORMAT csv, HEADER)`, and then comes `--section=post-data`.

A `pg_dump` outlives us only if we are killed with SIGKILL: it is done some time, and its files lie
in a set that never gets a name.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlmcsc.store.backups.digests import Digests, table_digests
from mlmcsc.store.backups.postgresql_digests import kept_columns
from mlmcsc.store.backups.postgresql_tools import (
    PATIENCE_SECONDS,
    complaint,
    connects,
    start,
    stop,
    tool,
)
from mlmcsc.store.backups.snapshot import (
    Snapshot,
    Told,
    Written,
    data_keys_of,
    facts_of,
    files_in,
)
from mlmcsc.store.uow import Store
from mlmcsc.store.views import View

if TYPE_CHECKING:
    from psycopg import Connection

DUMP: Final = "dump"
SUBJECTS: Final = "subjects.csv"
MOST_JOBS: Final = 4
LOOK_SECONDS: Final = 0.2


def dumped(store: Store, place: Path, tools: Path | None, told: Told, written: Written) -> Snapshot:
    """Write the dump into `place`, and digest the tables meanwhile, of the same state.

    Raises:
        UnsupportedError: There is no `pg_dump`, or it is older than the server.
        SchemaError: It is no database of mlmcsc.
        StoreError: The database cannot be read, or the dump not written.
    """
    with store.read() as view:
        taken_at = store.clock()  # the first statement fixes the state
        connection: Connection[Any] = view.conn.connection.driver_connection  # type: ignore[assignment]  # psycopg's
        revision, database_id = facts_of(view)
        program = tool("pg_dump", tools, connection.info.server_version)
        data_keys = data_keys_of(view)
        _write_subjects(connection, place / SUBJECTS, told)
        files: list[str] = []

        def hand_over() -> None:
            files.extend(files_in(place))
            written(tuple(files))

        tables = _dumped_and_read(view, connection, program, place / DUMP, told, hand_over)
        version = store.dialect.server_version(view.conn)
    return Snapshot(
        "postgresql", version, revision, database_id, taken_at, tuple(files), tables, data_keys
    )


def _write_subjects(connection: Connection[Any], target: Path, told: Told) -> None:
    from psycopg import sql  # noqa: PLC0415  # an extra

    names = sql.SQL(", ").join(map(sql.Identifier, kept_columns(connection, "subjects")))
    query = sql.SQL("COPY (SELECT {} FROM subjects ORDER BY id) TO STDOUT (FORMAT csv, HEADER)")
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with (
        open(descriptor, "wb") as file,
        connection.cursor() as cursor,
        cursor.copy(query.format(names)) as copy,
    ):
        for block in copy:
            told(file.write(block))


def _command(connection: Connection[Any], program: Path, target: Path, place: str) -> list[str]:
    """`pg_dump` of the state that the connection sees."""
    (state,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    return [
        str(program),
        "--format=directory",
        f"--jobs={min(MOST_JOBS, os.cpu_count() or 1)}",
        f"--snapshot={state}",
        "--compress=0",
        "--no-owner",
        "--no-privileges",
        "--no-sync",
        "--exclude-table-data=subjects",
        f"--file={target}",
        f"--dbname={place}",
    ]


def _dumped_and_read(
    view: View,
    connection: Connection[Any],
    program: Path,
    target: Path,
    told: Told,
    hand_over: Callable[[], None],
) -> Digests:
    """`pg_dump` in processes of its own, the digests here; whichever fails ends the other."""
    place, environ = connects(connection.info)
    process = start(_command(connection, program, target, place), environ)

    def end_reading(dumping: Future[None]) -> None:
        if dumping.exception() is not None:
            connection.cancel()

    def dump() -> None:
        try:
            complaints = _wait(process, target, told)
        except BaseException:
            stop(process)
            raise
        if process.returncode:
            raise complaint(program, complaints, environ)
        hand_over()

    with ThreadPoolExecutor(1) as beside:
        dumping = beside.submit(dump)
        dumping.add_done_callback(end_reading)
        try:
            tables = table_digests(view)
            dumping.result()
        except BaseException:
            if dumping.done():
                dumping.result()  # its failure is the cause of this one, where it has one
            process.terminate()  # it ends its own helpers and their queries
            wait([dumping], PATIENCE_SECONDS)
            process.kill()
            raise
    return tables


def _wait(process: subprocess.Popen[str], target: Path, told: Told) -> str:
    """Until it ends; what it complained of."""
    before = 0
    while True:
        complaints = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, complaints = process.communicate(timeout=LOOK_SECONDS)
        now = sum(file.stat().st_size for file in target.glob("*"))
        told(now - before)
        before = now
        if complaints is not None:
            return complaints
