"""What a PostgreSQL server says of its log, and how its programs connect to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mlmcsc.errors import UnsupportedError
from mlmcsc.store.backups.postgresql_tools import connects, tool
from mlmcsc.store.views import View

if TYPE_CHECKING:
    from psycopg import Connection

_ARCHIVER = sa.text(
    "SELECT last_archived_wal, last_archived_time, failed_count, last_failed_time "
    "FROM pg_stat_archiver"
)
_SETTINGS = sa.text(
    "SELECT name, setting FROM pg_settings "
    "WHERE name IN ('wal_level', 'archive_mode', 'archive_command', 'max_wal_senders')"
)
_SPACES = sa.text(
    "SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')"
)
_SEGMENT = sa.text("SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'")

NO_POINT = (
    "SQLite keeps no log of changes that could be played back to a moment, and mlmcsc does not "
    "imitate one: a second log of every row would slow each write and could disagree with the "
    "first. Make backups more often instead (`mlmcsc backup auto --watch` with a shorter "
    "backup.schedule); before every restore one is taken anyway. PostgreSQL has it."
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server and its log.

    Attributes:
        settings: Those that decide whether it archives.
        table_spaces: How many it has besides its own two.
        segment_bytes: Size of a file of the log.
        last_archived: Name of the last archived file.
        last_archived_at: When.
        n_failed: Attempts that failed.
        last_failed_at: When the last of them did.
        dbname: How a program connects, without a password.
        environ: What it needs in its environment: the password.
        version: As libpq tells it, e.g. 160003.
    """

    settings: Mapping[str, str]
    table_spaces: int
    segment_bytes: int
    last_archived: str | None
    last_archived_at: datetime | None
    n_failed: int
    last_failed_at: datetime | None
    dbname: str
    environ: Mapping[str, str]
    version: int

    def must_have(self, name: str, tools: Path | None) -> None:
        """Refuse a program that is not there, or older than the server.

        Raises:
            UnsupportedError: It is.
        """
        tool(name, tools, self.version)


def server(view: View) -> Server:
    """The server that a database is on.

    Raises:
        UnsupportedError: It is on none.
    """
    if view.dialect.name != "postgresql":
        raise UnsupportedError(NO_POINT)
    connection: Connection[Any] = view.conn.connection.driver_connection  # type: ignore[assignment]  # psycopg's
    name, at, failed, failed_at = view.conn.execute(_ARCHIVER).one()
    dbname, environ = connects(connection.info)
    return Server(
        settings={str(key): str(value) for key, value in view.conn.execute(_SETTINGS)},
        table_spaces=int(view.conn.execute(_SPACES).scalar_one()),
        segment_bytes=int(view.conn.execute(_SEGMENT).scalar_one()),
        last_archived=name,
        last_archived_at=at,
        n_failed=int(failed),
        last_failed_at=failed_at,
        dbname=dbname,
        environ=environ,
        version=connection.info.server_version,
    )
