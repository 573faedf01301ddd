"""What restores and drills left on a PostgreSQL server beside a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.errors import StoreError
from mlmcsc.store.backups.beside_postgresql import LONGEST, MAINTENANCE, SHORT

if TYPE_CHECKING:
    from psycopg import Connection

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_HEX: Final = "[0-9a-f]{8}"


@dataclass(frozen=True, slots=True)
class LeftoverDatabases:
    """Where they lie.

    Attributes:
        url: Of the live database.
        database_id: What that calls itself.
    """

    url: sa.URL
    database_id: str

    def look(self) -> LeftBehind:
        """What is there; nothing is changed. A server that does not tell is told."""
        import psycopg  # noqa: PLC0415  # an extra

        try:
            with self._admin() as admin:
                return self._each(admin, dropping=False)
        except psycopg.Error as error:
            return LeftBehind(unread={"the server's other databases": _plain(error)})

    def shred(self) -> LeftBehind:
        """Drop what nobody holds; gives what was there.

        Raises:
            StoreError: The server does not drop it.
        """
        import psycopg  # noqa: PLC0415  # an extra

        try:
            with self._admin() as admin:
                return self._each(admin, dropping=True)
        except psycopg.OperationalError as error:
            return LeftBehind(unread={"the server's other databases": _plain(error)})
        except psycopg.Error as error:
            raise StoreError(
                f"What a killed restore or drill left on the server cannot be dropped: "
                f"{_plain(error)}. It may hold data keys of erased people: drop it as its owner, "
                "then run the same command again."
            ) from None

    @contextmanager
    def _admin(self) -> Iterator[Connection[Any]]:
        import psycopg  # noqa: PLC0415  # an extra

        at = self.url.set(drivername="postgresql", database=MAINTENANCE)
        text = at.render_as_string(hide_password=False)
        with psycopg.connect(text, autocommit=True, connect_timeout=30) as admin:
            yield admin

    def _each(self, admin: Connection[Any], *, dropping: bool) -> LeftBehind:
        """Restores and drills hold an advisory lock for as long as they live."""
        from psycopg import sql  # noqa: PLC0415  # an extra

        name, found = str(self.url.database), LeftBehind()
        restoring = re.compile(f"{re.escape(_cut(name, 10 + SHORT))}_restoring_{_HEX}")
        drill = re.compile(f"mlmcsc_drill_{self.database_id[:8]}_{_HEX}(_restoring_{_HEX})?")
        before = re.compile(f"{re.escape(_cut(name, 8 + SHORT))}_before_{_HEX}(_[0-9]+)?")
        rows = admin.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
        for (each,) in rows:
            if before.fullmatch(each):
                command = sql.SQL("`DROP DATABASE {};`").format(sql.Identifier(each))
                found += LeftBehind(kept={_shown(each): command.as_string(admin)})
                continue
            if restoring.fullmatch(each):
                lock = f"mlmcsc restore {name}"
            elif drill.fullmatch(each):
                lock = f"mlmcsc drill {each.partition('_restoring_')[0]}"
            else:
                continue
            ((is_dead,),) = admin.execute(_LOCK, (lock,)).fetchall()
            if is_dead and dropping:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                admin.execute(drop.format(sql.Identifier(each)))
            places = (_shown(each),)
            found += LeftBehind(dead=places) if is_dead else LeftBehind(in_use=places)
        return found


def _shown(name: str) -> str:
    return f"the database {name} on the server"


def _cut(name: str, room: int) -> str:
    return name.encode()[: LONGEST - room].decode("utf-8", "ignore")


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())
