"""Rows that were added since marks were last made of them: on SQLite, where no trigger tells.

Ids there only grow, and one writes at a time: whatever is added has a larger id than all before.
The largest ids of which marks were made are kept beside the sums. Rows that are put back under
lower ids have to be marked by who does it, or show as a number of rows that does not fit the sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.store.models import (
    IMAGES_PER_CHUNK,
    images,
    labels,
    predictions,
    quality_aggregates,
    quality_marks,
)
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_a = quality_aggregates.c
IMAGE: Final = {
    images: images.c.id,
    predictions: predictions.c.image_id,
    labels: labels.c.image_id,
}
"""The tables that are summed up, and which column names the image."""
SEEN: Final = -1
"""Chunk of the row that holds the largest ids."""


def told_by_triggers(view: View) -> bool:
    """Whether the database marks what is added; if so, nothing here is needed."""
    return view.conn.dialect.name != "sqlite"


def seen(view: View) -> dict[str, int] | None:
    """Table to the largest id of which marks were made; None before the first."""
    found: dict[str, int] | None = view.conn.scalar(sa.select(_a.sums).where(_a.chunk == SEEN))
    return found


def largest(view: View) -> dict[str, int]:
    """Table to its largest id, 0 where it is empty."""
    return {str(t.name): view.conn.scalar(sa.select(sa.func.max(t.c.id))) or 0 for t in IMAGE}


def added(view: View, after: Mapping[str, int]) -> set[int]:
    """Chunks of the rows with larger ids than these."""
    return {
        chunk
        for table, image in IMAGE.items()
        for chunk in view.conn.scalars(
            sa.select(chunk_of(image)).where(table.c.id > after[table.name]).distinct()
        )
    }


def mentioned(view: View) -> set[int]:
    """Chunks of all rows, also of those whose image is not there."""
    return {
        chunk
        for image in IMAGE.values()
        for chunk in view.conn.scalars(sa.select(chunk_of(image)).distinct())
    }


def occupied(view: View) -> list[int]:
    """Chunks that have images: one step into the index each, also where ids have wide gaps."""
    first = sa.select(chunk_of(sa.func.min(images.c.id)).label("chunk"))
    walk = first.cte("walk", recursive=True)
    following = (
        sa.select(sa.func.min(images.c.id))
        .where(images.c.id >= (walk.c.chunk + 1) * IMAGES_PER_CHUNK)
        .scalar_subquery()
    )
    step = sa.select(chunk_of(following)).where(walk.c.chunk.is_not(None))
    walk = walk.union_all(step)
    query = sa.select(walk.c.chunk).where(walk.c.chunk.is_not(None))
    return [int(chunk) for chunk in view.conn.scalars(query)]


def chunk_of(image_id: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The chunk that an image belongs to."""
    return sa.type_coerce(image_id, sa.BigInteger) // IMAGES_PER_CHUNK


def mark_added(tx: Transaction) -> None:
    """Mark what was added, with marks that triggers do not find, and remember how far."""
    before = seen(tx)
    chunks = occupied(tx) if before is None else added(tx, before)
    if chunks:
        tx.conn.execute(sa.insert(quality_marks), [{"chunk": -1 - chunk} for chunk in chunks])
    row = {"chunk": SEEN, "sums": largest(tx), "computed_at": tx.now}
    tx.conn.execute(sa.delete(quality_aggregates).where(_a.chunk == SEEN))
    tx.conn.execute(sa.insert(quality_aggregates).values(row))


def mark_put_back(tx: Transaction, table: sa.Table, columns: Mapping[str, Iterable[int]]) -> None:
    """Mark the chunks of rows that are inserted under ids that they had before."""
    if table in IMAGE and not told_by_triggers(tx):
        image_ids = columns[IMAGE[table].name]
        chunks = {image_id // IMAGES_PER_CHUNK for image_id in image_ids}
        tx.conn.execute(sa.insert(quality_marks), [{"chunk": chunk} for chunk in sorted(chunks)])


def do_not_fit(view: View, counts: Mapping[str, int]) -> bool:
    """Whether sums leave out rows, or hold too many: some were written past ids and triggers."""
    if told_by_triggers(view):
        return False
    summed = {**counts, "labels": counts["labels"] + counts["restricted_labels"]}
    return any(
        view.conn.scalar(sa.select(sa.func.count()).select_from(table)) != summed[table.name]
        for table in IMAGE
    )
