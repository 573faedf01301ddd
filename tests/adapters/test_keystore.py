"""Master keys have states, and no store shows them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from mlmcsc.adapters.keystore import (
    EnvironmentKeyStore,
    FileKeyStore,
    MemoryKeyStore,
)
from mlmcsc.adapters.keystore.ring import master_key
from mlmcsc.domain.sealing import KeyStore
from mlmcsc.errors import MissingKeyError

REPAIR = "machine that made the database, or set MLMCSC_KEY_FILE"
KEY = bytes(range(220, 252))


def text_of(key):
    return base64.b64encode(key).decode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "lab.key"


@pytest.fixture(params=["file", "memory"])
def store(request, path):
    made: KeyStore = FileKeyStore(path) if request.param == "file" else MemoryKeyStore()
    return made


def test_without_a_key_there_is_none(store):
    with pytest.raises(MissingKeyError, match=r"no key"):
        store.current()


def test_the_first_key_is_current_at_once(store):
    master = store.create()
    assert store.current() == store.get(master.key_id) == master
    assert len(master.key) == 32
    assert master_key(master.key) == master
    assert store.retired() == ()


def test_a_later_key_is_pending_until_it_is_promoted(store):
    old, new = store.create(), store.create()
    assert old.key != new.key
    assert store.current() == old
    assert store.get(new.key_id) == new
    store.promote(new.key_id)
    assert store.current() == new
    assert store.get(old.key_id) == old
    assert store.retired() == (old.key_id,)


def test_promoting_the_current_key_again_changes_nothing(store):
    old, new = store.create(), store.create()
    for _ in range(2):
        store.promote(new.key_id)
        assert (store.current(), store.retired()) == (new, (old.key_id,))


def test_a_retired_key_does_not_become_current_again(store):
    old, new = store.create(), store.create()
    store.promote(new.key_id)
    with pytest.raises(MissingKeyError, match=f"{old.key_id} is retired"):
        store.promote(old.key_id)
    assert store.current() == new


def test_a_destroyed_key_is_gone(store):
    old, new = store.create(), store.create()
    store.promote(new.key_id)
    store.destroy(old.key_id)
    assert (store.retired(), store.current()) == ((), new)
    with pytest.raises(MissingKeyError, match=f"does not hold the key {old.key_id}"):
        store.get(old.key_id)


def test_only_a_retired_key_is_destroyed(store):
    current, pending = store.create(), store.create()
    for key, state in ((current, "current"), (pending, "pending")):
        with pytest.raises(MissingKeyError, match=f"{key.key_id} is {state}"):
            store.destroy(key.key_id)
        assert store.get(key.key_id) == key


@pytest.mark.parametrize("call", ["get", "promote", "destroy"])
def test_a_key_of_another_database_is_told_with_the_repair(store, call):
    store.create()
    with pytest.raises(MissingKeyError, match=REPAIR):
        getattr(store, call)("0123456789abcdef")


def test_the_file_has_the_documented_form(path):
    master = FileKeyStore(path).create()
    document = json.loads(path.read_text("utf-8"))
    made = document["keys"][master.key_id].pop("created_at")
    assert made.endswith("Z")
    assert document == {
        "format": "mlmcsc-keys-1",
        "current": master.key_id,
        "keys": {master.key_id: {"key": text_of(master.key), "state": "current"}},
    }


def test_another_process_finds_the_same_keys(path):
    master = FileKeyStore(path).create()
    assert FileKeyStore(path).current() == master


def test_a_relative_file_stays_where_it_was_when_the_process_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = FileKeyStore(Path("lab.key"))
    monkeypatch.chdir("/")
    store.create()
    assert (tmp_path / "lab.key").is_file()


def test_no_store_shows_its_keys(path):
    file, memory = FileKeyStore(path), MemoryKeyStore()
    masters = [file.create(), memory.create(), master_key(KEY)]
    shown = repr([file, memory, memory._ring, masters, EnvironmentKeyStore(text_of(KEY))])
    shown += str([vars(file), vars(memory)])
    for master in masters:
        assert text_of(master.key) not in shown
        assert repr(master.key) not in shown
