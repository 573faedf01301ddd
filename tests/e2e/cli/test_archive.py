"""`archive`: create, list, find, restore."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def aged(labelled, sqlite_url):
    """The labelled database, whose labels are some years old."""
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("UPDATE labels SET timestamp = '2020-01-01 00:00:00'")
    return labelled


def create(aged, *more):
    return aged("archive", "create", "labels", "--older-than", "365d", *more)


def test_a_dry_run_tells_and_changes_nothing(aged, tmp_path):
    ran = create(aged, "--dry-run")
    assert ran.code == 0
    assert re.search(r"^rows +12$", ran.out, re.MULTILINE)
    assert not (tmp_path / "mlmcsc.db.archive").exists()
    assert create(aged, "--dry-run", "--json").json["n_rows"] == 12


def test_without_a_terminal_it_wants_to_be_confirmed(aged):
    ran = create(aged)
    assert (ran.code, "--confirm" in ran.err) == (2, True)
    assert len(aged("labels", "list", "--all", "--json").json["items"]) == 12


def test_rows_go_are_found_and_come_back(aged, tmp_path):
    before = aged("labels", "list", "--all", "--json").json["items"]
    ran = create(aged, "--confirm", "--reason", "yearly")
    assert ran.code == 0
    assert re.search(r"12 rows moved", ran.out)
    assert re.search(r"database: [\d.]+ \w?B before, [\d.]+ \w?B now", ran.out)
    assert aged("labels", "list", "--all", "--json").json["items"] == []

    listed = aged("archive", "list", "--verify")
    assert (listed.code, "archived" in listed.out) == (0, True)
    name = re.search(r"labels-\S+", listed.out)[0]
    assert (tmp_path / "mlmcsc.db.archive" / name / "manifest.json").is_file()

    found = aged("archive", "find", "labels", 3, "--json").json["items"]
    assert [(row["archive"], row["values"]["id"]) for row in found] == [(name, 3)]
    assert name in aged("archive", "find", "labels", "--image", 5).out

    assert "would come back" in aged("archive", "restore", name, "--dry-run").out
    assert "12 rows of labels came back" in aged("archive", "restore", name, "--confirm").out
    assert aged("labels", "list", "--all", "--json").json["items"] == before
    assert aged("archive", "list", "--json").json["items"][0]["state"] == "restored"


def test_nothing_old_enough_is_no_failure(aged):
    ran = aged("archive", "create", "predictions", "--older-than", "1d")
    assert (ran.code, "nothing was archived" in ran.out) == (0, True)


def test_what_no_archive_holds_is_a_finding(aged):
    assert aged("archive", "find", "labels", 3).code == 1
    assert aged("archive", "restore", "labels-x", "--confirm").code == 1
    ran = aged("archive", "list")
    assert (ran.code, "no archives" in ran.err) == (0, True)


def test_a_damaged_archive_is_a_finding_to_list_and_a_failure_to_use(aged, tmp_path):
    create(aged, "--confirm")
    (file,) = (tmp_path / "mlmcsc.db.archive").rglob("labels.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    assert aged("archive", "list").code == 0  # nothing was read
    ran = aged("archive", "list", "--verify")
    assert (ran.code, "damaged" in ran.out, str(file) in ran.err) == (1, True, True)
    for words in (("find", "labels", 3), ("restore", file.parent.name, "--confirm")):
        ran = aged("archive", *words)
        assert (ran.code, str(file) in ran.err, "from a copy" in ran.err) == (3, True, True)
    Path(file.parent).rename(tmp_path / "away")
    assert aged("archive", "list").code == 1


@pytest.mark.parametrize("words", [("find", "labels"), ("find", "labels", 1, "--image", 2)])
def test_a_search_names_one_thing(aged, words):
    assert aged("archive", *words).code == 2
