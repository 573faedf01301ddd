"""Where a master key may stand: variables, and the order of the places."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path

import pytest

from mlmcsc.adapters.keystore import (
    EnvironmentKeyStore,
    key_store,
)
from mlmcsc.adapters.keystore.ring import master_key
from mlmcsc.errors import ConfigError, MissingKeyError, NoKeyError

KEY = bytes(range(220, 252))
OLD = b"o" * 32


def text_of(key):
    return base64.b64encode(key).decode()


URL_SAFE = base64.urlsafe_b64encode(KEY).decode()


def test_the_test_s_key_tells_the_alphabets_apart():
    assert text_of(KEY) != URL_SAFE


@pytest.mark.parametrize("text", [text_of(KEY), URL_SAFE, URL_SAFE.rstrip("=")])
def test_a_variable_holds_a_key_in_either_base64(text):
    store = EnvironmentKeyStore(text)
    assert store.current() == store.get(master_key(KEY).key_id) == master_key(KEY)
    assert (store.place, store.retired()) == ("MLMCSC_KEY", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key",
        f" {text_of(KEY)}",
        f"{text_of(KEY)}\n",
        f"'{text_of(KEY)}'",
        text_of(KEY)[:-2],
        text_of(KEY[1:]),
        text_of(KEY + b"1"),
        KEY.hex(),
        text_of(OLD)[:-2] + "x=",  # the same bytes with bits left over: mistyped
        "-" + text_of(b"\xff" * 32)[1:],  # both alphabets
        "µ" * 44,
    ],
)
def test_a_variable_that_holds_anything_else_is_refused_and_not_shown(text):
    store = EnvironmentKeyStore(text)
    for call in (store.current, store.create, store.retired, lambda: store.get("0" * 16)):
        with pytest.raises(MissingKeyError, match=r"MLMCSC_KEY holds .* 44 characters") as caught:
            call()
        told = "".join(traceback.format_exception(caught.value))
        assert len(text.strip()) < 8 or text.strip() not in told


def test_older_keys_stand_in_a_second_variable():
    store = EnvironmentKeyStore(text_of(KEY), retired=f"{text_of(OLD)}, {text_of(KEY)}")
    old = master_key(OLD)
    assert store.current() == master_key(KEY)
    assert store.retired() == (old.key_id,)
    assert store.get(old.key_id) == old


def test_a_wrong_older_key_is_told_by_its_place():
    store = EnvironmentKeyStore(text_of(KEY), retired=f"{text_of(OLD)},CANARY")
    with pytest.raises(MissingKeyError, match=r"MLMCSC_KEY_RETIRED \(key 2\)") as caught:
        store.retired()
    assert "CANARY" not in str(caught.value)


def test_a_variable_without_the_database_s_key_is_told():
    with pytest.raises(MissingKeyError, match=f"{'0' * 16}, only {master_key(KEY).key_id}"):
        EnvironmentKeyStore(text_of(KEY)).get("0" * 16)


def test_a_variable_cannot_be_written_and_says_how_to_rotate():
    store = EnvironmentKeyStore(text_of(KEY), retired=text_of(OLD))
    current, old = master_key(KEY).key_id, master_key(OLD).key_id
    rotate = r"MLMCSC_KEY to the new key .* MLMCSC_KEY_RETIRED to the old, then .*rotate-key"
    with pytest.raises(MissingKeyError, match=rotate):
        store.create()
    with pytest.raises(MissingKeyError, match="not the one in MLMCSC_KEY"):
        store.promote(old)
    store.promote(current)
    with pytest.raises(MissingKeyError, match="MLMCSC_KEY_RETIRED from here"):
        store.destroy(old)


def places(environ, config_key_file=None, default=Path("/default/id.key")):
    return key_store(config_key_file, environ, default).place


def test_the_places_are_tried_in_the_documented_order():
    setting = Path("/settings.key")
    file = {"MLMCSC_KEY_FILE": "/variable.key"}
    assert places({"MLMCSC_KEY": text_of(KEY), **file}, setting) == "MLMCSC_KEY"
    assert places(file, setting) == "/variable.key"
    assert places({}, setting) == "/settings.key"
    assert places({}) == "/default/id.key"


def test_an_empty_variable_counts_as_unset():
    assert places({"MLMCSC_KEY": "", "MLMCSC_KEY_FILE": ""}) == "/default/id.key"


def test_the_older_keys_come_with_the_variable():
    environ = {"MLMCSC_KEY": text_of(KEY), "MLMCSC_KEY_RETIRED": text_of(OLD)}
    assert key_store(None, environ, None).get(master_key(OLD).key_id).key == OLD


def test_a_user_without_a_home_is_told_what_to_set():
    with pytest.raises(ConfigError, match=r"security\.key_file, MLMCSC_KEY_FILE or MLMCSC_KEY"):
        places({}, None, None)


def test_a_key_in_the_place_of_a_file_name_is_refused_and_not_shown():
    with pytest.raises(ConfigError, match="set MLMCSC_KEY to it") as caught:
        places({"MLMCSC_KEY_FILE": text_of(KEY)})
    assert text_of(KEY) not in str(caught.value)


def test_a_home_that_no_shell_expanded_is_refused():
    with pytest.raises(ConfigError, match="write the path in full"):
        places({"MLMCSC_KEY_FILE": "~/lab.key"})


@pytest.mark.parametrize(
    ("environ", "setting"), [({"MLMCSC_KEY_FILE": "away.key"}, None), ({}, Path("away.key"))]
)
def test_a_named_file_that_is_not_there_is_a_mistake_and_not_a_machine_without_a_key(
    tmp_path, monkeypatch, environ, setting
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingKeyError, match="no key file") as caught:
        key_store(setting, environ, Path("own.key")).current()
    assert not isinstance(caught.value, NoKeyError)
    with pytest.raises(NoKeyError):
        key_store(None, {}, Path("own.key")).current()
