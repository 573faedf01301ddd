"""Rows on their way into an archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.domain.archives import REVISIONS, TIMES, ArchivePlan, Manifest, RowsDigest
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import (
    feature_sets,
    features,
    frozen_images,
    images,
    label_revisions,
    labels,
    metadata,
    predictions,
    privacy_holds,
    version_features,
)
from mlmcsc.store.queries import holds, removal, rows
from mlmcsc.store.queries.archives.shape import columns
from mlmcsc.store.queries.features import STREAM_ROWS, new_token
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

Condition = sa.ColumnElement[bool]


def plan(view: View, table_name: str, before: datetime) -> ArchivePlan:
    """What an archive of the rows older than `before` would take, and what is held back."""
    table, time = _table(table_name), _time(table_name)
    old, free = _old(view, table_name, before), _free(view, table_name, before)
    told = (sa.func.count(), sa.func.min(table.c.id), sa.func.max(table.c.id))
    times = (sa.func.min(time), sa.func.max(time))
    n_rows, first, last, oldest, newest = view.conn.execute(
        sa.select(*told, *times).where(free)
    ).one()
    n_revisions = 0
    if table is labels:
        n_revisions = rows.count(view, label_revisions, _of_labels(free))
    n_held = rows.count(view, table, old) - n_rows
    return ArchivePlan(table_name, before, n_rows, n_held, n_revisions, first, last, oldest, newest)


def outgoing(
    view: View, table_name: str, before: datetime
) -> Iterator[tuple[str, Iterator[list[tuple[Any, ...]]]]]:
    """For each file of the archive, its table and its rows by id, in chunks."""
    free = _free(view, table_name, before)
    yield table_name, _stream(view, _table(table_name), free)
    if table_name == "labels":
        yield REVISIONS, _stream(view, label_revisions, _of_labels(free))


def _table(name: str) -> sa.Table:
    return metadata.tables[name]


def _time(table_name: str) -> sa.Column[Any]:
    return _table(table_name).c[TIMES[table_name]]


def _old(view: View, table_name: str, before: datetime) -> Condition:
    time = _time(table_name)
    return sa.and_(time < before, view.dialect.readable_time(time))


def _free(view: View, table_name: str, before: datetime) -> Condition:
    """Older rows that no legal hold keeps here."""
    held = _HELD.get(table_name)
    old = _old(view, table_name, before)
    return old if held is None else sa.and_(old, sa.not_(held(view)))


def _features_held(view: View) -> Condition:
    """Vectors of held images, and those that a data version reads."""
    c, v, z = features.c, version_features.alias().c, frozen_images.alias().c
    of_set = (v.feature_type == c.feature_type, v.extractor_version == c.extractor_version)
    frozen = sa.and_(
        sa.exists(sa.select(v.id).where(*of_set, c.id < v.marker)),
        sa.exists(sa.select(z.image_id).where(z.image_id == c.image_id)),
    )
    held = c.image_id.in_(sa.select(images.c.id).where(holds.images_held(view)))
    return sa.or_(held, frozen)


_HELD: Mapping[str, Callable[[View], Condition]] = {
    "labels": holds.labels_held,
    "predictions": holds.predictions_held,
    "features": _features_held,
}


def _of_labels(condition: Condition) -> Condition:
    return label_revisions.c.label_id.in_(sa.select(labels.c.id).where(condition))


def _stream(view: View, table: sa.Table, condition: Condition) -> Iterator[list[tuple[Any, ...]]]:
    kinds = columns(str(table.name))
    query = sa.select(*(_exact(view, c) for c in table.c)).where(condition).order_by(table.c.id)
    documents = [at for at, kind in enumerate(kinds.values()) if kind == "json"]
    size = STREAM_ROWS if "binary" in kinds.values() else rows.CHUNK
    for chunk in rows.stream(view, query, size):
        yield [_with_text(row, documents) for row in chunk]


def _exact(view: View, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """JSON as the text that the database has of it."""
    if not isinstance(column.type, sa.JSON):
        return column
    as_text = sa.cast if view.dialect.name == "postgresql" else sa.type_coerce
    return as_text(column, sa.Text).label(column.name)


def _with_text(row: Sequence[Any], documents: Iterable[int]) -> tuple[Any, ...]:
    """SQLite keeps a lone JSON number as a number."""
    values = list(row)
    for at in documents:
        if isinstance(values[at], int | float):
            values[at] = orjson.dumps(values[at]).decode()
    return tuple(values)


def move_out(tx: Transaction, manifest: Manifest, before: datetime) -> None:
    """Delete the rows that the archive holds.

    Raises:
        ConflictError: They are not the same rows any more; nothing was deleted.
    """
    table = _table(manifest.table)
    for touched in (table, privacy_holds, *([label_revisions] if table is labels else [])):
        tx.dialect.lock_table(tx.conn, touched)
    for file, (_, chunks) in zip(manifest.files, outgoing(tx, manifest.table, before), strict=True):
        digest = RowsDigest()
        for chunk in chunks:
            digest.update(chunk)
        if digest.hexdigest() != file.rows_sha256:
            raise ConflictError(
                f"Rows of {file.table} changed while they were archived; nothing was moved. Run "
                "archive create again."
            )
    free = _free(tx, manifest.table, before)
    if table is labels:
        removal.delete_labels(tx, free)
    elif table is predictions:
        removal.delete_predictions(tx, free)
    else:
        counted = _vectors_by_set(tx, free) if table is features else []
        tx.conn.execute(table.delete().where(free))
        _uncount_vectors(tx, counted)


def _vectors_by_set(view: View, condition: Condition) -> list[tuple[str, str, int]]:
    c = features.c
    query = sa.select(c.feature_type, c.extractor_version, sa.func.count()).where(condition)
    grouped = query.group_by(c.feature_type, c.extractor_version)
    return [tuple(row) for row in view.conn.execute(grouped)]


def _uncount_vectors(tx: Transaction, fewer: Iterable[tuple[str, str, int]]) -> None:
    """Keep the sets' numbers right; copies of a set are built anew, not extended."""
    c = feature_sets.c
    for kind, version, count in fewer:
        tx.conn.execute(
            feature_sets.update()
            .where(c.feature_type == kind, c.extractor_version == version)
            .values(n_vectors=c.n_vectors - count, tokens=[new_token()])
        )
