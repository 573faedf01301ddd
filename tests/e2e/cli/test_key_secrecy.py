"""The master key's value is told nowhere: not by settings, errors, logs or tracebacks."""

from __future__ import annotations

import base64

import pytest

KEY = base64.b64encode(bytes(range(220, 252))).decode()
MISTYPED = f"{KEY[:-2]}!="


def test_config_show_tells_neither_key_nor_that_it_were_a_setting(cli, monkeypatch):
    monkeypatch.setenv("MLMCSC_KEY", KEY)
    monkeypatch.setenv("MLMCSC_KEY_RETIRED", KEY)
    for words in (("show",), ("show", "--json"), ("validate",)):
        ran = cli("config", *words)
        assert ran.code == 0
        assert KEY not in ran.out + ran.err


def test_the_key_file_is_a_setting_in_force(cli):
    assert "security.key_file" not in cli("config", "show", "--json").json["later"]


@pytest.mark.parametrize("name", ["MLMCSC_KEY", "MLMCSC_KEY_FILE", "MLMCSC_SECURITY__KEY_FILE"])
def test_a_wrong_key_stops_the_program_without_being_shown(program, name):
    value = MISTYPED if name == "MLMCSC_KEY" else KEY
    environ = {name: value, "MLMCSC_MONITORING__LOG_LEVEL": "DEBUG"}
    ran = program("database", "init", **environ)
    assert ran.code in {2, 3}
    assert name.removeprefix("MLMCSC_SECURITY__").lower() in ran.err.lower()
    assert "not a key" in ran.err or "a key, not" in ran.err or "holds a key" in ran.err
    assert value not in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_a_database_is_made_under_a_key_in_a_variable_and_no_file_appears(program, tmp_path):
    settings = tmp_path / "settings"
    ran = program("database", "init", MLMCSC_KEY=KEY, XDG_CONFIG_HOME=str(settings))
    assert ran.code == 0, ran.err
    assert KEY not in ran.out + ran.err
    assert not settings.exists()
    holding = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert holding
    assert not any(bytes(range(220, 252)) in file.read_bytes() for file in holding)
    assert not any(KEY.encode() in file.read_bytes() for file in holding)
