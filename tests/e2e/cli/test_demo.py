"""`demo`."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_tells_its_story_and_writes_a_report(cli):
    words = ("demo", "--output", "charpy", "--seed", 8, "--specimens", 8)
    ran = cli(*words, "--images-per-specimen", 2)
    assert ran.code == 0, ran.err
    assert "report: charpy/report.html" in ran.out
    assert Path("charpy/report.html").stat().st_size > 10_000
    again = cli(*words, "--images-per-specimen", 2, "--json")
    assert again.json["images"] == 16
    assert "13/13" in again.err
    assert cli("demo", "--output", "charpy").code == 2  # holds another campaign


def test_too_small_a_campaign_is_refused_before_anything_is_drawn(cli):
    ran = cli("demo", "--output", "charpy", "--specimens", 3)
    assert (ran.code, "at least 8" in ran.err) == (2, True)
    assert not Path("charpy").exists()
