"""Where restores and drills of a database may have left copies of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlmcsc.config import backup_folder
from mlmcsc.domain.backups.left_behind import LeftBehind

if TYPE_CHECKING:
    from mlmcsc.bootstrap.opening import Database

SERVER_DRILLS = "mlmcsc-drill-"
BASE = "mlmcsc-base-"
"""Of the folder in which a base backup is unpacked."""
BUCKET = "mlmcsc-backup-"
"""Of the folder in which a backup to a bucket is made."""


class Leftovers(Protocol):
    """One sort of place."""

    def look(self) -> LeftBehind:
        """What is there; nothing is changed."""
        ...

    def shred(self) -> LeftBehind:
        """Remove what nobody holds; gives what was there."""
        ...


def drill_folders(file: Path | None) -> tuple[Path, str]:
    """Where drills make their folders, and how the names of these begin."""
    if file is None:
        return Path(tempfile.gettempdir()), SERVER_DRILLS
    return file.absolute().parent, f".{file.name}.drill-"


def look_for(database: Database) -> Callable[[], LeftBehind]:
    """Finds what was left."""
    return lambda: sum((each.look() for each in _places(database)), LeftBehind())


def shred_for(database: Database) -> Callable[[], LeftBehind]:
    """Removes what nobody holds; gives what was there."""
    return lambda: sum((each.shred() for each in _places(database)), LeftBehind())


def _places(database: Database) -> list[Leftovers]:
    from mlmcsc.adapters.restore_leftovers import FileLeftovers, UnfinishedSets

    dialect = database.store.dialect
    if dialect.in_memory:
        return []
    temporary = [(Path(tempfile.gettempdir()), prefix) for prefix in (BASE, BUCKET)]
    private = (drill_folders(dialect.path), *temporary)
    found: list[Leftovers] = [FileLeftovers(dialect.path, private)]
    if (folder := backup_folder(database.config, dialect.path)) is not None:
        found.append(UnfinishedSets(folder))
    if dialect.path is None:
        from mlmcsc.store.backups.leftover_databases import LeftoverDatabases
        from mlmcsc.store.schema import read_setting

        with database.store.read() as view:
            database_id = str(read_setting(view.conn, "database_id"))
        found.append(LeftoverDatabases(database.store.engine.url, database_id))
    return found
