"""`mlmcsc version create`, `list`, `show`, `tag` and `delete`, as a person types them."""

from __future__ import annotations

import sqlite3

import pytest


@pytest.fixture
def v1(labelled):
    assert labelled("version", "create", "v1.0", "--description", "Initial dataset").code == 0
    return labelled


def test_the_documented_command_makes_a_version(labelled):
    ran = labelled("version", "create", "v1.0", "--description", "Initial dataset")
    assert ran.code == 0
    assert "v1.0 is version 1" in ran.out
    assert "12 images, 12 labels, label policy latest, seed 0" in ran.out
    listed = labelled("version", "list")
    (line,) = (line for line in listed.out.splitlines() if "v1.0" in line)
    assert line.split()[:5] == ["1", "v1.0", "-", "12", "12"]
    made = ran.out.splitlines()
    images = [row.split()[1] for row in made if row.split()[:1] in (["train"], ["val"], ["test"])]
    assert "/".join(images) in line
    assert " kB " in line
    assert made[-1].removeprefix("root ")[:12] in line
    assert "Initial dataset" in line
    shown = labelled("version", "show", "v1.0", "--json").json["record"]
    assert (shown["name"], shown["description"]) == ("v1.0", "Initial dataset")


def test_the_same_command_again_changes_nothing(v1):
    again = v1("version", "create", "v1.0", "--description", "Initial dataset")
    assert (again.code, again.out.splitlines()[-1]) == (
        0,
        "v1.0 is there already, the same: version 1",
    )
    other = v1("version", "create", "v1.0", "--seed", 3)
    assert other.code == 2
    assert "never changes" in other.err


def test_options_narrow_and_the_answer_is_json(labelled):
    words = ("version", "create", "narrow", "--specimen", "SPEC_001", "--specimen", "SPEC_002")
    made = labelled(*words, "--features", "none", "--tag", "production", "--json").json
    assert made["report"]["used"] == 4
    assert made["record"]["manifest"]["filters"] == {"specimen_ids": ["SPEC_001", "SPEC_002"]}
    assert labelled("version", "show", "production", "--json").json["tags"] == ["production"]


def test_an_empty_version_says_why(labelled):
    ran = labelled("version", "create", "v", "--since", "2100-01-01")
    assert ran.code == 2
    assert "of 12 labelled images none is left (12 taken earlier)" in ran.err


def test_a_dry_run_makes_none(labelled):
    ran = labelled("version", "create", "v1.0", "--dry-run")
    assert "dry run: v1.0 was not made" in ran.out
    assert labelled("version", "list", "--json").json["items"] == []


def test_show_draws_the_labels_of_each_split(v1):
    shown = v1("version", "show", "v1.0").out
    for split in ("train", "val", "test"):
        assert f"\n{split}: " in shown
    assert "#" * 30 in shown
    bars = [line.split() for line in shown.splitlines() if " to " in line and line[:2] == "  "]
    assert bars
    assert all(int(bar[3]) > 0 for bar in bars)  # empty ones would hide those that tell something
    assert "label policy" in shown


def test_a_tag_is_pointed_moved_and_taken_away(v1):
    v1("version", "create", "v1.1", "--label-policy", "mean")
    assert v1("version", "tag", "v1.0", "production").out == "production points to v1.0\n"
    assert v1("version", "tag", "v1.1", "production", "--json").json["version"] == "v1.1"
    assert v1("version", "show", "production", "--json").json["record"]["version"] == "v1.1"
    assert v1("version", "untag", "production").out == "production is no tag any more\n"
    assert v1("version", "untag", "production").code == 1


def test_a_version_is_deleted_when_it_is_confirmed(v1):
    planned = v1("version", "delete", "v1.0", "--dry-run")
    assert "would be deleted" in planned.out
    unasked = v1("version", "delete", "v1.0")
    assert unasked.code == 2
    assert "--confirm" in unasked.err
    done = v1("version", "delete", "v1.0", "--confirm", "--json").json
    assert (done["deleted"], done["images_released"]) == (True, 12)
    assert v1("version", "show", "v1.0").code == 1


def test_a_damaged_row_is_listed_as_such_and_shown_with_what_to_do(v1, sqlite_url):
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as raw:
        raw.execute("UPDATE data_versions SET layers = 'notjson'")
    listed = v1("version", "list")
    assert listed.code == 0
    assert " damaged " in next(line for line in listed.out.splitlines() if "v1.0" in line)
    shown = v1("version", "show", "v1.0")
    assert shown.code == 0
    assert "Restore a backup" in " ".join(shown.out.split())


def test_options_stand_in_the_order_in_which_they_are_thought_of(labelled):
    told = labelled("version", "create", "--help").out
    options = ("--train", "--val", "--test", "--specimen", "--since", "--until")
    places = [told.index(f"  {option} ") for option in options]
    assert places == sorted(places)


def test_a_version_in_use_needs_force(v1):
    v1("version", "tag", "v1.0", "production")
    refused = v1("version", "delete", "v1.0", "--confirm")
    assert refused.code == 2
    assert "add --force" in refused.err
    assert v1("version", "delete", "v1.0", "--confirm", "--force").code == 0
