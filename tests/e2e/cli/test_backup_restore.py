"""`backup restore`: asks, says what is lost, and brings back."""

from __future__ import annotations

import shutil

import pytest

from mlmcsc.cli import confirming


@pytest.fixture
def backed_up(mlmcsc):
    """A database with the backup `b1`, and a technician registered after it."""
    assert mlmcsc("technician", "register", "t1", "--name", "Al").code == 0
    assert mlmcsc("backup", "create", "--name", "b1").code == 0
    assert mlmcsc("technician", "register", "t2", "--name", "Bo").code == 0
    return mlmcsc


def people(mlmcsc):
    listed = mlmcsc("technician", "list", "--json").json["items"]
    return [person["technician_id"] for person in listed]


def test_with_force_it_is_done_and_says_what_and_how_long(backed_up):
    ran = backed_up("backup", "restore", "b1", "--force")
    assert ran.code == 0, ran.err
    assert "before_restore_" in ran.out
    assert ran.out.splitlines()[-1].startswith("restored b1 to ")
    assert people(backed_up) == ["t1"]
    assert backed_up("audit", "verify").code in {0, 2}


def test_it_asks_with_the_losses_in_view_and_no_means_no(backed_up, monkeypatch):
    monkeypatch.setattr(confirming.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(confirming.click, "confirm", lambda *_, **__: False)
    ran = backed_up("backup", "restore", "b1")
    assert ran.code == 1
    assert "and lost" in ran.out
    assert people(backed_up) == ["t1", "t2"]


def test_without_a_terminal_it_wants_force(backed_up):
    ran = backed_up("backup", "restore", "b1")
    assert (ran.code, "--force" in ran.err) == (2, True)
    assert people(backed_up) == ["t1", "t2"]


def test_a_dry_run_changes_nothing_and_tells_as_json_too(backed_up):
    ran = backed_up("backup", "restore", "b1", "--dry-run", "--json")
    assert ran.code == 0
    assert ran.json["restored"] is False
    assert ran.json["plan"]["losses"]["n_writes"] >= 1
    assert "nothing changed" in backed_up("backup", "restore", "b1", "--dry-run").out
    assert people(backed_up) == ["t1", "t2"]


def test_what_could_not_be_brought_back_is_named_and_the_exit_code_is_1(backed_up, tmp_path, draw):
    image = draw("i.png")
    assert backed_up("images", "ingest", str(image)).code == 0
    assert backed_up("backup", "create", "--name", "b2").code == 0
    image.unlink()
    ran = backed_up("backup", "restore", "b2", "--force")
    assert (ran.code, "neither here nor in the backup" in ran.err) == (1, True)


def test_the_documented_file_of_before_and_another_place(backed_up, tmp_path):
    shutil.copy(tmp_path / "mlmcsc.db", tmp_path / "backup_20240101.db")
    ran = backed_up("backup", "restore", "backup_20240101.db", "--to", "copy.db")
    assert ran.code == 0, ran.err
    assert "nothing signed" in ran.err
    assert (tmp_path / "copy.db").exists()
    again = backed_up("backup", "restore", "backup_20240101.db", "--to", "copy.db")
    assert (again.code, "exists" in again.err) == (2, True)


def test_mistakes_are_told_with_the_repair(backed_up):
    none = backed_up("backup", "restore", "b7", "--force")
    assert (none.code, "There are: b1" in none.err) == (1, True)
    bare = backed_up("backup", "restore", "b1", "--force", "--without-ledger")
    assert (bare.code, "--reason" in bare.err) == (2, True)
    moment = backed_up("backup", "restore", "b1", "--point-in-time", "2026-11-23T14:00Z")
    assert (moment.code, "backup.schedule" in moment.err) == (2, True)
