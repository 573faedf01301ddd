"""`config generate`, `validate`, `show`."""

from __future__ import annotations

import json
import re
from pathlib import Path


def test_a_generated_file_is_complete_and_valid(cli):
    assert cli("config", "generate").code == 0
    assert json.loads(Path("mlmcsc.json").read_text())["database"]["db_type"] == "sqlite"
    assert cli("config", "validate", "mlmcsc.json").out == "mlmcsc.json: nothing is wrong\n"
    assert cli("config", "validate").code == 0


def test_an_existing_file_is_replaced_only_on_request(cli):
    Path("lab.json").write_text("mine")
    ran = cli("config", "generate", "lab.json")
    assert (ran.code, "--force" in ran.err) == (2, True)
    assert Path("lab.json").read_text() == "mine"
    assert cli("config", "generate", "lab.json", "--force").code == 0


def test_a_dash_writes_to_stdout(cli):
    assert "database" in cli("config", "generate", "-").json


def test_every_problem_of_a_file_is_told_at_once(cli):
    Path("lab.json").write_text(
        '{"database": {"pool_sise": 5}, "quality": {"min_confidence": 7.5}}'
    )
    ran = cli("config", "validate", "lab.json")
    assert ran.code == 1
    assert "database.pool_sise" in ran.out
    assert "did you mean 'pool_size'?" in " ".join(ran.out.split())
    assert "quality.min_confidence" in ran.out
    problems = cli("config", "validate", "lab.json", "--json").json["problems"]
    assert {p["key"] for p in problems} == {"database.pool_sise", "quality.min_confidence"}
    assert cli("config", "validate", "absent.json").code == 2


def test_a_wrong_setting_in_force_is_found_and_stops_other_commands(cli, monkeypatch):
    monkeypatch.setenv("MLMCSC_DATABASE__POOL_SIZE", "many")
    found = cli("config", "validate")
    assert (found.code, "MLMCSC_DATABASE__POOL_SIZE" in found.out) == (1, True)
    assert re.search(r"^where +key +value +what is wrong$", found.out, re.MULTILINE)
    (problem,) = cli("config", "validate", "--json").json["problems"]
    assert problem["key"] == "database.pool_size"
    stopped = cli("images", "list")
    assert (stopped.code, "MLMCSC_DATABASE__POOL_SIZE" in stopped.err) == (2, True)


def test_show_tells_where_each_value_comes_from_and_hides_secrets(cli, monkeypatch):
    monkeypatch.setenv("MLMCSC_DATABASE__PASSWORD", "geheim")
    Path("lab.json").write_text('{"database": {"pool_size": 7}}')
    ran = cli("config", "show", "database", "--config", "lab.json")
    assert ran.code == 0
    assert re.search(r"^pool_size +7 +lab.json$", ran.out, re.MULTILINE)
    hidden = r"^password +\"\*\*\*\" +\$MLMCSC_DATABASE__PASSWORD$"
    assert re.search(hidden, ran.out, re.MULTILINE)
    assert "geheim" not in ran.out
    assert cli("config", "show", "databse").code == 2


def test_show_keeps_apart_what_is_not_heeded_yet(cli):
    heeded, later = cli("config", "show", "performance").out.split("in force from a later release")
    assert re.search(r"^page_size +100 ", heeded, re.MULTILINE)
    assert re.search(r"^batch_size +5000 ", later, re.MULTILINE)
    assert "performance.batch_size" in cli("config", "show", "--json").json["later"]
    assert "security.audit_enabled" not in cli("config", "show", "--json").json["later"]


def test_the_settings_fit_80_columns(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("config", "show").out
    assert re.search(r"^sqlite_path +\"src/database/data/mlmcsc.db\" +\S+$", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


def test_the_config_file_says_which_database_is_used(cli):
    Path("lab.json").write_text('{"database": {"sqlite_path": "mine/lab.db"}}')
    assert cli("--config", "lab.json", "database", "init").code == 0
    assert Path("mine/lab.db").exists()
