"""The person's names in free text of live tables: found, and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.places import free_text_places
from mlmcsc.store.models import metadata
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import subject_of

TRAIL = "audit_logs"
"""Its texts are redacted, not changed."""


def clear(
    view: View,
    mentions: Mentions,
    *,
    change: bool,
    without: Mapping[str, sa.ColumnElement[bool]] = MappingProxyType({}),
) -> dict[str, int]:
    """How many texts of each place `table.column` name the person.

    Args:
        view: An open transaction.
        mentions: The names.
        change: Whether they are taken out.
        without: Of each place, a condition on rows that are passed over.
    """
    counts = {}
    for place in sorted(free_text_places()):
        table_name, _, name = place.partition(".")
        if table_name == TRAIL:
            continue
        column = metadata.tables[table_name].c[name]
        found = 0
        for chunk in _naming(view, column, mentions, without.get(place)):
            found += len(chunk)
            if change:
                _write(view, column, chunk)
        if found:
            counts[place] = found
    return counts


def _naming(
    view: View,
    column: sa.Column[Any],
    mentions: Mentions,
    without: sa.ColumnElement[bool] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Chunks of the rows that name the person, with what is to stand there."""
    key: Any = column.table.c.id
    last = 0
    while True:
        query = sa.select(key, column).where(column.is_not(None), key > last).order_by(key)
        if without is not None:
            query = query.where(without.is_not(True))  # NULL is no reason to pass a row over
        found = view.conn.execute(query.limit(rows.CHUNK)).all()
        if not found:
            return
        last = found[-1][0]
        opened = view.vault.unseal(view, [row[1] for row in found])
        changed = []
        for (row_id, stored), text in zip(found, opened, strict=True):
            cleared = mentions.removed(text)
            if cleared != text:
                changed.append((row_id, subject_of(stored), cleared))
        if changed:
            yield _sealed(view, changed)


def _sealed(view: View, changed: list[tuple[int, str | None, Any]]) -> list[dict[str, Any]]:
    """What was sealed is sealed again, under the same key."""
    writers = {who for _, who, _ in changed if who is not None}
    seal = view.vault.sealer(view, writers) if writers else None
    return [
        {"row_id": row_id, "text": text if who is None or seal is None else seal(who, text)}
        for row_id, who, text in changed
    ]


def _write(view: View, column: sa.Column[Any], chunk: list[dict[str, Any]]) -> None:
    table: Any = column.table
    statement = (
        table.update()
        .where(table.c.id == sa.bindparam("row_id"))
        .values({column.name: sa.bindparam("text", type_=column.type)})
    )
    view.conn.execute(statement, chunk)


def unreachable(view: View, mentions: Mentions, columns: list[tuple[str, str]]) -> dict[str, int]:
    """How many values of columns that must stay, such as paths, name the person."""
    counts = {}
    for table_name, name in columns:
        column = metadata.tables[table_name].c[name]
        found = sum(len(chunk) for chunk in _naming(view, column, mentions))
        if found:
            counts[f"{table_name}.{name}"] = found
    return counts
