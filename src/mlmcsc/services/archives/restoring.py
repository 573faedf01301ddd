"""Bringing an archive's rows back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlmcsc.domain.archives import REVISIONS, ArchiveRecord, Manifest, RestoreReport
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import ConflictError, SchemaError
from mlmcsc.services.archives.shelf import (
    Chunks,
    Shelf,
    counted,
    noting_ids,
    require,
    span_of,
)
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import subject_of


class _DryRunError(Exception):
    """Ends the transaction of a dry run without a trace."""

    def __init__(self, report: RestoreReport) -> None:
        super().__init__()
        self.report = report


def restore(shelf: Shelf, name: str, progress: Progress | None, *, dry_run: bool) -> RestoreReport:
    """Insert the rows under their own ids, in one transaction; the files go once that is done."""
    with shelf.folder.locked():
        shelf.tidy(after_death=True)
        with shelf.db.read() as view:
            archive = require(queries.by_name(view, name), name)
            manifest = shelf.check(view, archive, rows=True)
        _same_columns(manifest)
        try:
            with shelf.db.write(shelf.actor) as tx:
                report = _bring_back(shelf, tx, archive, manifest, progress)
                _end(report, dry_run=dry_run)
        except _DryRunError as dry:
            return dry.report
        shelf.tidy()
    return report


def _end(report: RestoreReport, *, dry_run: bool) -> None:
    if dry_run:
        raise _DryRunError(report)


def _same_columns(manifest: Manifest) -> None:
    for file in manifest.files:
        unknown = file.columns.keys() - queries.columns(file.table).keys()
        if unknown:
            raise SchemaError(
                f"{manifest.name} was made under schema {manifest.schema_revision}; {file.table} "
                f"has no columns {', '.join(sorted(unknown))} now. Nothing was restored."
            )


def _bring_back(
    shelf: Shelf,
    tx: Transaction,
    archive: ArchiveRecord,
    manifest: Manifest,
    progress: Progress | None,
) -> RestoreReport:
    require(queries.by_name(tx, archive.name, for_update=True), archive.name)
    if queries.erasure_under_way(tx):
        raise ConflictError(
            "A person's erasure is under way, and rows that come back now could escape it; nothing "
            "was restored. Finish it with `privacy delete-user-data`, then restore."
        )
    erased = _Erased(*queries.erased_people(tx))
    numbers = {}
    for file in manifest.files:
        chunks = shelf.rows_of(archive.path, file)
        if "notes" in file.columns:
            chunks = erased.without_notes(chunks, list(file.columns))
        ids: list[int] = []
        shown = counted(noting_ids(chunks, ids), file.table, file.n_rows, progress)
        numbers[file.table] = queries.bring_in(tx, file, shown)
        told = {"archive": archive.name, "file_sha256": file.sha256, "columns": [*file.columns]}
        tx.record(
            AuditEvent(
                Operation.RESTORE,
                file.table,
                new_values=told | span_of(ids),
                n_rows=file.n_rows,
                digest=file.rows_sha256,
            )
        )
    queries.settle(tx, archive)
    queries.change(tx, archive.id, restored_at=tx.now)
    queries.set_unfinished(tx, [archive.path])
    now = queries.by_name(tx, archive.name) or archive
    return RestoreReport(
        now, numbers[archive.table_name], numbers.get(REVISIONS, 0), erased.n_removed
    )


class _Erased:
    """Takes away the notes of people who were erased while their labels were in the archive."""

    def __init__(self, technicians: set[int], subjects: set[str]) -> None:
        self._technicians, self._subjects = technicians, subjects
        self._labels: set[int] = set()
        self.n_removed = 0

    def without_notes(self, chunks: Iterable[list[tuple[Any, ...]]], names: list[str]) -> Chunks:
        """The rows of labels, then of their revisions."""
        notes, row_id = names.index("notes"), names.index("id")
        maker = names.index("technician_id") if "technician_id" in names else None
        label = names.index("label_id") if "label_id" in names else row_id
        for chunk in chunks:
            rows = []
            for row in chunk:
                if maker is not None and row[maker] in self._technicians:
                    self._labels.add(row[row_id])
                gone = row[label] in self._labels or subject_of(row[notes]) in self._subjects
                if gone and row[notes] is not None:
                    self.n_removed += 1
                    row = (*row[:notes], None, *row[notes + 1 :])  # noqa: PLW2901  # rebuilt
                rows.append(row)
            yield rows
