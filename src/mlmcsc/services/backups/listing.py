"""The backups of a place: what their manifests tell, and what the database knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.reports import BackupEntry
from mlmcsc.services.backups.remembering import moment
from mlmcsc.services.backups.sets import FoundSet, every_set, identity, one_set
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Register:
    """What the database knows of its backups, by set id, and of their newest drills, by id."""

    rows: Mapping[str, queries.BackupRecord]
    drills: Mapping[int, queries.DrillRecord]


def register(db: Store) -> Register:
    """What the database knows now."""
    with db.read() as view:
        rows = {row.set_id: row for row in queries.known(view)}
        return Register(rows, queries.newest_drills(view))


def entries(db: Store, store: BackupStore) -> tuple[BackupEntry, ...]:
    """Every set there, newest first, and those that this database made there and that are gone."""
    known = register(db)
    found = [entry_of(each, known) for each in every_set(store, identity(db))]
    there = {each.set_id for each in found}
    lost = [
        _lost(row)
        for row in known.rows.values()
        if row.place == store.place and row.pruned_at is None and row.set_id not in there
    ]
    # A damaged manifest does not tell whose it is: its name does.
    named = {each.name for each in found}
    every = [*found, *(each for each in lost if each.name not in named)]
    return tuple(sorted(every, key=_age, reverse=True))


def entry(db: Store, store: BackupStore, name: str) -> BackupEntry:
    """One of them; see `one_set`."""
    return entry_of(one_set(store, name, identity(db)), register(db))


def _age(each: BackupEntry) -> tuple[str, str]:
    return ("" if each.taken_at is None else each.taken_at.isoformat(), each.name)


def entry_of(found: FoundSet, known: Register) -> BackupEntry:
    """A set as it is told."""
    manifest = found.manifest
    if manifest is None:
        return BackupEntry(found.name, found.state, found.problem, manifest_sha256=found.sha256)
    row = known.rows.get(manifest.set_id) if found.state == "ok" else None
    drill = known.drills.get(row.id) if row else None
    return BackupEntry(
        name=found.name,
        state=found.state,
        problem=found.problem,
        set_id=manifest.set_id,
        database_id=manifest.database_id,
        kind=manifest.kind,
        taken_at=moment(manifest.taken_at),
        finished_at=moment(manifest.finished_at),
        n_bytes=manifest.n_bytes,
        stored_bytes=manifest.stored_bytes,
        new_bytes=manifest.new_bytes,
        n_files=manifest.n_files,
        encrypted=manifest.index.key_id is not None,
        with_images=manifest.with_images,
        engine=manifest.engine,
        schema_revision=manifest.schema_revision,
        release=manifest.release,
        manifest_sha256=found.sha256,
        verified_at=row.verified_at if row else None,
        drilled_at=drill.started_at if drill else None,
        drill_passed=drill.passed if drill else None,
        rto_seconds=drill.rto_seconds if drill else None,
        rpo_seconds=drill.rpo_seconds if drill else None,
    )


def _lost(row: queries.BackupRecord) -> BackupEntry:
    return BackupEntry(
        name=row.name,
        state="missing",
        problem="This database made it, and it is not in its place any more.",
        set_id=row.set_id,
        taken_at=row.taken_at,
        finished_at=row.finished_at,
        n_bytes=row.n_bytes,
        new_bytes=row.new_bytes,
        encrypted=row.encrypted,
        with_images=row.with_images,
        manifest_sha256=row.manifest_sha256,
        verified_at=row.verified_at,
    )
