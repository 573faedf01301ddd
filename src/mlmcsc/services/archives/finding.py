"""Finding archived rows, without bringing them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from mlmcsc.adapters.archives import find_rows
from mlmcsc.domain.archives import REVISIONS, ArchiveFile, ArchiveRecord, FoundRow, Manifest
from mlmcsc.services.archives.shelf import Shelf
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.features import decode
from mlmcsc.store.queries.rows import View


def find(shelf: Shelf, table: str, equal: Mapping[str, int]) -> list[FoundRow]:
    """The archived rows of `table` whose columns have these values, oldest archive first."""
    with shelf.db.read() as view:
        return [
            row
            for archive in queries.every(view)
            if _may_hold(archive, table, equal.get("id"))
            for row in _in_archive(shelf, view, archive, equal)
        ]


def _may_hold(archive: ArchiveRecord, table: str, record_id: int | None) -> bool:
    if archive.table_name != table or archive.restored_at is not None:
        return False
    return record_id is None or archive.first_id <= record_id <= archive.last_id


def _in_archive(
    shelf: Shelf, view: View, archive: ArchiveRecord, equal: Mapping[str, int]
) -> Iterator[FoundRow]:
    """What is shown as evidence is verified first."""
    manifest = shelf.check(view, archive)
    revisions_file = manifest.files[-1] if manifest.files[-1].table == REVISIONS else None
    for values in _rows(shelf, view, manifest, manifest.files[0], equal):
        revisions: list[dict[str, Any]] = []
        if revisions_file is not None:
            of_label = {"label_id": int(values["id"])}
            revisions = _rows(shelf, view, manifest, revisions_file, of_label)
        yield FoundRow(archive.name, archive.table_name, values, tuple(revisions))


def _rows(
    shelf: Shelf, view: View, manifest: Manifest, file: ArchiveFile, equal: Mapping[str, int]
) -> list[dict[str, Any]]:
    path = shelf.folder.place(manifest.path) / file.name
    found = find_rows(path, file.columns, **equal)
    for row in found:
        for name, kind in file.columns.items():
            if kind == "json" and row[name] is not None:
                row[name] = orjson.loads(row[name])
            elif kind == "binary":
                row[name] = decode(row[name], row["dtype"])
        if "notes" in row:
            (row["notes"],) = view.vault.reveal(view, shelf.actor, [row["notes"]])
    return found
