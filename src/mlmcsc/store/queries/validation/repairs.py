"""Changes that are safe to make: what they set can be worked out from what is there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import feature_sets, image_aliases, images, technicians
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.features import grow
from mlmcsc.store.queries.validation.files import FileRow
from mlmcsc.store.queries.validation.relations import label_counts, vector_counts
from mlmcsc.store.queries.validation.vectors import all_sets
from mlmcsc.store.uow import Transaction

FILE_TABLES = {table.name: table for table in (images, image_aliases)}


def record(tx: Transaction, table: str, changes: Sequence[Change]) -> None:
    """One event per batch, with every row's values before and after."""
    record_changes(tx, Operation.REPAIR, table, changes)


def record_table(
    tx: Transaction, table: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """An event about a table as a whole, or about files that belong to it."""
    tx.record(AuditEvent(Operation.REPAIR, table, old_values=before, new_values=after))


def count_labels(tx: Transaction) -> list[int]:
    """Set `total_labels` to the number of labels; returns the technicians changed."""
    return _recount(tx, technicians, "total_labels", label_counts())


def count_vectors(tx: Transaction) -> list[int]:
    """Set `n_vectors` to the number of vectors; readers' copies of the set become stale."""
    changed = _recount(tx, feature_sets, "n_vectors", vector_counts())
    for feature_set in all_sets(tx).values():
        if feature_set.id in changed:
            grow(tx, feature_set, 0)
    return changed


def _recount(tx: Transaction, table: sa.Table, column: str, query: sa.Select[Any]) -> list[int]:
    locked = sa.select(table.c.id).with_for_update()
    tx.conn.execute(locked).all()  # the counters stand still while they are compared
    wrong = tx.conn.execute(query).all()
    if wrong:
        update = table.update().where(table.c.id == sa.bindparam("row_id"))
        tx.conn.execute(
            update.values({column: sa.bindparam("counted")}),
            [{"row_id": row_id, "counted": counted} for row_id, _, counted in wrong],
        )
    changes = [Change(i, {column: before}, {column: after}) for i, before, after in wrong]
    record(tx, table.name, changes)
    return [change.id for change in changes]


def restamp(tx: Transaction, table: str, stamps: Sequence[tuple[FileRow, int]]) -> list[int]:
    """Store new file times (ns) of rows whose content was found equal; returns the rows changed."""
    source = FILE_TABLES[table]
    same = _unmoved(tx, source, [row for row, _ in stamps])
    wanted = [(row, mtime) for row, mtime in stamps if row.id in same]
    if wanted:
        tx.conn.execute(
            source.update()
            .where(source.c.id == sa.bindparam("row_id"))
            .values(file_mtime_ns=sa.bindparam("mtime"), file_size=sa.bindparam("size")),
            [{"row_id": r.id, "mtime": mtime, "size": r.file_size} for r, mtime in wanted],
        )
    changes = [
        Change(row.id, {"file_mtime_ns": row.file_mtime_ns}, {"file_mtime_ns": mtime})
        for row, mtime in wanted
    ]
    record(tx, table, changes)
    return [change.id for change in changes]


def follow_moves(tx: Transaction, moves: Sequence[tuple[FileRow, FileRow, int]]) -> list[int]:
    """Swap an image's path with the further one where its file is; returns the images changed.

    The old path stays as a further one, without size and time: no file is expected there.

    Args:
        tx: The open transaction.
        moves: The image's row, that of its further path, and the time (ns) of the file there.
    """
    of_images: list[Change] = []
    of_aliases: list[Change] = []
    stamp = {"updated_at": tx.now}
    for image, alias, mtime in _free_moves(tx, moves):
        new = {"path": alias.path, "filename": os.path.basename(alias.path), "file_mtime_ns": mtime}
        old = {"path": image.path, "file_size": None, "file_mtime_ns": None}
        was = tx.conn.execute(
            sa.select(*(images.c[name] for name in new)).where(images.c.id == image.id)
        ).one()
        row = image_aliases.c.id == alias.id
        tx.conn.execute(images.update().where(images.c.id == image.id).values(new | stamp))
        tx.conn.execute(image_aliases.update().where(row).values(old))
        of_images.append(Change(image.id, {name: getattr(was, name) for name in new}, new))
        of_aliases.append(Change(alias.id, {name: getattr(alias, name) for name in old}, old))
    record(tx, images.name, of_images)
    record(tx, image_aliases.name, of_aliases)
    return [change.id for change in of_images]


def _free_moves(
    tx: Transaction, moves: Sequence[tuple[FileRow, FileRow, int]]
) -> list[tuple[FileRow, FileRow, int]]:
    """Those whose rows nobody changed meanwhile, and whose paths no other row has."""
    still = set(_unmoved(tx, images, [image for image, _, _ in moves]))
    same = set(_unmoved(tx, image_aliases, [alias for _, alias, _ in moves]))
    taken = {
        path
        for column, paths in (
            (images.c.path, [alias.path for _, alias, _ in moves]),
            (image_aliases.c.path, [image.path for image, _, _ in moves]),
        )
        for path in tx.conn.scalars(sa.select(column).where(tx.dialect.ids_in(column, paths)))
    }
    return [
        (image, alias, mtime)
        for image, alias, mtime in moves
        if image.id in still and alias.id in same and not {image.path, alias.path} & taken
    ]


def drop_aliases(tx: Transaction, stale: Sequence[FileRow]) -> list[int]:
    """Forget paths that no longer hold the content; returns the rows removed."""
    same = _unmoved(tx, image_aliases, stale)
    c = image_aliases.c
    names = ("image_id", "path", "file_size", "file_mtime_ns")
    query = sa.select(c.id, *(c[name] for name in names)).where(tx.dialect.ids_in(c.id, same))
    changes = [
        Change(row.id, {name: getattr(row, name) for name in names}, None)
        for row in tx.conn.execute(query.order_by(c.id))
    ]
    tx.conn.execute(image_aliases.delete().where(tx.dialect.ids_in(c.id, same)))
    record(tx, image_aliases.name, changes)
    return [change.id for change in changes]


def _unmoved(tx: Transaction, table: sa.Table, seen: Sequence[FileRow]) -> list[int]:
    """The rows that nobody changed since they were looked at; locked until the end."""
    stamp = {row.id: (row.path, row.file_size, row.file_mtime_ns) for row in seen}
    c = table.c
    query = (
        sa.select(c.id, c.path, c.file_size, c.file_mtime_ns)
        .where(tx.dialect.ids_in(c.id, stamp))
        .order_by(c.id)
        .with_for_update()
    )
    return [row[0] for row in tx.conn.execute(query) if tuple(row[1:]) == stamp[row[0]]]


def fill_facts(tx: Transaction, found: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Fill what is NULL of images never read before; returns the rows changed.

    An image whose stored facts contradict its file is left alone: it was made from another file.
    So is one whose content is another image's already.

    Args:
        tx: The open transaction.
        found: By image id, `path` and the facts by column name.
    """
    columns = sorted({name for facts in found.values() for name in facts})
    query = (
        sa.select(images.c.id, *(images.c[name] for name in columns))
        .where(tx.dialect.ids_in(images.c.id, found), images.c.content_hash.is_(None))
        .order_by(images.c.id)
        .with_for_update()
    )
    hashes = [facts["content_hash"] for facts in found.values()]
    taken = set(
        tx.conn.scalars(
            sa.select(images.c.content_hash).where(tx.dialect.ids_in(images.c.content_hash, hashes))
        )
    )
    changes = []
    for row in tx.conn.execute(query).mappings().all():
        facts = found[row["id"]]
        if facts["content_hash"] in taken or _contradicts(row, facts):
            continue
        taken.add(facts["content_hash"])
        new = {name: value for name, value in facts.items() if row[name] is None}
        tx.conn.execute(images.update().where(images.c.id == row["id"]).values(**new))
        changes.append(Change(row["id"], dict.fromkeys(new), new))
    record(tx, images.name, changes)
    return [change.id for change in changes]


DECISIVE = ("path", "file_size", "width", "height")
"""Facts that tell one picture from another; formats and channels are counted differently."""


def _contradicts(row: Mapping[Any, Any], facts: Mapping[str, Any]) -> bool:
    return any(row[name] is not None and row[name] != facts[name] for name in DECISIVE)
