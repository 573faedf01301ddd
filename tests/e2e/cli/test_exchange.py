"""`import` and `export`."""

from __future__ import annotations

import csv
from pathlib import Path


def test_labels_are_imported_with_mapped_and_scaled_columns(labelled, tmp_path):
    Path("sfa.csv").write_text(
        f"file,SFA %,note\n{tmp_path}/SPEC_000_00.png,85,good\n{tmp_path}/SPEC_000_01.png,40,\n"
    )
    ran = labelled(
        *("import", "labels", "sfa.csv", "--map", "file=image_path", "--map", "SFA %=label*0.01"),
        *(
            "--map",
            "note=notes",
            "--set",
            "technician=tech_001",
            "--set",
            "time_spent=24",
            "--json",
        ),
    )
    assert (ran.code, ran.json["stored"]) == (0, 2)
    stored = labelled("labels", "list", "--after-id", 12, "--json").json["items"]
    assert [(s["image_id"], s["label"], s["notes"]) for s in stored] == [
        (1, 0.85, "good"),
        (2, 0.4, None),
    ]
    assert {s["time_spent"] for s in stored} == {24}


def test_refused_rows_are_written_with_the_reason_and_exit_1(labelled):
    Path("labels.csv").write_text("image_id,label\n1,0.5\n2,7\n99,0.5\n")
    words = ("import", "labels", "labels.csv", "--set", "technician=tech_001")
    ran = labelled(*words, "--rejected", "wrong.csv")
    assert ran.code == 1
    assert "wrong.csv" in ran.out
    with Path("wrong.csv").open(newline="") as file:
        refused = list(csv.DictReader(file))
    assert [line["image_id"] for line in refused] == ["2", "99"]
    assert all(line["_reason"] for line in refused)
    assert len(labelled("labels", "list", "--json").json["items"]) == 13


def test_all_or_nothing_stores_nothing(labelled):
    Path("labels.csv").write_text("image_id,label\n1,0.5\n2,7\n")
    words = ("import", "labels", "labels.csv", "--set", "technician=tech_001")
    assert labelled(*words, "--on-error", "raise").code == 2
    assert len(labelled("labels", "list", "--json").json["items"]) == 12


def test_a_dry_run_stores_nothing(labelled):
    Path("labels.csv").write_text("image_id,label\n1,0.5\n")
    words = ("import", "labels", "labels.csv", "--set", "technician=tech_001", "--dry-run")
    assert "would be stored" in labelled(*words).out
    assert len(labelled("labels", "list", "--json").json["items"]) == 12


def test_mistakes_in_the_words_are_told(labelled):
    Path("labels.csv").write_text("image_id,label\n1,0.5\n")
    assert labelled("import", "labels", "labels.csv", "--map", "nonsense").code == 2
    assert labelled("import", "labels", "labels.csv", "--set", "nonsense").code == 2
    assert labelled("import", "labels", "labels.csv", "--set", "time_spent=soon").code == 2
    assert labelled("import", "lables", "labels.csv").code == 2
    assert labelled("import", "labels", "absent.csv").code in {2, 3}


def test_an_export_can_be_imported_into_another_database(labelled, cli):
    for table in ("specimens", "images", "technicians", "labels"):
        ran = labelled("export", table, f"{table}.csv", "--natural-keys", "--json")
        assert ran.code == 0, ran.err
        again = cli("--database", "sqlite:///copy.db", "import", table, f"{table}.csv", "--json")
        assert (again.code, again.json["rejected_count"]) == (0, 0), again.json
        assert again.json["read"] == ran.json["rows"]
    assert (
        len(cli("--database", "sqlite:///copy.db", "labels", "list", "--json").json["items"]) == 12
    )


def test_an_existing_file_is_replaced_only_on_request(labelled):
    assert labelled("export", "labels", "labels.csv", "--columns", "id,label").code == 0
    assert labelled("export", "labels", "labels.csv").code == 2
    assert labelled("export", "labels", "labels.csv", "--overwrite", "--after-id", 10).code == 0
    with Path("labels.csv").open(newline="") as file:
        assert [line["id"] for line in csv.DictReader(file)] == ["11", "12"]
