"""Files that belong to the database without being the record: caches, and the image store."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from mlmcsc.adapters.feature_matrix import MISSING, FeatureMatrix
from mlmcsc.domain.results import Finding
from mlmcsc.services.maintenance.places import Places
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation import files as file_queries
from mlmcsc.store.queries.validation import vectors
from mlmcsc.store.uow import Store

ARRIVING_SECONDS = 3600
"""A younger file in the image store may belong to an ingest that is still to commit."""
SAMPLE = 256
"""Vectors of a matrix that are compared with the table."""
THUMBNAIL = re.compile(r"(?:(?P<content>[0-9a-f]{64})|image-(?P<id>\d+))-\d+\.jpg")
MATRIX = re.compile(r"set-(\d+)")


def matrix_findings(db: Store, places: Places) -> list[Finding]:
    """Feature matrices that show something else than the table."""
    wrong = wrong_matrices(db, places)
    if not wrong:
        return []
    message = (
        "The derived feature matrix differs from the stored vectors: it was damaged, or vectors "
        "were changed by hand."
    )
    repair = "remove the matrix; it is built again when it is next needed"
    return [
        Finding("feature_matrix", "feature_sets", tuple(wrong[:100]), len(wrong), message, repair)
    ]


def wrong_matrices(db: Store, places: Places) -> list[int]:
    """The ids of sets whose matrix differs from the table."""
    if places.matrices is None or not places.matrices.is_dir():
        return []
    folders = {
        int(match[1]): places.matrices / match[0]
        for match in map(MATRIX.fullmatch, sorted(os.listdir(places.matrices)))
        if match is not None
    }
    with db.read() as view:
        known = vectors.all_sets(view)
    opened = {
        set_id: FeatureMatrix(folder, known[set_id].feature_dimension)
        for set_id, folder in folders.items()
        if set_id in known
    }
    usable = {set_id for set_id, matrix in opened.items() if matrix.open()}
    with db.read() as view:  # after the matrices: none of them can be newer than this
        now = vectors.all_sets(view)
        return [
            set_id
            for set_id, folder in sorted(folders.items())
            if (folder / "state.json").exists()
            and not (set_id in usable and _matches(view, opened[set_id], now[set_id]))
        ]


def _matches(view: View, matrix: FeatureMatrix, stored: FeatureSet) -> bool:
    if feature_queries.tokens(view, stored)[-1:] != [matrix.token]:
        return True  # behind, or of another copy of the database: no reader takes it as it is
    images = vectors.images_of(view, stored)
    if matrix.images != len(images):
        return False
    chosen = images[np.unique(np.linspace(0, len(images) - 1, SAMPLE).astype(np.int64))]
    places = matrix.rows_of(chosen)
    if (places == MISSING).any():
        return False
    raw = feature_queries.vectors(view, stored, chosen)
    record = [feature_queries.decode(raw[i], stored.dtype) for i in chosen.tolist()]
    return np.array_equal(np.asarray(record, dtype=np.float32), matrix.take(places))


def remove_matrix(places: Places, set_id: int) -> None:
    """Remove a derived matrix; who has it mapped keeps reading the old files to the end."""
    if places.matrices is None:
        return
    folder = places.matrices / f"set-{set_id}"
    places.open_matrices.pop(set_id, None)
    with FeatureMatrix(folder, 1).locked():
        (folder / "state.json").unlink(missing_ok=True)
        for part in folder.iterdir():
            if part.is_dir():
                shutil.rmtree(part)


def thumbnail_findings(db: Store, places: Places) -> list[Finding]:
    """Thumbnails whose image is not in the database (any more)."""
    strangers = stray_thumbnails(db, places)
    if not strangers:
        return []
    message = f"Thumbnails show images that the database does not hold. E.g. {strangers[0]}"
    return [Finding("thumbnail", "images", (), len(strangers), message, "remove the thumbnails")]


def stray_thumbnails(db: Store, places: Places) -> list[Path]:
    """Thumbnail files of unknown images."""
    names = {path: THUMBNAIL.fullmatch(path.name) for path in _files(places.thumbnails)}
    matches = {path: match for path, match in names.items() if match is not None}
    contents = {match["content"] for match in matches.values() if match["content"]}
    ids = {int(match["id"]) for match in matches.values() if match["id"]}
    with db.read() as view:  # after listing: the image of a listed file was stored before it
        unknown = file_queries.unknown_contents(view, contents)
        unknown_ids = file_queries.unknown_images(view, ids)
    return [
        path
        for path, match in matches.items()
        if (match["content"] in unknown if match["content"] else int(match["id"]) in unknown_ids)
    ]


def store_findings(db: Store, places: Places, now: datetime) -> list[Finding]:
    """Files of the managed image store that no image names."""
    if places.managed is None:
        return []
    young = now.timestamp() - ARRIVING_SECONDS
    root = places.managed.absolute()
    paths = [str(path) for path in _files(root) if path.stat().st_mtime < young]
    with db.read() as view:
        strangers = sorted(file_queries.unknown_paths(view, paths))
    if not strangers:
        return []
    message = (
        f"The image store {root} holds files that no image names, e.g. {strangers[0]}. Images are "
        "never deleted: store them with `mlmcsc images ingest`, or remove them by hand."
    )
    return [Finding("stray_file", "images", (), len(strangers), message)]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names))
