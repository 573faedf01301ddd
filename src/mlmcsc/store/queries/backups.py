"""What the database knows of its backups, and what is to go into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.backups.proof import Proof
from mlmcsc.domain.backups.registered import SignedSet, moment, path_of
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.records import Record
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import IntegrityError
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
    failed_at: datetime | None
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


def set_checked(tx: Transaction, backup_id: int, *, whole: bool) -> None:
    """Note that every byte of a backup was read: it was right, or it was not."""
    verified_at, failed_at = (tx.now, None) if whole else (None, tx.now)
    rows.update(tx, backups, backup_id, {"verified_at": verified_at, "failed_at": failed_at})


def register(tx: Transaction, place: str, sets: Iterable[SignedSet]) -> list[str]:
    """Enter what a place tells, signed, and the register does not know: sets, drills, versions.

    A database that was restored knows nothing of the backups that were made after its snapshot.
    What it knows already stays as it is. The caller records the event.

    Args:
        tx: The open transaction.
        place: Where they lie, as `BackupStore.place`.
        sets: All of this database there.

    Returns:
        Names of the sets that were entered, oldest first.
    """
    ordered = sorted(sets, key=lambda each: moment(each.manifest.taken_at))
    there = {row.set_id: row for row in known(tx)}
    drilled = newest_drills(tx)
    entered = []
    for each in ordered:
        row = there.get(each.manifest.set_id)
        if row is None:
            entered.append(each.name)
        backup_id = row.id if row is not None else enter(tx, _values(place, each))
        last = drilled.get(backup_id)
        if each.proof is not None and (last is None or last.started_at < _drilled(each.proof)):
            _enter_drill(tx, backup_id, each.proof)
    _hold_versions(tx, place, ordered)
    return entered


def _values(place: str, found: SignedSet) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "name": found.name,
        "place": place,
        "set_id": manifest.set_id,
        "kind": manifest.kind,
        "taken_at": moment(manifest.taken_at),
        "finished_at": moment(manifest.finished_at),
        "n_bytes": manifest.n_bytes,
        "new_bytes": manifest.new_bytes,
        "encrypted": manifest.index.key_id is not None,
        "with_images": manifest.with_images,
        "manifest_sha256": found.sha256,
    }


def _drilled(proof: Proof) -> datetime:
    return moment(proof.drilled_at)


def _enter_drill(tx: Transaction, backup_id: int, proof: Proof) -> None:
    values = {
        "backup_id": backup_id,
        "started_at": _drilled(proof),
        "passed": proof.passed,
        "rto_seconds": proof.rto_seconds,
        "rpo_seconds": proof.rpo_seconds,
        "details": {"steps": {}, "checks": []},
    }
    rows.insert(tx, backup_drills, values)
    checked = "verified_at" if proof.passed else "failed_at"
    rows.update(tx, backups, backup_id, {checked: _drilled(proof)})


def _hold_versions(tx: Transaction, place: str, ordered: Sequence[SignedSet]) -> None:
    """Say of every version which is the newest backup that holds it."""
    taken = {path_of(row.place, row.name): row.taken_at for row in known(tx) if not row.pruned_at}
    wanted = {each.id: taken.get(each.backup_path or "") for each in frozen_versions(tx)}
    for found in reversed(ordered):
        at = moment(found.manifest.taken_at)
        if not any(other is None or other < at for other in wanted.values()):
            return
        try:
            sizes = found.version_sizes()
        except IntegrityError:
            continue  # `verify` and `scrub` tell of it; nobody is sent to a damaged one
        for version_id, size in held_versions(tx, sizes, before=at).items():
            other = wanted[version_id]
            if other is None or other < at:
                set_held(tx, version_id, path_of(place, found.name), size, found.sha256)
                wanted[version_id] = at


def sizes_of(files: Iterable[StoredFile]) -> dict[str, int]:
    """Bytes of the originals of versions' files, by name."""
    return {file.name: file.n_bytes for file in files if file.name.startswith("versions/")}


def held_versions(view: View, sizes: Mapping[str, int], *, before: datetime) -> dict[int, int]:
    """Versions that a set holds as they are now, and the bytes of their files in it.

    Args:
        view: The open transaction.
        sizes: Bytes of the set's files of versions, by name.
        before: When the set was taken: a version made later is not in its database.
    """
    found = {}
    for version in frozen_versions(view):
        if version.created_at > before:
            continue
        try:
            layers = [
                f"versions/rows/{each.sha256}.parquet" for each in read_layers(version.layers)
            ]
        except IntegrityError:
            continue  # a damaged row: nobody can tell what would hold it
        names = [f"versions/manifests/{version.id}-{version.root[:16]}.json", *layers]
        if all(name in sizes for name in names):
            found[version.id] = sum(sizes[name] for name in names)
    return found


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


def image_bytes(view: View) -> int:
    """Bytes of all images' files, as far as the database knows them."""
    return int(view.conn.scalar(sa.select(sa.func.sum(_i.file_size))) or 0)


def image_files(view: View) -> Iterator[Sequence[Any]]:
    """Every image's file as the columns of `StoredImage`, in pages, by id."""
    query = rows.select_record(images, StoredImage)
    return rows.stream(view, query.order_by(_i.id))
