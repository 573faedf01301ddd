"""What an erasure deletes beside the database is listed before and after."""

from __future__ import annotations


def test_files_to_be_deleted_are_listed_and_then_told(labelled, tmp_path):
    assert labelled("privacy", "export-user-data", "tech_001", "--output", "copy.json").code == 0
    path = str(tmp_path / "copy.json")
    plan = ("privacy", "delete-user-data", "tech_001", "--dry-run")
    assert f"to be deleted, as it holds the person's data: {path}" in labelled(*plan).out
    assert labelled("--json", *plan).json["files"] == [path]
    done = labelled("privacy", "delete-user-data", "tech_001", "--confirm")
    assert f"deleted, as it holds the person's data: {path}" in done.out
    assert not (tmp_path / "copy.json").exists()
