"""`database init`, `status`, `validate`."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest


def test_init_creates_once_and_then_changes_nothing(cli):
    first = cli("--database", "sqlite:///lab.db", "database", "init")
    again = cli("--database", "sqlite:///lab.db", "database", "init", "--json")
    assert first.code == again.code == 0
    assert "sqlite:///lab.db: created" in first.out
    assert again.json["opened"] == "current"
    assert Path("lab.db").exists()


def test_init_sets_the_label_range_of_a_new_database_only(cli):
    words = ("--database", "sqlite:///charpy.db", "database", "init", "--label-range")
    assert "labels range from 0 to 100" in cli(*words, 0, 100).out
    refused = cli(*words, 0, 1)
    assert refused.code == 2
    assert "created with 0..100" in refused.err


def test_init_works_on_each_kind_of_database(cli, url):
    ran = cli("--database", url, "database", "init", "--json")
    assert (ran.code, ran.json["opened"]) == (0, "current")


def test_an_empty_postgresql_database_is_set_up(cli, empty_postgres_url):
    assert cli("--database", empty_postgres_url, "database", "init").code == 0
    assert cli("--database", empty_postgres_url, "database", "status").code == 0


def test_status_tells_rows_sizes_and_checks(labelled):
    ran = labelled("database", "status")
    assert ran.code == 0
    assert re.search(r"^status +healthy$", ran.out, re.MULTILINE)
    assert re.search(r"^images +12$", ran.out, re.MULTILINE)
    assert re.search(r"^labelled images +12$", ran.out, re.MULTILINE)
    assert re.search(r"^connection +ok +SQLite", ran.out, re.MULTILINE)
    status = labelled("database", "status", "--json").json
    assert status["tables"]["labels"] == 12


def test_status_exits_1_when_the_database_is_failing(mlmcsc, monkeypatch):
    monkeypatch.setattr("mlmcsc.services.health.DISK_ERROR", 1 << 60)  # no disk is so large
    ran = mlmcsc("database", "status", "--json")
    assert (ran.code, ran.json["status"]) == (1, "failing")


def test_passwords_are_never_printed(cli):
    ran = cli("--database", "postgresql://lab:geheim@127.0.0.1:1/db", "database", "status")
    assert ran.code == 3
    assert "geheim" not in ran.err + ran.out


def test_validate_finds_nothing_in_a_sound_database(labelled):
    for words in ((), ("--hash",)):
        ran = labelled("database", "validate", *words)
        assert (ran.code, ran.out.endswith("nothing is wrong\n")) == (0, True)
    assert labelled("database", "validate", "--json").json["findings"] == []


def test_validate_finds_missing_and_changed_files_and_exits_1(labelled, tmp_path):
    os.remove(tmp_path / "SPEC_000_00.png")
    file = tmp_path / "SPEC_000_01.png"
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # only the content betrays it
    quick = labelled("database", "validate", "--json")
    thorough = labelled("database", "validate", "--hash", "--json")
    assert quick.code == thorough.code == 1
    assert sorted(i for f in quick.json["findings"] for i in f["ids"]) == [1]
    assert sorted(i for f in thorough.json["findings"] for i in f["ids"]) == [1, 2]
    assert "SPEC_000_00.png" in quick.json["findings"][0]["message"]
    assert labelled("database", "validate").out.endswith("1 finding\n")


def _touch(tmp_path):
    """The same content with another time: what a safe repair is for."""
    os.utime(tmp_path / "SPEC_000_00.png", (1_700_000_000, 1_700_000_000))


def test_fix_asks_first_and_without_a_terminal_needs_yes(labelled, tmp_path):
    _touch(tmp_path)
    ran = labelled("database", "validate", "--hash", "--fix")
    assert ran.code == 2
    assert "add --yes" in ran.err
    assert labelled("database", "validate", "--hash").code == 1


def test_fix_repairs_what_is_safe_and_says_what_it_did(labelled, tmp_path):
    _touch(tmp_path)
    ran = labelled("database", "validate", "--hash", "--fix", "--yes")
    assert ran.code == 0, ran.out
    assert "nothing is wrong any more" in ran.out
    assert labelled("database", "validate", "--hash").code == 0


def test_fix_leaves_what_only_a_person_can_decide(labelled, tmp_path):
    os.remove(tmp_path / "SPEC_000_00.png")
    ran = labelled("database", "validate", "--fix", "--yes", "--json")
    assert ran.code == 1
    assert ran.json["left"]
    assert labelled("images", "show", 1).code == 0


@pytest.mark.parametrize("answer", ["n\n", "y\n"])
def test_at_a_terminal_fix_asks_and_obeys(labelled, tmp_path, monkeypatch, answer):
    _touch(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _text: answer.strip())
    ran = labelled("database", "validate", "--hash", "--fix")
    assert ran.code == (0 if answer == "y\n" else 1)


def test_an_original_database_is_adopted_and_every_row_accounted_for(
    cli, original_database, tmp_path
):
    shutil.copy(original_database, tmp_path / "old.db")
    ran = cli("--database", "sqlite:///old.db", "database", "init")
    assert ran.code == 0, ran.err
    assert "adopted from the original system" in ran.out
    assert re.search(r"^table +found +adopted +superseded +rejected$", ran.out, re.MULTILINE)
    again = cli("--database", "sqlite:///old.db", "database", "init", "--json")
    assert (again.json["opened"], again.json["adoption"]) == ("current", None)


def test_adoption_by_another_command_is_remarked_on_stderr(cli, original_database, tmp_path):
    shutil.copy(original_database, tmp_path / "old.db")
    ran = cli("--database", "sqlite:///old.db", "--json", "technician", "list")
    assert ran.code == 0
    assert "is adopted now; the original is kept as" in ran.err
    assert ran.json["items"]
