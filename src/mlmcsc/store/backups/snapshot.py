"""One state of a live database, written to files while everybody goes on writing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from mlmcsc.domain.backups.manifest import Engine
from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.errors import SchemaError, StoreError, UnsupportedError
from mlmcsc.store import schema
from mlmcsc.store.models import subjects
from mlmcsc.store.uow import Store
from mlmcsc.store.views import View

DATABASE: Final = "database"
"""The folder within a backup that the files go to."""

Told = Callable[[int], object]
"""Is told how many more bytes were written; what it raises ends the work."""

Written = Callable[[tuple[str, ...]], object]
"""Is told the names of all files when they are whole, while tables are still read.

It is called once, in another thread, and may take them away; what it raises ends the work.
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was written.

    Attributes:
        engine: Which product.
        server_version: Product and version.
        schema_revision: Of the database.
        database_id: What the database calls itself.
        taken_at: Every commit acknowledged before this moment is in it.
        files: What was written, relative to the folder, with `/`, ascending.
        tables: What each table held.
        data_keys: Key id and wrapped data key of each person who has one, by subject id; they are
            in none of the files.
    """

    engine: Engine
    server_version: str
    schema_revision: str
    database_id: str
    taken_at: datetime
    files: tuple[str, ...]
    tables: Mapping[str, TableDigest]
    data_keys: Mapping[str, tuple[str, bytes]]


def take(
    store: Store,
    folder: Path,
    *,
    tools: Path | None = None,
    told: Told = lambda _: None,
    written: Written = lambda _: None,
) -> Snapshot:
    """Write one state of the database to `folder/database`; to flush it is the caller's part.

    Nobody waits for it. SQLite: the file `database/mlmcsc.db`, without data keys of people.
    PostgreSQL: `database/dump` of `pg_dump`, and `database/subjects.csv` (see `postgresql_dump`).

    Args:
        store: The open database.
        folder: Exists; must hold no `database`.
        tools: Folder of PostgreSQL's programs; None looks in PATH.
        told: Is told how many more bytes were written, from any thread.
        written: Is told `Snapshot.files` as soon as they are whole.

    Raises:
        UnsupportedError: The database is in memory, or PostgreSQL's programs do not fit the server.
        StoreError: It cannot be read or written; `folder` is as it was.
    """
    if store.dialect.in_memory:
        raise UnsupportedError(
            "This database is in memory: it ends with the program, and there is nothing to back "
            "up. Open a file instead, e.g. sqlite:///mlmcsc.db."
        )
    place = folder / DATABASE
    try:
        place.mkdir(mode=0o700)
    except OSError as error:
        raise StoreError(f"{place} cannot be made: {error.strerror}.") from error
    try:
        return _taken(store, place, tools, told, written)
    except BaseException:
        shutil.rmtree(place)
        raise


def _taken(store: Store, place: Path, tools: Path | None, told: Told, written: Written) -> Snapshot:
    if store.dialect.name == "sqlite":
        from mlmcsc.store.backups.sqlite_snapshot import copied  # noqa: PLC0415  its own driver

        return copied(store, place, told, written)
    from mlmcsc.store.backups.postgresql_dump import dumped  # noqa: PLC0415  an extra

    return dumped(store, place, tools, told, written)


def facts_of(view: View) -> tuple[str, str]:
    """Schema revision and database id.

    Raises:
        SchemaError: This is no database of mlmcsc.
    """
    revision = schema.revision(view.conn)
    if revision is None:
        raise SchemaError(
            "This database has no mlmcsc schema, so that it is not mlmcsc's to back up. Name "
            "another database, or back it up with its own program."
        )
    return revision, str(schema.read_setting(view.conn, "database_id"))


def data_keys_of(view: View) -> dict[str, tuple[str, bytes]]:
    """Key id and wrapped data key of each person who was not erased, by subject id."""
    c = subjects.c
    query = sa.select(c.subject_id, c.key_id, c.wrapped_key).where(c.wrapped_key.is_not(None))
    return {r.subject_id: (r.key_id, r.wrapped_key) for r in view.conn.execute(query)}


def files_in(place: Path) -> tuple[str, ...]:
    """What was written, as `Snapshot.files` has it."""
    files = (file for file in place.rglob("*") if file.is_file())
    return tuple(sorted(file.relative_to(place.parent).as_posix() for file in files))
