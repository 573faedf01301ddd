"""Making an archive, so that rows are never lost and never doubled, whenever the process dies.

The files are written, read back and renamed into place first. Then one transaction deletes the
rows, enters the archive and records the event: before it the folder is a leftover, after it the
archive is whole.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from mlmcsc.adapters.archives import write_rows
from mlmcsc.domain.archives import (
    ArchiveFile,
    ArchivePlan,
    ArchiveRecord,
    Manifest,
    time_text,
)
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.progress import Progress
from mlmcsc.services.archives.shelf import Shelf, counted, noting_ids, require, span_of
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

Ids = Mapping[str, Sequence[int]]


def make(
    shelf: Shelf, table: str, before: datetime, progress: Progress | None
) -> ArchiveRecord | None:
    """Move the rows of `table` older than `before` into a new archive; None without such rows."""
    with shelf.db.read() as view:
        if not queries.plan(view, table, before).n_rows:
            return None
    now = shelf.db.clock()
    path = f"{table}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    shelf.begin(path)
    try:
        with shelf.db.read() as view:
            manifest, ids = _write(shelf, view, path, table, before, progress)
        shelf.folder.check_draft(manifest)
        raw = manifest.signed(shelf.sign)
        shelf.folder.publish(path, raw)
        with shelf.db.write(shelf.actor) as tx:
            queries.move_out(tx, manifest, before)
            _enter(tx, manifest, raw, ids)
            return require(queries.by_name(tx, path), path)
    except Exception:
        shelf.tidy()
        raise


def _write(
    shelf: Shelf,
    view: View,
    path: str,
    table: str,
    before: datetime,
    progress: Progress | None,
) -> tuple[Manifest, Ids]:
    plan = queries.plan(view, table, before)
    draft = shelf.folder.draft(path)
    files: list[ArchiveFile] = []
    ids: dict[str, list[int]] = {}
    for name, chunks in queries.outgoing(view, table, before):
        total = plan.n_rows if name == table else plan.n_revisions
        shown = counted(noting_ids(chunks, ids.setdefault(name, [])), name, total, progress)
        columns = queries.columns(name)
        files.append(write_rows(draft / f"{name}.parquet", name, columns, shown))
    return _manifest(shelf, view, path, plan, files), ids


def _manifest(
    shelf: Shelf, view: View, name: str, plan: ArchivePlan, files: Sequence[ArchiveFile]
) -> Manifest:
    database_id, revision = queries.identity(view)
    return Manifest(
        name=name,
        version=1,
        database_id=database_id,
        schema_revision=revision,
        table=plan.table,
        older_than=time_text(plan.before),
        created_at=time_text(shelf.db.clock()),
        n_rows=plan.n_rows,
        first_id=plan.first_id or 0,
        last_id=plan.last_id or 0,
        oldest=time_text(plan.oldest or plan.before),
        newest=time_text(plan.newest or plan.before),
        files=tuple(files),
    )


def _enter(tx: Transaction, manifest: Manifest, raw: bytes, ids: Ids) -> None:
    values = {
        "name": manifest.name,
        "table_name": manifest.table,
        "path": manifest.path,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "n_rows": manifest.n_rows,
        "first_id": manifest.first_id,
        "last_id": manifest.last_id,
        "oldest": datetime.fromisoformat(manifest.oldest),
        "newest": datetime.fromisoformat(manifest.newest),
        "created_at": datetime.fromisoformat(manifest.created_at),
        "manifest": orjson.loads(raw),
    }
    queries.enter(tx, values)
    queries.set_unfinished(tx, [])
    for file in manifest.files:
        tx.record(
            AuditEvent(
                Operation.ARCHIVE,
                file.table,
                new_values=_told(manifest, values["sha256"], file, ids[file.table]),
                n_rows=file.n_rows,
                digest=file.rows_sha256,
            )
        )


def _told(manifest: Manifest, sha256: str, file: ArchiveFile, ids: Sequence[int]) -> dict[str, Any]:
    return {
        "archive": manifest.name,
        "manifest_sha256": sha256,
        "file_sha256": file.sha256,
        "older_than": manifest.older_than,
        "columns": list(file.columns),
    } | span_of(ids)
