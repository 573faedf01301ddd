"""The labelling queue and suspicious labels at the command line."""

from __future__ import annotations

import json

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.cli import main


@pytest.fixture
def run(sqlite_url, capsys, tmp_path, draw, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(sqlite_url) as db:
        who = [db.register_technician(f"tech_{n}", "Jo") for n in range(2)]
        images = [db.store_image(draw(f"{n}.png", seed=n)) for n in range(21)]
        db.labels.add_many(image_id=images[:20], technician_id=who[0], label=0.5)
        db.labels.add_many(image_id=images[:20], technician_id=who[1], label=[0.9, *[0.5] * 19])

    def call(*words, code=0):
        assert main([*words, "--database", sqlite_url]) == code
        return capsys.readouterr().out

    return call


def test_images_are_handed_out_shown_and_given_back(run):
    me = ("labels", "queue", "--technician", "tech_0")
    (image,) = json.loads(run(*me, "--limit", "1", "--json"))["images"]
    assert "purpose" not in image
    assert image["image_id"] == 21
    assert "21.png" not in run(*me, "--dry-run")
    assert "tech_0" in run("labels", "queue", "--status")
    assert "1 image given back" in run(*me, "--release")
    assert "nothing is out" in run("labels", "queue", "--status")
    run(*me, "--release", "--status", code=2)


def test_suspicious_labels_are_told_with_reason_command_and_plot(run, tmp_path):
    told = run("quality", "suspicious", "--limit", "2", "--plot", "s.svg")
    assert "+0.4 from the one colleague's label" in told
    assert "mlmcsc labels correct" in told
    assert "<svg" in (tmp_path / "s.svg").read_text("utf-8")
    listed, every = (
        json.loads(run("quality", "suspicious", *more, "--json")) for more in ((), ("--all",))
    )
    assert listed["labels"] == every["labels"] == 40
    assert [each["score"] >= 3 for each in listed["items"]] == [True, True]
    assert len(every["items"]) == 40
    assert "similar images" in (tmp_path / "s.svg").read_text("utf-8")


def test_where_no_label_stands_out_that_is_said(run, sqlite_url):
    with DatabaseManager(sqlite_url) as db:
        db.labels.correct(21, label=0.5, reason="typo")
    assert "none of these stands out" in run("quality", "suspicious", "--plot", "none.svg")
    assert "none of these" not in run("quality", "suspicious", "--all")
