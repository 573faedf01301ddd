"""Settings do what they say, or the program says that they do not."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

import mlmcsc as package
from mlmcsc import DatabaseManager
from mlmcsc.cli.app import mlmcsc as root
from mlmcsc.cli.exits import SPELLINGS


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("SECURITY__ENCRYPTION_AT_REST", "true", "security.encryption_at_rest"),
        ("SECURITY__AUDIT_ENABLED", "false", "security.audit_enabled"),
        ("SECURITY__IP_ALLOWLIST", '["10.0.0.0/8"]', "security.ip_allowlist"),
    ],
)
def test_no_database_opens_under_a_protection_that_is_not_there(cli, monkeypatch, name, value, key):
    monkeypatch.setenv(f"MLMCSC_{name}", value)
    ran = cli("--database", "sqlite:///lab.db", "database", "init")
    assert ran.code == 2
    assert f"environment MLMCSC_{name}: {key} = {value}" in ran.err
    assert "Set it to" in ran.err
    assert not Path("lab.db").exists()
    checked = cli("config", "validate", "--json")
    assert (checked.code, [p["key"] for p in checked.json["problems"]]) == (1, [key])


def test_validate_remarks_a_setting_that_has_no_effect_yet(cli, monkeypatch):
    monkeypatch.setenv("MLMCSC_QUALITY__CHECK_SCHEDULE", "hourly")
    ran = cli("config", "validate")
    assert ran.code == 0
    assert ran.err == "quality.check_schedule: in force from a later release\n"
    Path("lab.json").write_text('{"quality": {"check_schedule": "weekly"}}')
    assert cli("config", "validate", "lab.json", "--json").json["later"] == [
        "quality.check_schedule"
    ]


def test_the_page_size_of_listings_is_a_setting(mlmcsc, monkeypatch):
    for number in range(4):
        mlmcsc("specimens", "set", f"S{number}")
    monkeypatch.setenv("MLMCSC_PERFORMANCE__PAGE_SIZE", "3")
    assert len(mlmcsc("specimens", "list", "--json").json["items"]) == 3
    assert len(mlmcsc("specimens", "list", "--limit", 2, "--json").json["items"]) == 2
    assert "add --after-id 3" in mlmcsc("specimens", "list").err


def test_the_size_of_the_write_ahead_log_that_worries_is_a_setting(mlmcsc, sqlite_url, monkeypatch):
    with DatabaseManager(sqlite_url) as db:  # while it is open, the log is not emptied
        db.register_specimen("S1")
        assert mlmcsc("database", "status", "--json").json["status"] == "healthy"
        monkeypatch.setenv("MLMCSC_MONITORING__WAL_SIZE_WARNING_MB", "0.001")
        status = mlmcsc("database", "status", "--json").json
    assert status["status"] == "degraded"
    assert [c["name"] for c in status["checks"] if c["status"] == "warning"] == ["wal"]


@pytest.mark.parametrize("command", ["ingest", "add"])
def test_a_server_keeps_image_copies_only_where_it_was_told(
    cli, postgres_url, draw, tmp_path, monkeypatch, command
):
    file = draw("a.png")
    words = ("--database", postgres_url, "images", command, file, "--storage", "managed")
    refused = cli(*words)
    assert (refused.code, "database.image_store" in refused.err) == (2, True)
    assert cli("--database", postgres_url, "images", "list", "--json").json["items"] == []
    assert os.listdir(tmp_path) == ["a.png"]
    monkeypatch.setenv("MLMCSC_DATABASE__IMAGE_STORE", str(tmp_path / "archive"))
    assert cli(*words).code == 0
    image = cli("--database", postgres_url, "images", "show", 1, "--json").json
    assert Path(image["path"]).is_relative_to(tmp_path / "archive")


def test_a_server_s_caches_are_the_same_from_every_directory(
    cli, postgres_url, draw, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cli("--database", postgres_url, "images", "add", draw("a.png")).code == 0
    found = set()
    for folder in (tmp_path, tmp_path / "elsewhere"):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        ran = cli("--database", postgres_url, "images", "thumbnail", 1, "--json")
        found.add(ran.json["path"])
    (thumbnail,) = found
    assert Path(thumbnail).is_relative_to(tmp_path / "caches" / "mlmcsc")
    assert os.listdir(tmp_path / "elsewhere") == []


def test_messages_name_options_as_one_types_them(mlmcsc):
    Path("people.csv").write_text("technician_id,name\nt1,Jo\n")
    assert mlmcsc("import", "technicians", "people.csv").code == 0
    ran = mlmcsc("import", "technicians", "people.csv")
    assert (ran.code, "--again" in ran.err, "again=True" in ran.err) == (2, True, False)
    assert mlmcsc("export", "technicians", "people.csv").err.count("--overwrite") == 1


@pytest.mark.parametrize("python", SPELLINGS)
def test_a_spelling_that_is_translated_is_one_that_messages_use(python):
    sources = Path(package.__file__).parent
    others = [f for f in sources.rglob("*.py") if sources / "cli" not in f.parents]
    assert any(python in file.read_text(encoding="utf-8") for file in others)


@pytest.mark.parametrize("shell", SPELLINGS.values())
def test_the_translation_is_an_option_of_a_command(shell):
    option = next(word for word in shell.rstrip(".").split() if word.startswith("--"))
    context = click.Context(root)
    commands = []
    for name in root.homes:
        group = root.get_command(context, name)
        commands += group.commands.values() if isinstance(group, click.Group) else [group]
    assert any(option in parameter.opts for command in commands for parameter in command.params)
