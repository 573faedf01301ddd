"""What the database knows of its backups, and what is to go into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.records import Record
from mlmcsc.store.models import backup_drills, backups, data_versions, images
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_b, _d, _v, _i = backups.c, backup_drills.c, data_versions.c, images.c


@dataclass(frozen=True, slots=True)
class BackupRecord(Record):
    """One row of the table `backups`."""

    id: int
    name: str
    place: str
    set_id: str
    kind: str
    taken_at: datetime
    finished_at: datetime
    n_bytes: int
    new_bytes: int
    encrypted: bool
    with_images: bool
    manifest_sha256: str
    verified_at: datetime | None
    pruned_at: datetime | None


@dataclass(frozen=True, slots=True)
class DrillRecord(Record):
    """The newest drill of a backup, in the table `backup_drills`."""

    backup_id: int
    started_at: datetime
    passed: bool
    rto_seconds: float
    rpo_seconds: float | None


@dataclass(frozen=True, slots=True)
class VersionFiles(Record):
    """A frozen version, and where its rows lie."""

    id: int
    created_at: datetime
    root: str
    layers: Any
    backup_path: str | None


@dataclass(frozen=True, slots=True)
class StoredImage(Record):
    """An image's file as the database knows it; `hash_algorithm`: None where nobody hashed it."""

    path: str
    content_hash: str | None
    hash_algorithm: str | None
    file_size: int | None
    format: str | None
    storage: str


def enter(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Add a backup; returns its id."""
    return rows.insert(tx, backups, values)


def known(view: View) -> list[BackupRecord]:
    """Every backup that this database made, oldest first; pruned ones too."""
    query = rows.select_record(backups, BackupRecord).order_by(_b.id)
    return [BackupRecord(*row) for row in view.conn.execute(query)]


def by_set(view: View, set_id: str) -> BackupRecord | None:
    """The backup of this set."""
    return rows.first(view, backups, BackupRecord, set_id=set_id)


def newest_drills(view: View) -> dict[int, DrillRecord]:
    """The newest drill of each backup, by the backup's id."""
    newest = sa.select(sa.func.max(_d.id)).group_by(_d.backup_id)
    query = rows.select_record(backup_drills, DrillRecord).where(_d.id.in_(newest))
    return {row.backup_id: DrillRecord(*row) for row in view.conn.execute(query)}


def set_verified(tx: Transaction, backup_id: int) -> None:
    """Note that a backup was read back whole."""
    rows.update(tx, backups, backup_id, {"verified_at": tx.now})


def set_pruned(tx: Transaction, set_ids: Sequence[str]) -> list[int]:
    """Note that sets are gone; ids of those that were known and not noted before."""
    which = sa.and_(tx.dialect.ids_in(_b.set_id, set_ids), _b.pruned_at.is_(None))
    found = [int(i) for i in tx.conn.scalars(sa.select(_b.id).where(which).order_by(_b.id))]
    tx.conn.execute(backups.update().where(which).values(pruned_at=tx.now))
    return found


def frozen_versions(view: View) -> list[VersionFiles]:
    """Every version whose rows were kept, by id."""
    query = rows.select_record(data_versions, VersionFiles).where(_v.root.is_not(None))
    return [VersionFiles(*row) for row in view.conn.execute(query.order_by(_v.id))]


def set_held(
    tx: Transaction, version_id: int, path: str | None, size: int | None, sha: str | None
) -> None:
    """Say which backup holds a version; None: none does."""
    values = {"backup_path": path, "backup_size": size, "backup_checksum": sha}
    rows.update(tx, data_versions, version_id, values)


def image_files(view: View) -> Iterator[Sequence[Any]]:
    """Every image's file as the columns of `StoredImage`, in pages, by id."""
    query = rows.select_record(images, StoredImage)
    return rows.stream(view, query.order_by(_i.id))
