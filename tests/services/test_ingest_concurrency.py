"""Several writers of images and specimens at once: they wait for each other, never for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.services.images import ingest as ingest_module

PATTERN = r"(?P<specimen>SPEC\d+)_(?P<temperature_c>-?\d+)C"
SPECIMENS = 24


@pytest.fixture
def together(url, tmp_path, monkeypatch):
    """Run functions at the same time, each with a connection of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*works):
        start = Barrier(len(works))

        def one(work):
            with DatabaseManager(url) as db:
                start.wait(30)
                return work(db)

        with ThreadPoolExecutor(len(works)) as pool:
            return [future.result(120) for future in [pool.submit(one, w) for w in works]]

    return run


@pytest.fixture
def pictures(draw):
    """By name of a camera, one picture of each specimen."""

    def make(camera, seed):
        return [
            draw(f"{camera}/SPEC{i:02}_-{i}C.png", seed=seed + i, size=(16, 12))
            for i in range(SPECIMENS)
        ]

    return make


@pytest.mark.parametrize("other_pattern", [PATTERN, r"(SPEC\d+)"])
def test_two_ingests_over_the_same_specimens_both_succeed(
    together, pictures, url, monkeypatch, other_pattern
):
    monkeypatch.setattr(ingest_module, "BATCH", 6)
    monkeypatch.setattr("mlmcsc.adapters.image_workers.CHUNK", 6)
    forwards, backwards = pictures("left", 0), pictures("right", 1000)[::-1]
    first, second = together(
        lambda db: db.ingest(forwards, workers=1, specimen_from=PATTERN),
        lambda db: db.ingest(backwards, workers=1, specimen_from=other_pattern),
    )
    assert (first.stored, second.stored) == (SPECIMENS, SPECIMENS)
    assert (first.errors, second.errors) == ((), ())
    with DatabaseManager(url) as db:
        found = db.specimens.list(limit=1000).items
        assert {s.specimen_id: s.temperature_c for s in found} == {
            f"SPEC{i:02}": float(-i) for i in range(SPECIMENS)
        }


def test_single_images_corrections_and_an_ingest_share_specimens(together, pictures, monkeypatch):
    monkeypatch.setattr(ingest_module, "BATCH", 4)
    monkeypatch.setattr("mlmcsc.adapters.image_workers.CHUNK", 4)
    forwards, backwards = pictures("left", 0), pictures("right", 1000)[::-1]

    def one_by_one(db):
        for path in backwards:
            key = db.store_image(path, specimen_id=path.name[:6])
            db.update_image(key, specimen_id=f"{path.name[:5]}X")
        return len(backwards)

    report, stored = together(
        lambda db: db.ingest(forwards, workers=1, specimen_from=PATTERN), one_by_one
    )
    assert (report.stored, report.errors, stored) == (SPECIMENS, (), SPECIMENS)
