"""`quality update-scores` and `quality scores`."""

from __future__ import annotations

import os


def test_images_are_scored_and_listed(mlmcsc, draw):
    draw("photos/a.png", seed=1)
    draw("photos/b.png", seed=2)
    mlmcsc("images", "ingest", "photos")
    ran = mlmcsc("quality", "update-scores", "--threshold", "1", "--plot", "scores.svg")
    assert ran.code == 0
    assert "2 images" in ran.out
    assert "2, flagged" in ran.out
    with open("scores.svg", encoding="utf-8") as drawn:
        assert "2 scored, 2 below 1" in drawn.read()
    assert len(mlmcsc("quality", "scores", "--flagged", "--json").json["items"]) == 2
    assert mlmcsc("quality", "scores", "--plot", "components.svg").code == 0
    with open("components.svg", encoding="utf-8") as drawn:
        assert "clipped at white" in drawn.read()
    assert mlmcsc("quality", "update-scores", "--json").json["selected"] == 0


def test_a_file_that_is_gone_is_a_finding(mlmcsc, draw):
    path = draw("photos/a.png", seed=1)
    mlmcsc("images", "ingest", "photos")
    os.unlink(path)
    ran = mlmcsc("quality", "update-scores")
    assert ran.code == 1
    assert "no such file" in ran.out
    (kept,) = mlmcsc("quality", "scores", "--unreadable", "--json").json["items"]
    assert "no such file" in kept["problem"]
    assert "problem" in mlmcsc("quality", "scores", "--unreadable").out


def test_wrong_options_are_usage_errors(mlmcsc):
    mlmcsc("database", "init")
    assert mlmcsc("quality", "update-scores", "--threshold", "2").code == 2
    assert mlmcsc("quality", "update-scores", "--all", "--since", "2026-01-01").code == 2
    assert mlmcsc("quality", "update-scores", "--plot", "scores.pdf").code == 2
