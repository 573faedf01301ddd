"""Hostile image files: ingest goes on, with little memory, and says what is wrong with each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hostile_image_files.py")
MOST_MB = 512
"""An ingest of good pictures of 8 megapixels needs some 200."""
ALL = 1_200
SOME = 64


@pytest.fixture
def ingested(tmp_path):
    """A function that ingests the hostile files of a seed and returns what became of them."""

    def run(count, seed, workers):
        command = [sys.executable, str(PROGRAM), str(tmp_path), *map(str, (count, seed, workers))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def check(told, count):
    """Every file was stored and can be read whole, or was rejected by name with a reason."""
    assert sum(told["made"].values()) == count
    rejected = len(told["rejected"])
    assert told["stored"] + told["duplicates"] + rejected == count + told["traps"]
    assert told["unread"] == []
    for where, reason in told["rejected"]:
        assert where in reason
        assert len(reason) > len(where) + 20
    assert told["memory_mb"] < MOST_MB
    assert rejected > count / 3  # the files are hostile indeed
    assert told["stored"] > count / 8  # and some only look it


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_hostile_images_are_rejected_with_a_reason_or_read_whole(ingested, workers):
    check(ingested(SOME, seed=1, workers=workers), SOME)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", [2, 3])
def test_over_a_thousand_hostile_images_of_every_kind(ingested, seed, workers, kept):
    told = ingested(ALL, seed, workers)
    check(told, ALL)
    assert min(told["made"].values()) > 50
    counted = {name: value for name, value in told.items() if name not in {"rejected", "unread"}}
    counted["rejected"] = len(told["rejected"])
    kept("hostile_images", f"seed {seed}, {workers} process(es)", counted)
