"""Hostile backups and tars: never a byte outside the folder, little memory, clear refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("hostile_sets.py")
MOST_MB = 400
"""A restore of the good set needs some 130; the bombs unpack to 1,024."""
ALL = 560
SOME = 28
"""Every kind, signed by another key that is trusted, and by nobody."""


@pytest.fixture
def tried(tmp_path):
    """A function that restores or imports hostile files and tells what became of each."""

    def run(count, seed):
        command = [sys.executable, str(PROGRAM), str(tmp_path), str(count), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def check(told, count):
    """Each ended in a refusal that says why, or harmlessly; nothing else was touched."""
    assert len(told["cases"]) == count
    assert [case for case in told["cases"] if not case["untouched"]] == []
    assert [case for case in told["cases"] if case["ended"] == "broke"] == []
    assert [
        case for case in told["cases"] if case["ended"] == "refused" and len(case["why"]) < 40
    ] == []
    sets = [case for case in told["cases"] if case["spoiler"] != "tar"]
    for case in sets:
        assert case["left"] == (["restored.db"] if case["ended"] == "done" else []), case
    believed = [case for case in sets if case["signer"] != "trusted" and case["ended"] == "done"]
    assert believed == []
    for case in told["cases"]:
        if case["spoiler"] == "tar":
            assert set(case["left"]) <= {"lab.db", "lab.db.images", "lab.db.cache", "rejects.csv"}
    assert told["memory_mb"] < MOST_MB
    return dict(Counter(f"{case['spoiler']}, {case['ended']}" for case in told["cases"]))


def test_hostile_sets_and_tars_are_refused_and_nothing_outside_is_touched(tried):
    check(tried(SOME, seed=1), SOME)


@pytest.mark.slow
def test_over_five_hundred_hostile_sets_and_tars(tried, kept):
    told = tried(ALL, seed=2)
    counted = check(told, ALL)
    kept("hostile_sets", "seed 2", counted | {k: told[k] for k in ("memory_mb", "seconds")})
