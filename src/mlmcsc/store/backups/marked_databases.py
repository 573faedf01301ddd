"""Databases on a server that restores made, known by their comment: names could be anybody's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from psycopg import Connection

RESTORING: Final = "mlmcsc: restored here, to become {}"
REPLACED: Final = "mlmcsc: was {} before a restore; no later erasure reaches it"
_ENDING: Final = re.compile(r"[0-9a-f]{8}(?:_\d+)?", re.ASCII)


def drop_marked(admin: Connection[Any], start: str, comment: str) -> list[str]:
    """Drop those with this beginning, an ending as we give it, and this comment; their names."""
    from psycopg import sql  # noqa: PLC0415  # an extra

    query = (
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) "
        "AND shobj_description(oid, 'pg_database') = %s ORDER BY datname"
    )
    found = [str(name) for (name,) in admin.execute(query, (start, comment)).fetchall()]
    ours = [name for name in found if _ENDING.fullmatch(name[len(start) :])]
    for name in ours:
        drop = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        admin.execute(sql.SQL(drop).format(sql.Identifier(name)))
    return ours


def mark(admin: Connection[Any], name: str, comment: str | None) -> None:
    """Give the database this comment; None: none."""
    from psycopg import sql  # noqa: PLC0415  # an extra

    text = sql.SQL("COMMENT ON DATABASE {} IS {}")
    admin.execute(text.format(sql.Identifier(name), sql.Literal(comment)))


def comment_of(admin: Connection[Any], name: str) -> str | None:
    """The database's comment."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    row = admin.execute(query, (name,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])
