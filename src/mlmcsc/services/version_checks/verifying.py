"""Everything that a version promised, looked at again."""

from __future__ import annotations

import time

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.checks import Findings, VersionFinding, VersionVerification
from mlmcsc.services.version_checks.file_checks import manifest_file, row_files, signed_manifest
from mlmcsc.services.version_checks.image_files import (
    Depth,
    Looked,
    frozen_images,
    look_at_images,
)
from mlmcsc.services.version_checks.record_checks import Seen, every_check
from mlmcsc.services.version_checks.row_checks import read_rows
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.uow import Store

PUT_BACK = "Put the file back as it was, or ingest it again from where it is now."


def verify_version(
    db: Store,
    folder: VersionFolder,
    record: DataVersionRecord,
    tell: Progress,
    *,
    depth: Depth | None,
    workers: int | None,
) -> VersionVerification:
    """Look at everything; what cannot be read is a finding, and the rest is looked at.

    Args:
        db: The database.
        folder: Its folder of versions.
        record: The version.
        tell: Told of progress.
        depth: How closely image files are looked at; None: not at all.
        workers: Threads that read them.
    """
    began, findings = time.perf_counter(), Findings()
    manifest = signed_manifest(db, record, findings)
    findings.take(manifest_file(folder, record, manifest))
    layers, n_bytes = row_files(folder, record, findings, tell)
    label_range = manifest.label_range if manifest else (0.0, 1.0)
    facts = read_rows(folder, layers, label_range, findings, tell) if layers else None
    looked = _Looks()
    if facts is not None:
        seen = Seen(db, record, manifest, layers, facts, tell)
        findings.take(every_check(seen))
        if depth is not None:
            looked = _look(seen, folder, depth, workers, findings)
    return VersionVerification(
        version=record.version,
        root=manifest.root if manifest else None,
        findings=tuple(findings.listed),
        n_findings=findings.count,
        rows=facts.tree.size if facts else 0,
        redacted=facts.redacted if facts else 0,
        layers=len(layers),
        features=len(manifest.features) if manifest and facts else 0,
        images=looked.images,
        images_read=looked.images_read,
        bytes_read=n_bytes + looked.bytes_read,
        seconds=time.perf_counter() - began,
    )


class _Looks:
    """Image files looked at so far."""

    images = images_read = bytes_read = 0

    def add(self, seen: Looked) -> None:
        """Count one."""
        self.images += 1
        self.images_read += bool(seen.read)
        self.bytes_read += seen.read


def _look(
    seen: Seen, folder: VersionFolder, depth: Depth, workers: int | None, findings: Findings
) -> _Looks:
    with seen.db.read() as view:
        total = queries.total_bytes(view, seen.facts.images)
    pages = frozen_images(folder.rows(seen.layers, ("path", "content_hash")))
    counted, done = _Looks(), 0
    for each in look_at_images(seen.db, pages, depth, workers):
        counted.add(each)
        done += each.n_bytes
        if each.problem is not None:
            findings.take([_problem(each)])
        seen.tell("bytes of images", done, max(total, done))
    return counted


def _problem(seen: Looked) -> VersionFinding:
    repair = f"Its content is at {seen.kept_at}. {PUT_BACK}" if seen.kept_at else PUT_BACK
    what = f"The file is {seen.problem}."
    return VersionFinding("image", what, seen.at, seen.image.image_id, repair)
