"""A database on the server for as long as a drill lasts; what killed drills left goes first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.config import redact_url
from mlmcsc.errors import StoreError
from mlmcsc.store.backups.beside_postgresql import MAINTENANCE

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('mlmcsc drill ' || %s, 0))"
_BESIDE: Final = "_restoring_"
"""As `ServerGround` calls what it is still restoring."""


@contextmanager
def scratch_database(url: sa.URL, database_id: str) -> Iterator[str]:
    """The name of a database that is not there yet; dropped at the end, whatever happens.

    Args:
        url: Of the live database.
        database_id: What that calls itself.

    Raises:
        StoreError: The server cannot be reached, or does not drop it.
    """
    import psycopg  # noqa: PLC0415  # an extra

    prefix = f"mlmcsc_drill_{database_id[:8]}_"
    at = url.set(drivername="postgresql", database=MAINTENANCE)
    try:
        with psycopg.connect(at.render_as_string(hide_password=False), autocommit=True) as admin:
            _tidy(admin, prefix)
            name = f"{prefix}{secrets.token_hex(4)}"
            admin.execute(_LOCK, (name,))
            try:
                yield name
            finally:
                _drop(admin, name)
    except psycopg.Error as error:
        shown = redact_url(at.render_as_string(hide_password=False))
        told = " ".join(str(error).split())
        raise StoreError(
            f"The scratch database of a drill, at {shown}: {told}. Allow the user to make and "
            "drop databases (CREATEDB), and see that the server's database 'postgres' is there."
        ) from None


def _tidy(admin: Any, prefix: str) -> None:
    """A drill holds its lock for as long as it lives."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    for (name,) in admin.execute(query, (prefix,)).fetchall():
        ((dead,),) = admin.execute(_LOCK, (name.partition(_BESIDE)[0],)).fetchall()
        if dead:
            _drop(admin, name)


def _drop(admin: Any, name: str) -> None:
    from psycopg import sql  # noqa: PLC0415  # an extra

    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
