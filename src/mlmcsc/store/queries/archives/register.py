"""Which archives there are, and which were begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.archives import ArchiveRecord
from mlmcsc.store.models import archives, erasures, images, settings, subjects
from mlmcsc.store.queries import holds, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting, revision
from mlmcsc.store.uow import Transaction

UNFINISHED = "archive_unfinished"
"""The setting that names folders which a run has begun, so that the next one may remove them."""


def identity(view: View) -> tuple[str, str]:
    """The database's id and its schema's revision."""
    return str(read_setting(view.conn, "database_id")), str(revision(view.conn))


def erased_people(view: View) -> tuple[set[int], set[str]]:
    """Technician ids and subject ids of the persons who were erased."""
    c = subjects.c
    query = sa.select(c.technician_id, c.subject_id).where(c.erased_at.is_not(None))
    found = view.conn.execute(query).all()
    return {who for who, _ in found if who is not None}, {subject for _, subject in found}


def erasure_under_way(tx: Transaction) -> bool:
    """Whether a person's erasure was begun and not finished; none begins before we commit."""
    tx.dialect.lock_table(tx.conn, erasures)
    return rows.count(tx, erasures, erasures.c.finished_at.is_(None)) > 0


def held_images(view: View) -> set[int]:
    """Ids of the images of which nothing may be deleted."""
    return set(view.conn.scalars(sa.select(images.c.id).where(holds.images_held(view))))


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


def unfinished(view: View) -> list[str]:
    """Folders that a run has begun and not finished."""
    c = settings.c
    return list(view.conn.scalar(sa.select(c.value).where(c.key == UNFINISHED)) or [])


def left_over(tx: Transaction) -> list[str]:
    """Those of them that hold no archive.

    A transaction that is about to enter one is waited for: whether a commit that was cut off has
    happened shows only then.
    """
    tx.dialect.lock_table(tx.conn, archives)
    kept = {archive.path for archive in every(tx) if archive.restored_at is None}
    return [path for path in unfinished(tx) if path not in kept]


def set_unfinished(tx: Transaction, paths: Sequence[str]) -> None:
    """Remember such folders; other runs wait for this transaction."""
    tx.dialect.lock_table(tx.conn, archives)
    c = settings.c
    values = {"value": list(paths)}
    changed = tx.conn.execute(settings.update().where(c.key == UNFINISHED).values(**values))
    if not changed.rowcount:
        tx.conn.execute(settings.insert().values(key=UNFINISHED, **values))
