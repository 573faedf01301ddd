"""Digests of an SQLite database's tables.

SQLite joins the rows as text, a thousand at a time, as it does that faster than Python can fetch
them: a line of JSON each, in which a real is two integers (libraries differ in the 17th digit of
decimals; only reals in columns not declared for them are told so) and a blob its length, while the
blobs' bytes follow in a hash of their own. What has no such text (a key that is no integer, numbers
of extreme size, blobs in other columns) is fetched.
"""

from __future__ import annotations

import hashlib
import json
import marshal  # only written, never read: exact, and fast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.store.backups.left_out import LEFT_OUT

MOST_ROWS: Final = 1024
CHUNK_BYTES: Final = 256 << 10
"""Larger ones leave the processor's cache, and threads wait for each other's memory."""
VERSION: Final = 2
"""Of marshal: floats as their bits; later ones remember which objects are one, which varies."""

REAL = (
    "CASE WHEN {0} < '' THEN CASE WHEN {0} BETWEEN 1e-12 AND 2e9 OR {0} = 0.0 "
    "OR {0} BETWEEN -2e9 AND -1e-12 THEN CAST({0} * 4294967296.0 AS INTEGER) "
    "ELSE x'' END ELSE {0} END, CASE WHEN {0} < '' THEN CAST(({0} * 4294967296.0 "
    "- CAST({0} * 4294967296.0 AS INTEGER)) * 4611686018427387904.0 AS INTEGER) END"
)
"""Whole 2^-32 and, of the rest, 2^-94: exact, as a double of 1e-12 ends above 2^-93 (IEEE 754).

Of other sizes SQLite makes an error: its JSON holds no blob.
"""
BLOB = "CASE WHEN {0} >= x'' THEN json_array(length({0})) ELSE {0} END"
BYTES = "CASE WHEN {0} >= x'' THEN CAST({0} AS TEXT) ELSE '' END"
"""Numbers sort before text and text before blobs (SQLite manual, Datatypes, 4.1)."""

CHUNK = """
SELECT count(*), max(k), CAST(group_concat(j, '') AS BLOB), CAST(group_concat(b, '') AS BLOB)
FROM (SELECT {key} AS k, {blobs} AS b,
             CASE WHEN {odd} THEN json_array(x'') ELSE json_array({values}) END AS j
      FROM {table} WHERE {key} {after} ? ORDER BY {key} LIMIT ?)
"""
Part = tuple[int, bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: dict[str, str]
    """What goes into a backup, with the declared types."""
    keys: tuple[str, ...]
    has_row_ids: bool
    """Whether the primary key is one integer."""


def table_names(connection: driver.Connection) -> list[str]:
    """The tables that hold rows of their own."""
    query = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    names = (str(name) for (name,) in connection.execute(query))
    return sorted(name for name in names if not name.startswith("sqlite_"))


def digest(connection: driver.Connection, name: str) -> TableDigest:
    """What one table holds.

    Raises:
        driver.Error: It cannot be read.
    """
    table = _described(connection, name)
    if table.has_row_ids:
        try:
            return _hashed(table, _joined(connection, table))
        except driver.OperationalError as error:
            if "BLOB" not in str(error):
                raise
    return _hashed(table, _fetched(connection, table))


def _hashed(table: _Table, parts: Iterator[Part]) -> TableDigest:
    texts, blobs = hashlib.sha256(json.dumps(list(table.columns)).encode()), hashlib.sha256()
    count = 0
    for rows, text, blob in parts:
        texts.update(text)
        blobs.update(blob)
        count += rows
    return TableDigest(count, hashlib.sha256(texts.digest() + blobs.digest()).hexdigest())


def _joined(connection: driver.Connection, table: _Table) -> Iterator[Part]:
    forms = {"FLOAT": REAL, "BLOB": BLOB}
    columns = {_quoted(name): kind for name, kind in table.columns.items()}
    blobs = [name for name, kind in columns.items() if kind == "BLOB"]
    parts = {
        "key": _quoted(table.keys[0]),
        "values": ", ".join(forms.get(kind, "{0}").format(name) for name, kind in columns.items()),
        "blobs": " || ".join(map(BYTES.format, blobs)) or "NULL",
        # Some blobs would pass for JSON.
        "odd": " OR ".join(f"{name} >= x''" for name in columns if name not in blobs),
        "table": _quoted(table.name),
    }
    after, last, limit = ">=", -(2**63), 64
    while True:
        chunk = connection.execute(CHUNK.format(after=after, **parts), (last, limit))
        rows, last, text, blob = chunk.fetchone()
        if not rows:
            return
        yield rows, text, blob or b""
        room = CHUNK_BYTES * rows // (len(text) + len(blob or b""))
        after, limit = ">", max(1, min(MOST_ROWS, limit * 2, room))


def _fetched(connection: driver.Connection, table: _Table) -> Iterator[Part]:
    order = ", ".join(map(_quoted, table.keys)) or "rowid"
    chosen = ", ".join(map(_quoted, table.columns))
    factory, connection.text_factory = connection.text_factory, _any_text
    cursor = connection.cursor()
    try:
        cursor.execute(f"SELECT {chosen} FROM {_quoted(table.name)} ORDER BY {order}")
        for row in cursor:
            yield 1, marshal.dumps(row, VERSION), b""
    finally:
        cursor.close()
        connection.text_factory = factory


def _any_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")  # raw SQL may have left other bytes


def _described(connection: driver.Connection, name: str) -> _Table:
    hidden = 1
    query = "SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid"
    facts: list[Any] = connection.execute(query, (name,)).fetchall()
    left_out = LEFT_OUT.get(name, frozenset())
    keys = sorted((pk, column, kind) for column, kind, pk, _ in facts if pk)
    return _Table(
        name,
        {column: kind for column, kind, _, h in facts if h != hidden and column not in left_out},
        tuple(column for _, column, _ in keys),
        [kind for _, _, kind in keys] == ["INTEGER"],
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
