"""The place of a database on a PostgreSQL server: restored beside it, swapped in by two renames.

The replaced database stays on the server under another name, so that nothing that was written
until the last moment is lost; dropping it is the operator's to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from mlmcsc.config import normalise_url, redact_url
from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.errors import ConflictError, StoreError, UnsupportedError
from mlmcsc.store.backups.beside import refuse_without_room
from mlmcsc.store.backups.beside_files import differences
from mlmcsc.store.backups.digests import digests_of
from mlmcsc.store.backups.marked_databases import (
    REPLACED,
    RESTORING,
    comment_of,
    drop_marked,
    mark,
)
from mlmcsc.store.backups.postgresql_tools import complaint, connects, tool
from mlmcsc.store.backups.subjects_csv import copy_subjects
from mlmcsc.store.dialects.postgresql import PostgresDialect

if TYPE_CHECKING:
    from psycopg import Connection

MAINTENANCE: Final = "postgres"
LONGEST: Final = 63
"""Bytes of a name (NAMEDATALEN - 1)."""
MOST_JOBS: Final = 4
SWAPS: Final = 5
"""Attempts: between two, sessions that came meanwhile are ended."""
SHORT: Final = 8


class ServerGround:
    """Where a server's database is to be; see `services.restores.ports.Ground`.

    Args:
        url: The live database's.
        to: Name of a new database instead; None replaces the live one.
        set_id: Of the backup.
        tools: Folder of PostgreSQL's programs; None looks in PATH.

    Raises:
        StoreError: The server cannot be reached.
        ConflictError: `to` exists.
    """

    def __init__(self, url: str, to: str | None, set_id: str, tools: Path | None) -> None:
        self._url = sa.make_url(normalise_url(url))
        PostgresDialect(self._url, busy_timeout_seconds=30)  # tells where the driver is missing
        self._tools, self._to = tools, to
        self._live = str(self._url.database)
        self._target = to or self._live
        self._beside = f"{_cut(self._target, 10 + SHORT)}_restoring_{set_id[:SHORT]}"
        self._kept = f"{_cut(self._live, 8 + SHORT)}_before_{set_id[:SHORT]}"
        self._staging = Path(tempfile.gettempdir()) / f"mlmcsc-restoring-{set_id}"
        self._admin = self._connect(MAINTENANCE)
        self.state = self._state()
        if to is not None and self.state != "missing":
            self.close()
            raise ConflictError(f"The server has a database {to!r}; name another with --to.")

    @property
    def shown(self) -> str:
        """The database's URL, without secrets."""
        return redact_url(self._at(self._target))

    @property
    def url(self) -> str:
        """Of the database beside."""
        return self._at(self._beside)

    @property
    def staging(self) -> Path:
        """In the folder for temporary files of this computer."""
        return self._staging

    def _at(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _connect(self, name: str) -> Connection[Any]:
        import psycopg  # noqa: PLC0415  # an extra

        options = self._url.set(drivername="postgresql", database=name)
        try:
            text = options.render_as_string(hide_password=False)
            return psycopg.connect(text, autocommit=True, connect_timeout=30)
        except psycopg.Error as error:
            raise StoreError(
                f"Cannot reach {redact_url(self._at(name))}: {' '.join(str(error).split())}. A "
                f"restore needs the server's database {MAINTENANCE!r}, to make another from there."
            ) from None

    def _state(self) -> str:
        if self._oid(self._target) is None:
            return "missing"
        import psycopg  # noqa: PLC0415  # an extra

        try:
            with self._connect(self._target) as conn:
                names = conn.execute(
                    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                    "WHERE relkind = 'r' AND nspname = current_schema()"
                ).fetchall()
        except (StoreError, psycopg.Error):
            return "damaged"
        if not names:
            return "empty"
        return "sound" if ("alembic_version",) in names else "another program's"

    def _oid(self, name: str) -> int | None:
        query = "SELECT oid FROM pg_database WHERE datname = %s"
        row = self._admin.execute(query, (name,)).fetchone()
        return None if row is None else int(row[0])

    def instance(self) -> str:
        """How the restored database calls itself among copies, once it is in its place."""
        return f"the PostgreSQL database {self._target} (oid {self._oid(self._target)})"

    @contextmanager
    def alone(self) -> Iterator[tuple[str, ...]]:
        """One restore of a database at a time; what dead ones left is dropped.

        Raises:
            ConflictError: Another restore is at work.
        """
        lock = "SELECT pg_try_advisory_lock(hashtextextended('mlmcsc restore ' || %s, 0))"
        ((is_ours,),) = self._admin.execute(lock, (self._target,)).fetchall()
        if not is_ours:
            raise ConflictError(
                f"Another process is restoring {self.shown}. Wait until it is done."
            )
        try:
            tidied = tuple(self._tidy())
            self._staging.mkdir(mode=0o700)
            yield tidied
        finally:
            self._tidy()

    def _tidy(self) -> list[str]:
        if self._staging.exists():
            shutil.rmtree(self._staging)
        start = f"{_cut(self._target, 10 + SHORT)}_restoring_"
        return drop_marked(self._admin, start, RESTORING.format(self._target))

    def drop_old(self) -> list[str]:
        """Drop the databases that earlier restores of this one replaced; their names."""
        start = f"{_cut(self._live, 8 + SHORT)}_before_"
        return drop_marked(self._admin, start, REPLACED.format(self._live))

    def _execute(self, statement: str, *names: str) -> None:
        from psycopg import sql  # noqa: PLC0415  # an extra

        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def refuse_without_room(self, n_bytes: int) -> None:
        """Of this computer; the server's disk cannot be asked."""
        refuse_without_room(self._staging.parent, n_bytes, "the unpacked backup")

    def probe(self) -> None:
        """Whether we may make databases, and rename the live one.

        Raises:
            UnsupportedError: We may not; the message says who must allow it.
        """
        row = self._admin.execute(
            "SELECT current_user, rolcreatedb OR rolsuper, rolsuper OR NOT EXISTS (SELECT FROM "
            "pg_database WHERE datname = %s AND NOT pg_has_role(datdba, 'MEMBER')) "
            "FROM pg_roles WHERE rolname = current_user",
            (self._target,),
        ).fetchone()
        user, creates, owns = row or ("", False, False)
        if not creates:
            raise UnsupportedError(
                f"The server's user {user!r} may not make databases, which a restore needs. Have "
                f'an administrator run: ALTER ROLE "{user}" CREATEDB; nothing was changed.'
            )
        if not owns:
            raise UnsupportedError(
                f"The database {self._target!r} belongs to another user of the server than {user!r}"
                ": only its owner may rename it. Connect as the owner; nothing was changed."
            )

    def watch(self) -> None:
        """Not needed: the replaced database stays, with all that was written to it."""

    def copy_aside(self, now: datetime) -> str:
        """It stays as it is, under another name."""
        del now
        return self._kept

    def load(self) -> None:
        """Make the database beside from `template0`, and fill it.

        Raises:
            UnsupportedError: There is no `pg_restore`, or it is older than the server.
            StoreError: It complained.
        """
        program = tool("pg_restore", self._tools, self._admin.info.server_version)
        owner = self._create()
        place, environ = connects(self._admin.info, self._beside)
        role = [] if owner is None else [f"--role={owner}"]
        common = [str(program), f"--dbname={place}", "--no-owner", "--exit-on-error", *role]
        jobs = f"--jobs={min(MOST_JOBS, os.cpu_count() or 1)}"
        dump = str(self._staging / "database" / "dump")

        def run(*options: str) -> None:
            done = subprocess.run(  # noqa: S603  # found by `tool`, arguments are ours
                [*common, *options, dump],
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                env=environ,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode:
                raise complaint(program, done.stderr, environ)

        run("--section=pre-data")
        run("--section=data", jobs)
        with self._connect(self._beside) as conn, conn.cursor() as cursor:
            copy_subjects(cursor, self._staging / "database" / "subjects.csv", owner)
        run("--section=post-data", jobs)

    def _create(self) -> str | None:
        """As the live one is, as far as there is one; its owner, where that is another."""
        if self._oid(self._beside) is not None:
            raise ConflictError(
                f"The server has a database {self._beside!r} without the mark of a restore; "
                "nothing was changed. If a restore died as it made it, drop it: "
                f'DROP DATABASE "{self._beside}";'
            )
        owner = self._create_like_live()
        mark(self._admin, self._beside, RESTORING.format(self._target))
        return owner

    def _create_like_live(self) -> str | None:
        facts = self._admin.execute(
            "SELECT pg_get_userbyid(datdba), datcollate, datctype FROM pg_database "
            "WHERE datname = %s AND datlocprovider = 'c'",
            (self._live,),
        ).fetchone()
        if facts is None:
            self._execute("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", self._beside)
            return None
        owner, collate, ctype = map(str, facts)
        self._execute(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' OWNER {} "
            f"LC_COLLATE {_text(collate)} LC_CTYPE {_text(ctype)}",
            self._beside,
            owner,
        )
        return None if owner == self._admin.info.user else owner

    def compare(self, manifest: Manifest) -> list[str]:
        """Every table's digest against what was signed."""
        return differences(digests_of(self.url), manifest)

    def finish(self) -> None:
        """Statistics, so that its first queries are as quick as before."""
        with self._connect(self._beside) as conn:
            conn.execute("ANALYZE")

    def hold(self) -> bool:
        """Sessions are ended at the rename."""
        return True

    def replace(self) -> str | None:
        """Rename both in one transaction: whoever looks sees the one or the other.

        Raises:
            ConflictError: Others connect again and again, or the name was taken meanwhile.
        """
        import psycopg  # noqa: PLC0415  # an extra

        there = self._oid(self._target) is not None
        if there and self._to is not None:
            raise ConflictError(f"A database {self._to!r} appeared meanwhile; it was not replaced.")
        kept = self._free_name() if there else None
        comment = comment_of(self._admin, self._target)  # somebody's word on the live one: it stays
        for attempt in range(SWAPS):
            self._end_sessions(self._beside, self._target)
            try:
                with self._admin.transaction():
                    if kept is not None:
                        mark(self._admin, self._target, REPLACED.format(self._live))
                        self._execute("ALTER DATABASE {} RENAME TO {}", self._target, kept)
                    mark(self._admin, self._beside, comment)
                    self._execute("ALTER DATABASE {} RENAME TO {}", self._beside, self._target)
            except psycopg.errors.ObjectInUse:
                time.sleep(0.2 * attempt)
            else:
                return kept
        raise ConflictError(
            f"Others connect to {self.shown} again and again; nothing was changed. Stop the "
            "programs that use it, and repeat."
        )

    def _free_name(self) -> str:
        name, number = self._kept, 1
        while self._oid(name) is not None:
            number += 1
            name = f"{_cut(self._kept, 4)}_{number}"
        return name

    def _end_sessions(self, *names: str) -> None:
        self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = ANY(%s) AND pid <> pg_backend_pid() AND usename = ANY(ARRAY("
            "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')))",
            (list(names),),
        )

    def let_go(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Leave the server, and with it the lock of `alone`."""
        self._admin.close()


def _cut(name: str, room: int) -> str:
    """So that something of this length can follow."""
    return name.encode()[: LONGEST - room].decode("utf-8", "ignore")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
