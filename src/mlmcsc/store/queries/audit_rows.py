"""The raw rows of the audit trail, as fast as the driver gives them, for verification.

What is read here may have been written by an attacker with every right: values of the wrong kind,
text that is no Unicode, NULL where none can be. Nothing may stop the reading or pass for what it
is not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.recomputing import Row, StoredEvent
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries.audit_tree import time_text
from mlmcsc.store.queries.rows import View

FETCH: Final = 1024
"""Rows at a time: 10 % faster than 16,384, which do not stay in the processor's cache."""

_KEY: Final = {True: "seq", False: "id"}


def placed(view: View) -> Generator[Sequence[Row], None, None]:
    """The events with a place, in order of `seq`; rows are those of `StoredEvent`."""
    yield from _stream(view, placed=True)


def unplaced(view: View) -> Generator[Sequence[Row], None, None]:
    """The events without a place, in order of `id`."""
    yield from _stream(view, placed=False)


def _stream(view: View, *, placed: bool) -> Generator[Sequence[Row], None, None]:
    key = _KEY[placed]
    query = (
        f"SELECT {', '.join(_columns(view))} FROM audit_logs "
        f"WHERE seq IS {'NOT ' if placed else ''}NULL"
    )
    if view.dialect.name == "postgresql":
        statement = sa.text(f"{query} ORDER BY {key}")
        found = view.conn.execute(statement, execution_options={"yield_per": FETCH})
        with found:  # a reader who stops early leaves no cursor behind
            for part in found.partitions(FETCH):
                yield [tuple(row) for row in part]
        return
    yield from _from_sqlite(view, query, key)


def _from_sqlite(view: View, query: str, key: str) -> Generator[Sequence[Row], None, None]:
    last: Any = None
    at = StoredEvent._fields.index(key)
    try:
        for part in _fetch(view, f"{query} ORDER BY {key}", ()):
            yield part
            last = part[-1][at]
    except view.dialect.driver_error as error:
        if "decode" not in str(error):
            raise
    else:
        return
    rest, values = (query, ()) if last is None else (f"{query} AND {key} > ?", (last,))
    connection: Any = view.conn.connection.dbapi_connection
    text_as_usual = connection.text_factory
    connection.text_factory = _any_text
    try:
        yield from _fetch(view, f"{rest} ORDER BY {key}", values)
    finally:
        connection.text_factory = text_as_usual


def _any_text(stored: bytes) -> str:
    """Text that is no Unicode, kept apart from any that is."""
    return stored.decode("utf-8", "surrogateescape")


def _fetch(view: View, query: str, values: Sequence[Any]) -> Generator[list[Row], None, None]:
    cursor = view.conn.connection.cursor()
    try:
        cursor.execute(query, values)
        while part := list(cursor.fetchmany(FETCH)):
            yield part
    finally:
        cursor.close()


def _columns(view: View) -> list[str]:
    """SQL for each field of `StoredEvent`."""
    of_sqlite = view.dialect.name == "sqlite"
    special = {
        "timestamp": time_text(view, "timestamp"),
        # The JSON text `null` would be committed to like NULL, but mlmcsc never writes it.
        **{
            name: f"CASE WHEN {text} = 'null' THEN '' ELSE {text} END"
            for name in ("old_values", "new_values")
            for text in [name if of_sqlite else f"{name}::text"]
        },
    }
    if of_sqlite:  # infinity, which only SQLite can hold here, would be hashed like NULL
        special["record_id"] = "CASE typeof(record_id) WHEN 'real' THEN '' ELSE record_id END"
    return [special.get(name, name) for name in StoredEvent._fields]


def by_ids(view: View, ids: Sequence[int]) -> Iterator[StoredEvent]:
    """Single events, in order of `seq`; ids that are not there are passed over."""
    columns: list[Any] = [sa.literal_column(column) for column in _columns(view)]
    query = sa.select(*columns).select_from(audit_logs).order_by(audit_logs.c.seq)
    wanted = view.dialect.ids_in(audit_logs.c.id, ids)
    for row in view.conn.execute(query.where(wanted)):
        yield StoredEvent(*row)


def last_id_given(view: View) -> int | None:
    """The highest id that SQLite ever gave an event; None on PostgreSQL, whose ids have gaps."""
    if view.dialect.name != "sqlite":
        return None
    query = sa.text("SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit_logs'")
    found = view.conn.scalar(query)
    return found if isinstance(found, int) else 0
