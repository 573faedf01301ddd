"""`mlmcsc version auto`, as cron runs it and as one watches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from mlmcsc import DatabaseManager

ENOUGH = {"MLMCSC_VERSIONING__AUTO_NEW_LABELS": "12", "MLMCSC_VERSIONING__NAME_PATTERN": "auto-{n}"}


@pytest.fixture
def at_twelve(labelled, monkeypatch):
    """Commands on twelve labels, of which twelve make a version."""
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    return labelled


def start(url, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "mlmcsc", "--database", url, "version", "auto", *words],
        env=os.environ | ENOUGH,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_makes_what_is_due_then_says_what_is_missing(at_twelve):
    made = at_twelve("version", "auto")
    assert (made.code, made.out) == (0, "made version auto-1 of 12 images: 12 label changes\n")
    again = at_twelve("version", "auto")
    assert again.code == 0
    assert again.out == ("no version is due: 0 label changes since auto-1\n")


def test_a_dry_run_says_what_would_be_made(at_twelve):
    told = at_twelve("version", "auto", "--dry-run")
    assert (told.code, told.out) == (0, "due: version auto-1: 12 label changes\n")
    assert at_twelve("--json", "version", "auto", "--dry-run").json["due"]["due"] is True


def test_with_the_settings_as_they_come_a_thousand_labels_are_awaited(labelled):
    told = labelled("--json", "version", "auto").json
    assert told["made"] is None
    assert told["due"]["labels_missing"] == 988


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", "0"])
def test_a_watch_looks_again_within_a_year(at_twelve, seconds):
    told = at_twelve("version", "auto", "--watch", seconds)
    assert (told.code, "--watch" in told.err) == (2, True)


def test_two_programs_at_once_make_one_version(at_twelve, sqlite_url):
    programs = [start(sqlite_url) for _ in range(2)]
    outs = [program.communicate(timeout=60)[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert sum(out.startswith("made version auto-1 of 12 images") for out in outs) == 1
    with DatabaseManager(sqlite_url) as db:
        assert [each.version for each in db.get_data_versions().items] == ["auto-1"]


def test_a_watch_tells_each_version_until_it_is_stopped(at_twelve, sqlite_url):
    with start(sqlite_url, "--watch", "1") as watch:
        assert watch.stdout.readline().startswith("made version auto-1")
        with DatabaseManager(sqlite_url) as db:
            values = {"image_id": range(1, 13), "label": [0.5] * 12}
            db.store_labels(values, technician_id=1)
        lines = iter(watch.stdout.readline, "")
        assert any(line.startswith("made version auto-2") for line in lines)
        watch.send_signal(signal.SIGINT)
        try:
            assert watch.wait(timeout=30) == 0
        finally:
            watch.kill()  # else a watch that goes on would be waited for without end
        assert "stopped watching" in watch.stderr.read()
