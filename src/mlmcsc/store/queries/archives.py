"""Rows on their way into archives and back, and the table that says which archives there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.domain.archives import (
    REVISIONS,
    TIMES,
    ArchiveFile,
    ArchivePlan,
    ArchiveRecord,
    Columns,
    Kind,
    Manifest,
    RowsDigest,
)
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import (
    archives,
    feature_sets,
    features,
    images,
    label_revisions,
    labels,
    metadata,
    predictions,
    privacy_holds,
    settings,
)
from mlmcsc.store.queries import holds, removal, rows
from mlmcsc.store.queries.features import STREAM_ROWS, new_token
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting, revision
from mlmcsc.store.types import UtcDateTime
from mlmcsc.store.uow import Transaction

Condition = sa.ColumnElement[bool]
UNFINISHED = "archive_unfinished"
"""The setting that names folders which a run has begun, so that the next one may remove them."""


def identity(view: View) -> tuple[str, str]:
    """The database's id and its schema's revision."""
    return str(read_setting(view.conn, "database_id")), str(revision(view.conn))


def columns(table_name: str) -> dict[str, Kind]:
    """Name and kind of each column of a table, in order."""
    return {str(c.name): _kind(c.type) for c in metadata.tables[table_name].c}


def _kind(kind: sa.types.TypeEngine[Any]) -> Kind:
    known: tuple[tuple[Any, Kind], ...] = (
        (UtcDateTime, "time"),
        (sa.JSON, "json"),
        (sa.Boolean, "flag"),
        (sa.Integer, "integer"),
        (sa.Float, "real"),
        (sa.LargeBinary, "binary"),
    )
    return next((name for found, name in known if isinstance(kind, found)), "text")


# Out


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
    return ArchivePlan(
        table_name, before, n_rows, n_held, n_revisions, first, last, oldest, newest
    )


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
    return old if held is None else sa.and_(old, sa.not_(held()))


def _features_held() -> Condition:
    return features.c.image_id.in_(sa.select(images.c.id).where(holds.images_held()))


_HELD: Mapping[str, Callable[[], Condition]] = {
    "labels": holds.labels_held,
    "predictions": holds.predictions_held,
    "features": _features_held,
}


def _of_labels(condition: Condition) -> Condition:
    return label_revisions.c.label_id.in_(sa.select(labels.c.id).where(condition))


def _stream(
    view: View, table: sa.Table, condition: Condition
) -> Iterator[list[tuple[Any, ...]]]:
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
    for file, (_, chunks) in zip(
        manifest.files, outgoing(tx, manifest.table, before), strict=True
    ):
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
        _count_vectors(tx, [(*which, -count) for *which, count in counted])


def _vectors_by_set(view: View, condition: Condition) -> list[tuple[str, str, int]]:
    c = features.c
    query = sa.select(c.feature_type, c.extractor_version, sa.func.count()).where(condition)
    grouped = query.group_by(c.feature_type, c.extractor_version).order_by(*c[_SET])
    return [tuple(row) for row in view.conn.execute(grouped)]


_SET = ("feature_type", "extractor_version")


def _count_vectors(tx: Transaction, more: Iterable[tuple[Any, ...]]) -> None:
    """Keep the sets' numbers right; copies of a set are built anew, not extended."""
    c = feature_sets.c
    for kind, version, count in more:
        tx.conn.execute(
            feature_sets.update()
            .where(c.feature_type == kind, c.extractor_version == version)
            .values(n_vectors=c.n_vectors + count, tokens=[new_token()])
        )


# Back


def bring_in(tx: Transaction, file: ArchiveFile, chunks: Iterable[list[tuple[Any, ...]]]) -> int:
    """Insert archived rows under their own ids, and say how many.

    Raises:
        ConflictError: An id is taken, or something that a row refers to is gone.
    """
    table, names = _table(file.table), list(file.columns)
    encoders = [
        None if kind == "json" else tx.dialect.encoder(table.c[name])
        for name, kind in file.columns.items()
    ]
    count = 0
    for chunk in chunks:
        by_name = dict(zip(names, zip(*chunk, strict=True), strict=True))
        _refuse_conflicts(tx, table, by_name)
        values = [
            column if encode is None else map(encode, column)
            for column, encode in zip(by_name.values(), encoders, strict=True)
        ]
        tx.dialect.insert_rows(tx.conn, table, names, list(zip(*values, strict=True)))
        count += len(chunk)
    return count


def _refuse_conflicts(
    tx: Transaction, table: sa.Table, values: Mapping[str, Sequence[Any]]
) -> None:
    taken = tx.conn.scalars(
        sa.select(table.c.id).where(tx.dialect.ids_in(table.c.id, values["id"])).limit(SHOWN)
    ).all()
    if taken:
        raise ConflictError(
            f"{table.name} has rows with archived ids already, e.g. {_told(taken)}; nothing was "
            "restored. Compare them with `archive find`, and delete those that are wrong."
        )
    for key in table.foreign_keys:
        if key.parent.name in values and key.column.table is not labels:
            wanted = set(values[key.parent.name])
            there = key.column.in_([])
            there = tx.dialect.ids_in(key.column, wanted)
            gone = wanted - set(tx.conn.scalars(sa.select(key.column).where(there)))
            if gone:
                raise ConflictError(
                    f"Rows of {table.name} refer to {key.column.table.name} that are gone, e.g. "
                    f"{_told(sorted(gone))}; nothing was restored."
                )
    if table is features:
        _refuse_newer_vectors(tx, values)


def _refuse_newer_vectors(tx: Transaction, values: Mapping[str, Sequence[Any]]) -> None:
    c = features.c
    ours = set(zip(*(values[n] for n in (*_SET, "image_id")), strict=True))
    query = sa.select(c.feature_type, c.extractor_version, c.image_id).where(
        tx.dialect.ids_in(c.image_id, set(values["image_id"]))
    )
    newer = sorted(ours & {tuple(row) for row in tx.conn.execute(query)})
    if newer:
        kind, version, image_id = newer[0]
        raise ConflictError(
            f"{len(newer)} images have been given new vectors since, e.g. image {image_id} by "
            f"{kind} {version}; nothing was restored."
        )


SHOWN = 5


def _told(ids: Sequence[Any]) -> str:
    return ", ".join(map(str, ids[:SHOWN]))


def settle_in(tx: Transaction, archive: ArchiveRecord) -> None:
    """Bring what counts rows up to date after a restore."""
    if archive.table_name == "features":
        of_these = features.c.id.between(archive.first_id, archive.last_id)
        for kind, version, _ in _vectors_by_set(tx, of_these):
            every = sa.and_(
                features.c.feature_type == kind, features.c.extractor_version == version
            )
            c = feature_sets.c
            tx.conn.execute(
                feature_sets.update()
                .where(c.feature_type == kind, c.extractor_version == version)
                .values(n_vectors=rows.count(tx, features, every), tokens=[new_token()])
            )


# The table


def every(view: View) -> list[ArchiveRecord]:
    """Every archive, oldest first."""
    query = rows.select_record(archives, ArchiveRecord).order_by(archives.c.id)
    return [ArchiveRecord(*row) for row in view.conn.execute(query)]


def by_name(view: View, name: str, *, for_update: bool = False) -> ArchiveRecord | None:
    """The archive of this name."""
    query = rows.select_record(archives, ArchiveRecord).where(archives.c.name == name)
    row = view.conn.execute(query.with_for_update() if for_update else query).first()
    return None if row is None else ArchiveRecord(*row)


def enter(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Add an archive; returns its id."""
    return rows.insert(tx, archives, values)


def change(tx: Transaction, archive_id: int, **values: Any) -> None:
    """Change what is known of an archive."""
    rows.update(tx, archives, archive_id, values)


def unfinished(tx: Transaction) -> list[str]:
    """Folders that a run has begun and not finished; other runs wait for this transaction."""
    tx.dialect.lock_table(tx.conn, archives)
    c = settings.c
    found = tx.conn.scalar(sa.select(c.value).where(c.key == UNFINISHED))
    return list(found or [])


def set_unfinished(tx: Transaction, paths: Sequence[str]) -> None:
    """Remember such folders."""
    c = settings.c
    values = {"value": list(paths)}
    changed = tx.conn.execute(settings.update().where(c.key == UNFINISHED).values(**values))
    if not changed.rowcount:
        tx.conn.execute(settings.insert().values(key=UNFINISHED, **values))
