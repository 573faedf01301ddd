"""Images in: the whole ingest against one session and two commits for each image."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.original.calls import Original
from benchmarks.pictures import draw
from benchmarks.worlds import Worlds, open_db
from mlmcsc.adapters.thumbnails import write_thumbnail  # noqa: F401  # loaded before the clock runs

ROUNDS = 5
THUMBNAILS = 300
SPECIMEN = r"(?P<specimen>S\d+)_"


WORKING_DAY, SMALL = 5_000, 2_000
"""Pictures in the folder of a working day, the usual ingest; and fewer, where starting the workers
(0.1 s) weighs more. Both are judged."""


def run(worlds: Worlds) -> list[Row]:
    """Ingest with hash, metadata, fingerprint, near-duplicates and audit; then thumbnails."""
    paths = draw(worlds.folder / "jpegs", worlds.size(WORKING_DAY))
    few = draw(worlds.folder / "fewer", worlds.size(SMALL))
    return [
        _ingest(worlds, paths),
        _ingest(worlds, few),
        _thumbnails(worlds, few[: worlds.size(THUMBNAILS)]),
    ]


def _ingest(worlds: Worlds, paths: list[Path]) -> Row:
    figures = take_turns(
        ROUNDS,
        original=lambda: _original(worlds, paths),
        mlmcsc=lambda: _mlmcsc(worlds, paths),
    )
    size = f"{len(paths)} JPEG files of 256 x 256"
    return compare(
        "ingest",
        f"ingest {size} with hash, metadata, fingerprint, near-duplicates, audit",
        "images/s",
        figures["mlmcsc"],
        figures["original"],
        against="original: session, commit and audit commit per image, no hash",
        at_least=10,
    )


def _original(worlds: Worlds, paths: list[Path]) -> float:
    place = worlds.folder / "original-ingest.db"
    database = Original(place, create=True)
    figure = rate(len(paths), lambda: [database.store_image(str(path)) for path in paths])
    database.close()
    worlds.remove(place)
    return figure


def _mlmcsc(worlds: Worlds, paths: list[Path]) -> float:
    place = worlds.folder / "ingest.db"
    with open_db(place) as db:
        figure = rate(len(paths), lambda: db.ingest(paths[0].parent, specimen_from=SPECIMEN))
        stored = db.get_system_health().tables["images"]
    if stored != len(paths):
        raise AssertionError(f"{stored} of {len(paths)} images stored: the figure means nothing")
    worlds.remove(place)
    return figure


def _thumbnails(worlds: Worlds, paths: list[Path]) -> Row:
    place = worlds.folder / "thumbnails.db"
    with open_db(place) as db:
        ids = db.ingest(paths).image_ids
        figures = [
            rate(len(ids), lambda side=side: [db.images.thumbnail(i, size=side) for i in ids])  # type: ignore[misc]  # lambda default
            for side in (96, 128, 160)
        ]
    worlds.remove(place)
    return Row("ingest", "make and cache a thumbnail", statistics.median(figures), "images/s")
