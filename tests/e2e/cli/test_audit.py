"""The audit trail on a terminal."""

from __future__ import annotations

import json
import zipfile

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def corrected(labelled):
    """The labelled laboratory, with a correction of label 7."""
    labelled("labels", "correct", 7, "--label", 0.9, "--reason", "lips were cleavage")
    return labelled


def test_the_newest_event_is_listed_first_with_its_reason(corrected):
    ran = corrected("audit", "list", "--limit", 2)
    assert ran.code == 0
    first = next(line for line in ran.out.splitlines() if "UPDATE" in line)
    assert "labels" in first
    assert "0.5 → 0.9" in first
    assert "lips were" in ran.out
    assert "there is more: add --before" in ran.err


def test_a_listing_as_json_holds_everything(corrected):
    page = corrected("--json", "audit", "list", "--limit", 1).json
    (event,) = page["items"]
    assert page["next_cursor"] == event["id"]
    assert event["old_values"] == {"label": 0.5}
    assert len(event["leaf"]) == len(event["who_commit"]) == len(event["payload_commit"]) == 64


def test_a_listing_fits_a_narrow_terminal(corrected, monkeypatch):
    for width in (100, 80, 60):
        monkeypatch.setenv("COLUMNS", str(width))
        out = corrected("audit", "list").out
        assert max(map(len, out.splitlines())) <= width
        assert "lips" in out


def test_filters_are_taken_from_the_command_line(corrected):
    ran = corrected(
        "--json", "audit", "list", "--table", "label", "--operation", "update", "--record", 7,
        "--since", "2020-01-01", "--actor", "nobody",
    )  # fmt: skip
    assert ran.json == {"items": [], "next_cursor": None}
    assert corrected("audit", "list", "--record", 7).code == 2


def test_an_images_history_reads_from_arrival_to_correction(corrected, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    ran = corrected("audit", "show", "image", 7)
    told = ran.out
    order = [
        told.index(part)
        for part in (
            "image 7",
            "image 7 ingested, one of 12",
            "label 7 stored, one of 12",
            "prediction 7 stored",
            "label 7 corrected",
            "label: 0.5 → 0.9",
            "reason: lips were cleavage",
        )
    ]
    assert order == sorted(order)
    assert max(map(len, told.splitlines()[1:])) <= 100  # the first line is the path


def test_an_event_is_shown_with_its_commitments(corrected):
    newest = corrected("--json", "audit", "list", "--limit", 1).json["items"][0]
    out = corrected("audit", "show", "event", newest["id"]).out
    assert newest["leaf"] in out
    assert "label: 0.5 → 0.9" in out
    assert corrected("audit", "show", newest["id"]).out == out  # a number alone is an event's
    assert corrected("audit", "show", "event", "abc").code == 2
    ran = corrected("audit", "show", "image")
    assert (ran.code, "audit show image 7" in ran.err) == (2, True)


def test_what_does_not_exist_is_a_finding(corrected):
    for what in (["image", 999], ["technician", "nobody"], ["event", 999]):
        ran = corrected("audit", "show", *what)
        assert (ran.code, ran.out) == (1, "")


def test_a_text_is_found_whatever_its_case(corrected):
    ran = corrected("--json", "audit", "search", "LIPS WERE")
    assert [item["operation"] for item in ran.json["items"]] == ["UPDATE"]
    assert corrected("audit", "search", "no such words").err == "nothing to show\n"


def test_an_export_is_written_and_remembered(corrected, tmp_path):
    ran = corrected("audit", "export", tmp_path / "trail.jsonl", "--table", "labels")
    assert ran.code == 0
    lines = (tmp_path / "trail.jsonl").read_text().splitlines()
    assert [json.loads(line)["operation"] for line in lines] == ["CREATE", "UPDATE"]
    assert "2 events written" in ran.out
    exported = corrected("--json", "audit", "list", "--operation", "EXPORT").json["items"]
    assert [each["n_rows"] for each in exported] == [2]
    again = corrected("audit", "export", tmp_path / "trail.jsonl")
    assert again.code == 2
    assert "--overwrite" in again.err


def test_looking_changes_nothing(corrected, sqlite_url):
    def events():
        with DatabaseManager(sqlite_url) as db:
            return db.audit.list(limit=1).items[0].id

    before = events()
    for words in (["list"], ["show", "image", 7], ["search", "label"]):
        assert corrected("audit", *words).code == 0
    assert events() == before


def test_evidence_of_one_record_is_an_export_too(corrected, tmp_path):
    bundle = tmp_path / "spec.zip"
    ran = corrected("audit", "export", bundle, "--evidence", "--specimen", "SPEC_003")
    assert (ran.code, bundle.is_file()) == (0, True)
    assert zipfile.is_zipfile(bundle)


@pytest.mark.parametrize(
    "words",
    [
        ["--evidence"],
        ["--specimen", "SPEC_003"],
        ["--evidence", "--specimen", "SPEC_003", "--model", "v1"],
        ["--evidence", "--specimen", "SPEC_003", "--table", "labels"],
    ],
)
def test_evidence_is_of_one_whole_record(corrected, tmp_path, words):
    ran = corrected("audit", "export", tmp_path / "spec.zip", *words)
    assert (ran.code, (tmp_path / "spec.zip").exists()) == (2, False)
