"""Digests of a PostgreSQL database's tables.

SHA-256 over the columns' names and what COPY writes in its binary form, by ascending primary key.
It is hashed here: the server's own `sha256` can take longer than to send the vectors.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.store.backups.left_out import LEFT_OUT

if TYPE_CHECKING:
    from psycopg import Connection

TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
ORDER BY relname COLLATE "C"
"""

COLUMNS = """
SELECT a.attname, a.atttypid::regtype::text, array_position(i.indkey::int2[], a.attnum)
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = quote_ident(%(table)s)::regclass AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum
"""

TEXTS = frozenset({"text", "character varying", "character", "name"})


def digests(connection: Connection[Any]) -> dict[str, TableDigest]:
    """What every table holds, in the connection's transaction.

    Raises:
        psycopg.Error: A table cannot be read.
    """
    # By the index: a sort of all rows would spill to the server's disk.
    connection.execute("SET LOCAL enable_sort = off")
    tables = connection.execute(TABLES).fetchall()
    return {name: _digest(connection, name) for (name,) in tables}


def _digest(connection: Connection[Any], table: str) -> TableDigest:
    columns, query = _query(connection, table)
    found = hashlib.sha256(json.dumps(columns).encode())
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for block in copy:
                found.update(block)
        return TableDigest(cursor.rowcount, found.hexdigest())


def kept_columns(connection: Connection[Any], table: str) -> tuple[str, ...]:
    """Names of a table's columns that go into a backup."""
    facts = connection.execute(COLUMNS, {"table": table}).fetchall()
    left_out = LEFT_OUT.get(table, frozenset())
    return tuple(name for name, _, _ in facts if name not in left_out)


def _query(connection: Connection[Any], table: str) -> tuple[tuple[str, ...], bytes]:
    from psycopg import sql  # noqa: PLC0415  # an extra

    columns = kept_columns(connection, table)
    facts = connection.execute(COLUMNS, {"table": table}).fetchall()
    kinds = {name: kind for name, kind, _ in facts}
    keys = sorted((place, name) for name, _, place in facts if place is not None)
    # Servers differ in how they collate text.
    order: list[sql.Composable] = [
        sql.SQL('{} COLLATE "C"' if kinds[name] in TEXTS else "{}").format(sql.Identifier(name))
        for _, name in keys
    ] or [sql.SQL("ctid")]
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT BINARY)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table),
        sql.SQL(", ").join(order),
    )
    return columns, query.as_bytes(connection)
