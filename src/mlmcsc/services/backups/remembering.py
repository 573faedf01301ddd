"""What the database keeps of its backups: a row, an event, and which one holds each version."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.reports import BackupReport
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


def moment(text: str) -> datetime:
    """A manifest's time."""
    return datetime.fromisoformat(text).astimezone(UTC)


def path_of(place: str, name: str) -> str:
    """The set itself, to be shown."""
    return f"{place.rstrip('/')}/{name}" if "://" in place else str(Path(place) / name)


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
    sizes = sizes_of(files)
    with db.write(actor) as tx:
        verified = {"verified_at": tx.now} if report.verified else {}
        backup_id = queries.enter(tx, values | verified)
        found = held_versions(tx, sizes, before=report.taken_at)
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
    for version in queries.frozen_versions(view):
        if version.created_at > before:
            continue
        try:
            rows = [f"versions/rows/{each.sha256}.parquet" for each in read_layers(version.layers)]
        except IntegrityError:
            continue  # a damaged row: nobody can tell what would hold it
        names = [f"versions/manifests/{version.id}-{version.root[:16]}.json", *rows]
        if all(name in sizes for name in names):
            found[version.id] = sum(sizes[name] for name in names)
    return found
