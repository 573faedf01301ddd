"""Killed at any moment, creating a version leaves all of it or nothing that is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.versions import root_of
from mlmcsc.domain.versions.layers import read_layers

PROGRAM = Path(__file__).with_name("killed_versions.py")
KILLS = 12


@pytest.fixture
def source(tmp_path, sqlite_template):
    """A database of forty labels with a version, and a label that is new since."""
    place = tmp_path / "source"
    place.mkdir()
    shutil.copy(sqlite_template, place / "lab.db")
    with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
        insert = "INSERT INTO images (path, filename, timestamp) VALUES (?, 'a', '2026-01-01')"
        with db._database.store._writer.begin() as conn:
            conn.exec_driver_sql(insert, [(f"/{k}",) for k in range(41)])
        who = db.register_technician("t1", "Jo")
        labels = [k / 40 for k in range(40)]
        db.store_labels(image_id=range(1, 41), label=labels, technician_id=who)
        db.store_features(range(1, 41), "cnn", [[1.0, 2.0]] * 40, "1")
        db.versions.create("v1")
        db.store_label(41, who, 0.5)
    return place


@pytest.mark.slow
def test_a_version_is_there_whole_or_not_at_all_and_the_next_run_goes_on(source, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    words = [sys.executable, PROGRAM, source, folder, str(KILLS)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert (ran.stdout, ran.stderr) == (f"{KILLS}\n", "")
    seen = set()
    for place in sorted(folder.glob("killed-*")):
        with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
            seen.add(whole(db))
            db.versions.create("v2", tags=["production"])
            assert whole(db) == ("v1", "v2")
            versions = db._database.versions
            named = {x["sha256"] for v in db.get_data_versions() for x in v.layers}
            assert versions.present() == named
            every = db.get_data_versions()
            assert versions.manifests() == {f"{v.id}-{v.root[:16]}.json" for v in every}
            assert not list((versions.root / "drafts").iterdir())
    assert ("v1",) in seen


def whole(db):
    """The versions there are, each of which can be read and proven."""
    folder = db._database.versions
    for version in db.get_data_versions():
        root, n_rows, _ = root_of(folder.rows(read_layers(version.layers)))
        assert (root, n_rows) == (version.root, version.total_images)
        assert folder.manifest_path(version.id, version.root).is_file()
        assert (db.versions.tags() == {"production": "v2"}) == (len(db.get_data_versions()) == 2)
    return tuple(version.version for version in db.get_data_versions())
