"""The backups of a place: what their manifests tell, and what the database knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.proof import Proof
from mlmcsc.domain.backups.registered import moment, path_of
from mlmcsc.domain.backups.reports import BackupEntry
from mlmcsc.services.backups.sets import (
    FoundSet,
    Identity,
    every_set,
    identity,
    one_set,
    proof_of,
)
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Register:
    """What the database knows of its backups, by set id, and of their newest drills, by id."""

    rows: Mapping[str, queries.BackupRecord]
    drills: Mapping[int, queries.DrillRecord]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a set's bytes, from the register and from the proof that lies beside it.

    Attributes:
        proven: When every byte was last found right; None: never, or a later check failed.
        damaged: Whether the last check failed.
        drill: The newest drill.
    """

    proven: datetime | None
    damaged: bool
    drill: queries.DrillRecord | None


def register(db: Store) -> Register:
    """What the database knows now."""
    with db.read() as view:
        rows = {row.set_id: row for row in queries.known(view)}
        return Register(rows, queries.newest_drills(view))


def evidence(found: FoundSet, known: Register, proof: Proof | None) -> Evidence:
    """What the newer of both says; a drill that failed outweighs that the set was read since."""
    row = None
    if found.state == "ok" and found.manifest is not None:
        row = known.rows.get(found.manifest.set_id)
    drill = known.drills.get(row.id) if row else None
    proven, failed = (row.verified_at, row.failed_at) if row else (None, None)
    if proof is not None and (drill is None or drill.started_at < moment(proof.drilled_at)):
        at = moment(proof.drilled_at)  # the register was restored from a time before it
        drill = queries.DrillRecord(0, at, proof.passed, proof.rto_seconds, proof.rpo_seconds)
    if drill is not None and drill.passed and (failed is None or failed < drill.started_at):
        proven, failed = max(proven or drill.started_at, drill.started_at), None
    if drill is not None and not drill.passed:
        proven, failed = None, drill.started_at
    return Evidence(proven, failed is not None, drill)


def entries(db: Store, store: BackupStore) -> tuple[BackupEntry, ...]:
    """Every set there, newest first, and those that this database made there and that are gone."""
    known, own = register(db), identity(db)
    found = [entry_of(store, each, known, own) for each in every_set(store, own)]
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
    own = identity(db)
    return entry_of(store, one_set(store, name, own), register(db), own)


def _age(each: BackupEntry) -> tuple[str, str]:
    return ("" if each.taken_at is None else each.taken_at.isoformat(), each.name)


def entry_of(store: BackupStore, found: FoundSet, known: Register, own: Identity) -> BackupEntry:
    """A set as it is told."""
    manifest = found.manifest
    if manifest is None:
        return BackupEntry(
            found.name,
            found.state,
            found.problem,
            place=store.place,
            path=path_of(store.place, found.name),
            manifest_sha256=found.sha256,
        )
    told = evidence(found, known, proof_of(store, found, own))
    drill = told.drill
    return BackupEntry(
        name=found.name,
        state=found.state,
        problem=found.problem,
        place=store.place,
        path=path_of(store.place, found.name),
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
        verified_at=told.proven,
        found_damaged=told.damaged,
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
        place=row.place,
        path=path_of(row.place, row.name),
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
