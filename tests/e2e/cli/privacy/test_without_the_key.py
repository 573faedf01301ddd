"""What is told, and what is refused, where the master key is not here or is not the right one."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from mlmcsc.errors import MissingKeyError, NoKeyError

LISTINGS = ("technician list", "labels list", "audit list", "audit show technician tech_001")
STRICT = (
    "audit search doe",
    "audit search nobody-is-called-so",
    "audit export trail.jsonl",
    "export technicians t.csv",
)
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
WRONG = {
    "malformed": {"MLMCSC_KEY": "not-a-key"},
    "of another database": {"MLMCSC_KEY": OTHER_KEY},
    "named and absent": {"MLMCSC_KEY_FILE": "/nowhere/lab.key"},
    "set and absent": {"MLMCSC_SECURITY__KEY_FILE": "/nowhere/lab.key"},
}


@pytest.fixture
def key(mlmcsc, draw):
    """The key file of a database with a person in it."""
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    mlmcsc("images", "add", draw("one.png"))
    mlmcsc("labels", "add", "1", "0.5", "--technician", "tech_001", "--notes", "a note")
    return Path(mlmcsc("--json", "privacy", "report").json["keys"]["place"])


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("words", LISTINGS)
def test_a_listing_tells_once_on_stderr_that_names_stay_sealed(mlmcsc, key, words, as_json):
    key.unlink()
    ran = mlmcsc(*as_json, *words.split())
    assert ran.code == 0
    assert "[sealed]" in ran.out
    assert "Doe" not in ran.out
    told = [line for line in ran.err.splitlines() if "[sealed]" in line]
    assert len(told) == 1
    assert told[0].startswith("note: ")
    assert f"no key file {key}" in told[0]
    assert "personal_texts_stay_sealed" not in ran.err
    if as_json:
        json.loads(ran.out)


def test_the_note_is_told_whatever_the_log_level(mlmcsc, key, monkeypatch):
    monkeypatch.setenv("MLMCSC_MONITORING__LOG_LEVEL", "CRITICAL")
    key.unlink()
    assert "note: " in mlmcsc("technician", "list").err


def test_nothing_is_told_where_nothing_stays_sealed(mlmcsc, key):
    assert mlmcsc("technician", "list").err == ""
    key.unlink()
    assert mlmcsc("images", "list").err == ""


@pytest.mark.parametrize("words", STRICT)
def test_searches_and_exports_fail_rather_than_find_nothing(mlmcsc, key, tmp_path, words):
    key.unlink()
    before = set(tmp_path.iterdir())
    ran = mlmcsc(*words.split())
    assert ran.code == 3
    assert "no key file" in ran.err
    assert "nothing to show" not in ran.err
    assert {f.name for f in set(tmp_path.iterdir()) - before} <= {"mlmcsc.db-wal", "mlmcsc.db-shm"}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_key_is_an_error_everywhere(mlmcsc, key, monkeypatch, wrong):
    for variable, value in WRONG[wrong].items():
        monkeypatch.setenv(variable, value)
    for words in (*LISTINGS, *STRICT):
        ran = mlmcsc(*words.split())
        assert ran.code == 3, (words, ran.out)
        assert "[sealed]" not in ran.out, words
        assert ran.err.startswith("Error: "), words
        assert "not-a-key" not in ran.err, words


def _truncate(key):
    key.write_bytes(key.read_bytes()[:40])


def _open_to_all(key):
    key.chmod(0o644)


def _replace(key):
    key.write_text(key.read_text("utf-8").replace('"mlmcsc-keys-1"', '"other"'), "utf-8")


@pytest.mark.parametrize("spoil", [_truncate, _open_to_all, _replace])
def test_a_spoilt_key_file_is_an_error_and_not_a_machine_without_a_key(mlmcsc, key, spoil):
    spoil(key)
    ran = mlmcsc("technician", "list")
    assert ran.code == 3
    assert "[sealed]" not in ran.out
    assert str(key) in ran.err


def test_no_key_is_a_kind_of_missing_key():
    assert issubclass(NoKeyError, MissingKeyError)
