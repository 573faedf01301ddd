"""What archives hold of one person, for the copy of their data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from mlmcsc.domain.archives import ArchiveRecord, Manifest
from mlmcsc.services.archives.shelf import Shelf
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.rows import View

Page = list[Mapping[str, Any]]
SINCE = "_since"
"""Beside the columns: the time of the measurement, from which its retention counts."""


@dataclass(frozen=True, slots=True)
class OfPerson:
    """Which rows.

    Attributes:
        technician: The person's row id; None for somebody who never labelled.
        called: Whether a written name is theirs.
    """

    technician: int | None
    called: Callable[[str | None], bool]


def readers(shelf: Shelf, view: View, who: OfPerson, kind: str) -> Iterator[Callable[[], Page]]:
    """For each archive of labels what reads its rows, with `archive`; notes stay sealed.

    Args:
        shelf: The archives.
        view: An open transaction.
        who: Whose rows.
        kind: `labels` and `label_revisions`: the person's own. `verifications`, and of revisions
            `corrections` and `earlier_verifications`: what they did to colleagues' labels.
    """
    for archive in queries.every(view):
        if archive.table_name == "labels" and archive.restored_at is None:
            yield partial(_read, shelf, view, archive, who, kind)


def _read(shelf: Shelf, view: View, archive: ArchiveRecord, who: OfPerson, kind: str) -> Page:
    manifest = shelf.check(view, archive)
    rows = _labels(shelf, manifest, who, kind) if kind in _OF_LABELS else None
    found = _revisions(shelf, manifest, who, kind) if rows is None else rows
    return [{"archive": archive.name, **row} for row in found]


_OF_LABELS = frozenset({"labels", "verifications"})


def _labels(shelf: Shelf, manifest: Manifest, who: OfPerson, kind: str) -> Iterator[dict[str, Any]]:
    for row in _rows(shelf, manifest, 0):
        own = row["technician_id"] == who.technician
        if own if kind == "labels" else not own and who.called(row["verified_by"]):
            yield {**row, SINCE: row["timestamp"]}


def _revisions(
    shelf: Shelf, manifest: Manifest, who: OfPerson, kind: str
) -> Iterator[dict[str, Any]]:
    since, own = {}, set()
    for row in _rows(shelf, manifest, 0):
        since[row["id"]] = row["timestamp"]
        if row["technician_id"] == who.technician:
            own.add(row["id"])
    by = {"corrections": "replaced_by", "earlier_verifications": "verified_by"}
    for row in _rows(shelf, manifest, 1):
        is_own = row["label_id"] in own
        if is_own if kind == "label_revisions" else not is_own and who.called(row[by[kind]]):
            yield {**row, SINCE: since.get(row["label_id"])}


def _rows(shelf: Shelf, manifest: Manifest, number: int) -> Iterator[dict[str, Any]]:
    file = manifest.files[number]
    for chunk in shelf.rows_of(manifest.path, file):
        for values in chunk:
            row = dict(zip(file.columns, values, strict=True))
            if row["annotation_data"] is not None:
                row["annotation_data"] = orjson.loads(row["annotation_data"])
            yield row
