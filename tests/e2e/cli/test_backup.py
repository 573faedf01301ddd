"""`backup create`, `list`, `show`, `verify`, `prune`, `scrub`: what they say, and how they end."""

from __future__ import annotations

from pathlib import Path


def made(mlmcsc, name="manual_backup", *options):
    ran = mlmcsc("backup", "create", "--name", name, "--json", *options)
    assert ran.code == 0
    return ran.json


def test_a_backup_is_made_listed_shown_and_verified(mlmcsc):
    report = made(mlmcsc)
    assert (Path(report["path"]) / "manifest.json").is_file()
    assert mlmcsc("backup", "list", "--json").json["items"][0]["state"] == "ok"
    assert "manual_backup" in mlmcsc("backup", "list").out
    assert mlmcsc("backup", "show", "manual_backup", "--json").json["set_id"] == report["set_id"]
    ran = mlmcsc("backup", "verify", "manual_backup", "--deep")
    assert ran.code == 0
    assert ran.out.startswith("manual_backup: whole")
    assert mlmcsc("backup", "scrub").code == 0


def test_a_damaged_backup_is_a_finding(mlmcsc):
    path = Path(made(mlmcsc)["path"]) / "database" / "mlmcsc.db.zst"
    path.write_bytes(path.read_bytes()[:-1])
    ran = mlmcsc("backup", "verify", "manual_backup")
    assert ran.code == 1
    assert "DAMAGED" in ran.out
    assert "fewer bytes" in ran.err
    listed = mlmcsc("backup", "list")
    assert listed.code == 1
    assert "DAMAGED" in listed.out
    assert mlmcsc("backup", "scrub").code == 1


def test_names_are_names_and_are_never_used_twice(mlmcsc):
    made(mlmcsc)
    assert mlmcsc("backup", "create", "--name", "manual_backup").code == 2
    assert mlmcsc("backup", "create", "--name", "../out").code == 2
    unknown = mlmcsc("backup", "show", "nothing")
    assert unknown.code == 1
    assert "There are: manual_backup" in unknown.err


def test_prune_asks_before_it_removes(mlmcsc):
    made(mlmcsc)
    assert mlmcsc("backup", "prune", "--dry-run").code == 0
    ran = mlmcsc("backup", "prune", "--confirm")
    assert ran.code == 0
    assert "nothing to remove" in ran.out
