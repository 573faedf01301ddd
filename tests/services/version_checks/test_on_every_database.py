"""All four checks on SQLite and on a server."""

from __future__ import annotations

import shutil

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def served(url, tmp_path, draw, monkeypatch, laboratory_in):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    with DatabaseManager(url) as db:
        yield laboratory_in(db, draw, tmp_path)


def test_diff_verify_status_and_checkout(served, tmp_path):
    checks = served.db.version_checks
    diff = checks.diff("v1", "v2")
    assert (diff.added, diff.relabelled, len(diff.samples)) == (1, 2, 3)
    assert served.db.version_checks.verify("v2").findings == ()
    served.db.features.add(served.images[0], "cnn", [9.0, 9.0, 9.0, 9.0], "1")
    assert checks.verify("v1").findings == ()
    assert not checks.status().changed
    shutil.move(served.path(served.images[0]), tmp_path / "away.png")
    assert checks.status().missing_files == 1
    served.sql("UPDATE data_versions SET total_images = 1 WHERE version = 'v1'")
    assert [f.kind for f in checks.verify("v1").findings] == ["columns", "image"]
    made = checks.checkout("v1", tmp_path / "out")
    assert (made.rows, made.images, len(made.missing)) == (11, 10, 1)
