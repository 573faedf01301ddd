"""`mlmcsc privacy report` and `record` on the command line."""

from __future__ import annotations

import json


def test_an_orderly_database_is_exit_0(mlmcsc):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    ran = mlmcsc("privacy", "report")
    assert ran.code == 0, ran.out
    assert "Nothing needs action." in ran.out
    assert "John" not in ran.out


def test_what_needs_action_is_exit_1_with_what_to_do(mlmcsc, tmp_path):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    mlmcsc("privacy", "requests", "add", "tech_001", "--kind", "access", "--received", "2026-01-05")
    ran = mlmcsc("--json", "privacy", "report", "--output", "report.json")
    assert ran.code == 1
    assert ran.json["requests"]["overdue_ids"] == [1]
    assert json.loads((tmp_path / "report.json").read_text()) == ran.json
    assert "requests close" in mlmcsc("privacy", "report").out


def test_a_missing_ledger_is_a_finding_and_stops_a_replay(mlmcsc, own_keys):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    mlmcsc("privacy", "delete-user-data", "tech_001", "--confirm")
    (ledger,) = own_keys.glob("*.jsonl")
    ledger.rename(ledger.with_name("elsewhere"))
    ran = mlmcsc("privacy", "report")
    assert ran.code == 1
    assert "erasure ledger" in ran.out
    ran = mlmcsc("privacy", "replay")
    assert (ran.code, ran.out) == (3, "")
    assert str(ledger) in ran.err


def test_the_record_names_controller_and_officer(mlmcsc, tmp_path):
    words = ("privacy", "record", "--controller", "Lab GmbH", "--officer", "dpo@lab.example")
    page = mlmcsc(*words)
    assert page.code == 0
    assert page.out.startswith("# Record of processing activities")
    assert "Lab GmbH" in page.out
    assert mlmcsc("--json", *words).json["officer"] == "dpo@lab.example"
    mlmcsc(*words, "--output", "record.md")
    assert (tmp_path / "record.md").read_text("utf-8") == page.out
    mlmcsc(*words, "--output", "record.json")
    assert json.loads((tmp_path / "record.json").read_text("utf-8"))["controller"] == "Lab GmbH"


def test_a_record_in_another_format_is_refused(mlmcsc):
    ran = mlmcsc("privacy", "record", "--output", "record.docx")
    assert ran.code == 2
    assert ".md or .json" in ran.err
