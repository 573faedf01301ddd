"""What the database keeps of backups that are gone."""

from __future__ import annotations

from collections.abc import Sequence

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.registered import moment, path_of
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.services.backups.sets import FoundSet, Identity, files_of
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store

Held = tuple[str, int, str]
"""Path of a set, bytes of a version in it, SHA-256 (hex) of its manifest."""


def forget(
    db: Store,
    actor: Actor,
    store: BackupStore,
    staying: Sequence[FoundSet],
    own: Identity,
    tidied: int,
) -> None:
    """Note every set that is not in the place any more, and say of versions which set holds them.

    Sets are found by looking, so that what an interrupted run removed is noted by the next.
    """
    there = {each.manifest.set_id for each in staying if each.manifest}
    named = {each.name for each in staying}  # a damaged manifest does not tell its id
    with db.read() as view:
        rows = [row for row in queries.known(view) if row.place == store.place]
    gone = [
        row
        for row in rows
        if row.pruned_at is None and row.set_id not in there and row.name not in named
    ]
    if not gone:
        return
    paths = {path_of(store.place, row.name) for row in gone}
    newest_first = [each for each in reversed(staying) if each.state == "ok"]
    holders = _holders(db, store, newest_first, own, paths)
    with db.write(actor) as tx:
        ids = queries.set_pruned(tx, [row.set_id for row in gone])
        for version in queries.frozen_versions(tx):
            if version.backup_path in paths:
                queries.set_held(tx, version.id, *holders.get(version.id, (None, None, None)))
        told = {
            "pruned": [row.name for row in gone],
            "place": store.place,
            "ids": ids,
            "tidied": tidied,
        }
        tx.record(AuditEvent(Operation.BACKUP, "backups", None, None, told, n_rows=len(ids)))


def _holders(
    db: Store, store: BackupStore, newest_first: Sequence[FoundSet], own: Identity, paths: set[str]
) -> dict[int, Held]:
    """For each version whose backup goes, the newest of those that stay which holds it."""
    with db.read() as view:
        wanted = {v.id for v in queries.frozen_versions(view) if v.backup_path in paths}
    holders: dict[int, Held] = {}
    for found in newest_first:
        if not wanted - holders.keys() or found.manifest is None or found.sha256 is None:
            break
        sizes = queries.sizes_of(files_of(store, found, own.crypto))
        with db.read() as view:
            held = queries.held_versions(view, sizes, before=moment(found.manifest.taken_at))
        path = path_of(store.place, found.name)
        for version in (wanted & held.keys()) - holders.keys():
            holders[version] = (path, held[version], found.sha256)
    return holders
