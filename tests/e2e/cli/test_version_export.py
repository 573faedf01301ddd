"""`mlmcsc version export|exports`: the options reach the service, and the outcome is told."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def frozen(mlmcsc, draw):
    """A version of eight images by one technician."""
    assert mlmcsc("technician", "register", "staff_7", "--name", "Ada").code == 0
    for n in range(8):
        path = draw(f"{n}.png", seed=n)
        assert mlmcsc("images", "add", path, "--specimen-id", f"S{n}").code == 0
        assert mlmcsc("labels", "add", n + 1, 0.1 * n, "--technician", "staff_7").code == 0
    assert mlmcsc("version", "create", "v1").code == 0
    return mlmcsc


def test_an_export_says_what_it_wrote_and_is_listed(frozen, tmp_path, monkeypatch):
    ran = frozen("version", "export", "v1", "out", "--format", "csv", "--recipient", "Uni X")
    assert ran.code == 0
    assert "8 images of v1 (" in ran.out
    assert f"written to {tmp_path}/out as csv" in ran.out
    listed = frozen("version", "exports", "v1")
    assert "Uni X" in listed.out
    monkeypatch.setenv("COLUMNS", "80")
    narrow = frozen("version", "exports").out
    assert {"recipient", "where"} <= set(narrow.splitlines()[0].split())  # a table, no cards
    assert max(map(len, narrow.splitlines())) <= 80
    (told,) = frozen("version", "exports", "--json").json
    assert (told["format"], told["n_rows"], told["with_people"]) == ("csv", 8, False)
    assert told["sha256"] in ran.out


def test_options_reach_the_service(frozen, tmp_path):
    ran = frozen(
        *("version", "export", "v1", "out", "--format", "jsonl", "--splits", "train,val"),
        *("--people", "--images", "hardlink", "--json"),
    )
    assert ran.code == 0
    assert set(ran.json["splits"]) == {"train", "val"}
    assert ran.json["left_out"]["in splits that were not asked for"] > 0
    row = json.loads((tmp_path / "out/train.jsonl").read_text("utf-8").splitlines()[0])
    assert len(row["annotators"]) == 1
    assert (tmp_path / "out" / row["file"]).stat().st_nlink == 2


def test_a_missing_file_is_told_and_can_be_left_out(frozen, tmp_path):
    (tmp_path / "3.png").unlink()
    words = ("version", "export", "v1", "out", "--format", "webdataset")
    ran = frozen(*words)
    assert ran.code == 2
    assert "image 4:" in ran.err
    assert "--missing" in ran.err
    assert not (tmp_path / "out").exists()
    ran = frozen(*words, "--missing", "skip")
    assert ran.code == 0
    assert "left out: 1 image: file missing or changed" in ran.err
    assert frozen(*words).code == 2  # it is there now
    assert frozen(*words, "--missing", "skip", "--overwrite").code == 0
