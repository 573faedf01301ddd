"""People's names in free text of live tables: found, and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.places import free_text_places
from mlmcsc.store.models import metadata
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.erasure import held
from mlmcsc.store.queries.erasure.naming import Names
from mlmcsc.store.queries.erasure.touched import Touched
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import subject_of

TRAIL = "audit_logs"
"""Its texts are redacted, not changed."""


def clear(
    view: View,
    names: Names,
    *,
    touched: Touched | None = None,
    without: Mapping[str, Mapping[str, sa.ColumnElement[bool]]] = MappingProxyType({}),
) -> dict[str, dict[str, int]]:
    """How many texts of each place `table.column` name each of the people.

    Rows under a legal hold are left as they are: see `under_hold`.

    Args:
        view: An open transaction.
        names: The people's names.
        touched: Where it is given, the names are taken out, and the rows noted there.
        without: Of a person and each place, a condition on rows that are passed over.

    Returns:
        Subject id to place to number.
    """
    counts: dict[str, dict[str, int]] = {who: {} for who in names.each}
    kept = held.kept(view)
    for place in sorted(free_text_places()):
        table_name, _, name = place.partition(".")
        if table_name == TRAIL:
            continue
        column = metadata.tables[table_name].c[name]
        found: dict[str, list[int]] = {}
        free = kept[table_name].is_not(True) if table_name in kept else sa.true()
        for chunk, hits in _naming(view, column, names, free):
            for who, ids in hits.items():
                found.setdefault(who, []).extend(ids)
            if touched is not None:
                _write(view, column, chunk)
                touched.add(column, [row["row_id"] for row in chunk])
        for who, ids in found.items():
            number = _outside(view, column, ids, without.get(who, {}).get(place))
            if number:
                counts[who][place] = number
    return counts


def under_hold(view: View, names: Names) -> dict[str, int]:
    """How many texts under a legal hold name each of the people, but in the trail."""
    counts = dict.fromkeys(names.each, 0)
    for table_name, rows_ in held.kept(view).items():
        for place in sorted(free_text_places() if table_name != TRAIL else ()):
            table, _, name = place.partition(".")
            if table == table_name:
                column = metadata.tables[table].c[name]
                for _, hits in _naming(view, column, names, rows_):
                    for who, ids in hits.items():
                        counts[who] += len(ids)
    return counts


def _outside(
    view: View, column: sa.Column[Any], ids: list[int], rows_: sa.ColumnElement[bool] | None
) -> int:
    """How many of the rows do not fit the condition; NULL is no reason to pass one over."""
    if rows_ is None:
        return len(ids)
    table: Any = column.table
    return rows.count(view, table, view.dialect.ids_in(table.c.id, ids), rows_.is_not(True))


def _naming(
    view: View, column: sa.Column[Any], names: Names, rows_: sa.ColumnElement[bool]
) -> Iterator[tuple[list[dict[str, Any]], dict[str, list[int]]]]:
    """Chunks of the rows that name somebody, with what is to stand there; and ids by person."""
    key: Any = column.table.c.id
    last = 0
    while True:
        query = sa.select(key, column).where(column.is_not(None), rows_, key > last).order_by(key)
        found = view.conn.execute(query.limit(rows.CHUNK)).all()
        if not found:
            return
        last = found[-1][0]
        opened = names.opened(view, [row[1] for row in found])
        changed, hits = [], dict[str, list[int]]()
        for (row_id, stored), text in zip(found, opened, strict=True):
            cleared, people = names.removed(text)
            for who in people:
                hits.setdefault(who, []).append(row_id)
            if people:
                changed.append((row_id, subject_of(stored), cleared))
        if changed:
            yield _sealed(view, changed), hits


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


def unreachable(
    view: View, names: Names, columns: list[tuple[str, str]]
) -> dict[str, dict[str, int]]:
    """How many values of columns that must stay, such as paths, name each of the people."""
    counts: dict[str, dict[str, int]] = {who: {} for who in names.each}
    for table_name, name in columns:
        column, place = metadata.tables[table_name].c[name], f"{table_name}.{name}"
        for _, hits in _naming(view, column, names, sa.true()):
            for who, ids in hits.items():
                counts[who][place] = counts[who].get(place, 0) + len(ids)
    return counts
