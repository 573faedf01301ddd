"""What the database keeps of its backups: a row, an event, and which one holds each version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.registered import moment
from mlmcsc.domain.backups.reports import BackupReport
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store


def remember(
    db: Store,
    actor: Actor,
    report: BackupReport,
    manifest: Manifest,
    files: Iterable[StoredFile],
    sha256: str,
    there_before: Collection[int],
) -> int:
    """Write the row, the event, and which versions the set holds, in one short transaction.

    Args:
        db: The database.
        actor: In whose name.
        report: What is told of the backup.
        manifest: What it promises.
        files: What it lists.
        sha256: SHA-256 (hex) of its manifest file.
        there_before: Ids of versions that were there before the snapshot was taken, so in it.

    Returns:
        The backup's id.

    Raises:
        StoreError: The database cannot be written.
    """
    values = {
        "name": report.name,
        "place": report.place,
        "set_id": report.set_id,
        "kind": manifest.kind,
        "taken_at": report.taken_at,
        "finished_at": moment(manifest.finished_at),
        "n_bytes": report.n_bytes,
        "new_bytes": report.new_bytes,
        "encrypted": report.encrypted,
        "with_images": report.with_images,
        "manifest_sha256": sha256,
    }
    sizes = queries.sizes_of(files)
    with db.write(actor) as tx:
        verified = {"verified_at": tx.now} if report.verified else {}
        backup_id = queries.enter(tx, values | verified)
        found = queries.held_versions(tx, sizes, before=report.taken_at)
        held = {version: size for version, size in found.items() if version in there_before}
        for version_id, size in held.items():
            queries.set_held(tx, version_id, report.path, size, sha256)
        told = _plain(values) | {
            "stored_bytes": report.stored_bytes,
            "n_files": report.n_files,
            "left_out": len(report.left_out),
            "versions": sorted(held),
        }
        tx.record(AuditEvent(Operation.BACKUP, "backups", backup_id, None, told))
    return backup_id


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}
