"""Texts of others in which a person is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.places import free_text_places
from mlmcsc.store.models import label_revisions, labels, metadata
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.erasure.mentions import TRAIL
from mlmcsc.store.queries.rows import View

Texts = list[tuple[int, Any]]


def texts(view: View, who: Person) -> Iterator[tuple[str, str, Texts]]:
    """Table, column, and id and text of the rows that name the person, opened; no own labels."""
    words = Mentions(who.identifiers)
    for place in sorted(free_text_places()):
        table, _, name = place.partition(".")
        if table == TRAIL:
            continue
        column = metadata.tables[table].c[name]
        for chunk in _chunks(view, column, who):
            opened = view.vault.unseal(view, [row[1] for row in chunk])
            found = [
                (row[0], text)
                for row, text in zip(chunk, opened, strict=True)
                if words.removed(text) != text
            ]
            if found:
                yield table, name, found


def _chunks(view: View, column: sa.Column[Any], who: Person) -> Iterator[list[Any]]:
    key: Any = column.table.c.id
    query = sa.select(key, column).where(column.is_not(None)).order_by(key).limit(rows.CHUNK)
    row, l_ = who.technician_row, labels.c
    if row is not None and column.table is labels:
        query = query.where(l_.technician_id != row)
    elif row is not None and column.table is label_revisions:
        own = sa.select(l_.id).where(l_.technician_id == row)
        query = query.where(label_revisions.c.label_id.not_in(own))
    last = 0
    while chunk := list(view.conn.execute(query.where(key > last))):
        yield chunk
        last = chunk[-1][0]
