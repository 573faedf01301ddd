"""Master keys: never lost, never shown, never in somebody else's hands."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest

from mlmcsc.adapters.keystore import (
    EnvironmentKeyStore,
    FileKeyStore,
    MemoryKeyStore,
    key_store,
)
from mlmcsc.adapters.keystore.ring import master_key
from mlmcsc.domain.sealing import KeyStore
from mlmcsc.errors import ConfigError, MissingKeyError

posix = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and links are POSIX's")
REPAIR = "machine that made the database, or set MLMCSC_KEY_FILE"
KEY = bytes(range(220, 252))
OLD = b"o" * 32


def text_of(key):
    return base64.b64encode(key).decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


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


@posix
def test_only_the_owner_may_read_file_lock_and_folders(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "mlmcsc" / "keys" / "lab.key"
        store = FileKeyStore(path)
        store.create()
        store.promote(store.create().key_id)
    finally:
        os.umask(before)
    assert [mode(file) for file in path.parent.iterdir()] == [0o600, 0o600]
    assert mode(path.parent) == mode(path.parent.parent) == 0o700


@posix
@pytest.mark.parametrize("wrong", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_file_open_to_others_is_refused_with_the_repair(path, wrong):
    store = FileKeyStore(path)
    store.create()
    path.chmod(wrong)
    before = path.read_bytes()
    for call in (store.current, store.create, store.retired):
        with pytest.raises(MissingKeyError, match=f"mode {wrong:04o}.*chmod 600 {path}"):
            call()
    assert path.read_bytes() == before
    path.chmod(0o600)
    assert store.current()


def test_a_missing_file_is_told_with_place_and_repair(path):
    with pytest.raises(MissingKeyError, match=f"no key file {path}. Copy .*{REPAIR}"):
        FileKeyStore(path).get("0" * 16)
    assert not path.parent.exists()  # asking makes nothing


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    store = FileKeyStore(tmp_path)
    for call in (store.current, store.create):
        with pytest.raises(MissingKeyError, match=r"is a folder"):
            call()


@posix
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(MissingKeyError, match="not a plain file"):
        FileKeyStore(tmp_path / "pipe").current()


@posix
def test_a_link_to_something_odd_is_refused(tmp_path):
    cases = {"/dev/null": "not a plain file, by a symbolic link to /dev/null"}
    cases |= {str(tmp_path): "is a folder, by a symbolic link", "nowhere": "no such file"}
    for n, (target, message) in enumerate(cases.items()):
        link = tmp_path / f"link{n}"
        link.symlink_to(target)
        for call in (FileKeyStore(link).current, FileKeyStore(link).create):
            with pytest.raises(MissingKeyError, match=message):
                call()
    assert not (tmp_path / "nowhere").exists()


@posix
def test_a_link_to_a_key_file_is_followed_and_kept(tmp_path, path):
    FileKeyStore(path).create()
    link = tmp_path / "link.key"
    link.symlink_to(path)
    store = FileKeyStore(link)
    new = store.create()
    store.promote(new.key_id)
    assert link.is_symlink()
    assert FileKeyStore(path).current() == store.current() == new


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_a_key_file_that_root_changes_stays_its_user_s(path):
    store = FileKeyStore(path)
    store.create()
    os.chown(path, 65534, 65534)
    store.create()
    assert (path.stat().st_uid, mode(path)) == (65534, 0o600)


def damaged(document):
    """What may have become of a key file: a name, and its text."""
    (key_id,) = document["keys"]
    entry = document["keys"][key_id]
    whole = json.dumps(document)

    def of(**changes):
        return json.dumps(document | changes)

    return {
        "empty": "",
        "truncated": whole[: len(whole) // 2],
        "nested": "[" * 100_000,
        "not an object": "[]",
        "null": "null",
        "of another program": '{"kty": "oct", "k": "AAAA"}',
        "PEM": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "a later format": of(format="mlmcsc-keys-2"),
        "more": of(more=1),
        "no keys": of(keys={}),
        "keys in a list": of(keys=[entry]),
        "wrong id": of(current="0" * 16, keys={"0" * 16: entry}),
        "other bytes": of(keys={key_id: entry | {"key": text_of(OLD)}}),
        "short key": of(keys={key_id: entry | {"key": text_of(OLD[1:])}}),
        "no base64": of(keys={key_id: entry | {"key": "*" * 44}}),
        "not ASCII": of(keys={key_id: entry | {"key": "µ" * 44}}),
        "unknown state": of(keys={key_id: entry | {"state": "lost"}}),
        "no state": of(keys={key_id: {"key": entry["key"]}}),
        "none current": of(keys={key_id: entry | {"state": "pending"}}),
        "current unknown": of(current="0" * 16),
    }


NAMES = list(damaged({"keys": {"0": {"key": ""}}}))


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_or_foreign_file_is_refused_and_left_as_it_is(path, name):
    store = FileKeyStore(path)
    key = text_of(store.create().key)
    text = damaged(json.loads(path.read_text("utf-8")))[name]
    path.write_text(text, "utf-8")
    for call in (store.current, store.create, lambda: store.promote("0" * 16)):
        with pytest.raises(MissingKeyError, match=f"{path} cannot be used: .*{REPAIR}") as caught:
            call()
        assert key not in "".join(traceback.format_exception(caught.value))
    assert path.read_text("utf-8") == text


def test_bytes_that_are_no_text_are_refused(path):
    FileKeyStore(path).create()
    path.write_bytes(b"\xff\xfe\x00key")
    with pytest.raises(MissingKeyError, match="not valid JSON"):
        FileKeyStore(path).current()


def test_a_huge_file_is_refused(path):
    FileKeyStore(path).create()
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(MissingKeyError, match="above 1 MiB"):
        FileKeyStore(path).current()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MissingKeyError, match=r"cannot be written.*MLMCSC_KEY_FILE"):
            FileKeyStore(tmp_path / "keys" / "lab.key").create()
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "keys").write_text("", "utf-8")
    with pytest.raises(MissingKeyError, match=r"cannot be written"):
        FileKeyStore(tmp_path / "keys" / "lab.key").create()


RACER = """
import sys, time
from pathlib import Path
from mlmcsc.adapters.keystore import FileKeyStore
store = FileKeyStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    print(store.create().key_id, flush=True)
print(store.current().key_id)
"""


def race(path, keys_each):
    command = [sys.executable, "-c", RACER, str(path), str(keys_each)]
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # joined below
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    return told


def test_processes_that_start_at_once_agree_on_the_current_key(path):
    told = race(path, 1)
    current = FileKeyStore(path).current().key_id
    assert {lines[-1] for lines in told} == {current}
    assert current in {lines[0] for lines in told}


def test_no_process_loses_another_s_key(path):
    FileKeyStore(path).create()
    made = [key_id for lines in race(path, 8) for key_id in lines[:-1]]
    assert len(set(made)) == 24
    assert all(FileKeyStore(path).get(key_id) for key_id in made)


def test_whoever_is_late_with_the_first_key_gets_the_one_that_is_there(path, monkeypatch):
    first = FileKeyStore(path).create()
    late = FileKeyStore(path)
    looks = iter([False, True])  # before, and under the lock
    monkeypatch.setattr(late, "_is_there", lambda: next(looks))
    assert late.create() == first
    assert list(json.loads(path.read_text("utf-8"))["keys"]) == [first.key_id]


def test_threads_of_one_process_lose_no_key(path):
    store = FileKeyStore(path)
    store.create()
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(store.create().key_id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8
    assert all(store.get(key_id) for key_id in made)


KILLED = """
import os, signal, sys
from pathlib import Path
from mlmcsc.adapters.keystore import FileKeyStore

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

os.link = os.replace = os.rename = Path.replace = Path.rename = die
store = FileKeyStore(Path(sys.argv[1]))
getattr(store, sys.argv[2])(*sys.argv[3:])
"""


def killed_before_the_rename(path, *call):
    run = subprocess.run([sys.executable, "-c", KILLED, str(path), *call], check=False)
    assert run.returncode == -signal.SIGKILL


def drafts(path):
    return [file for file in path.parent.iterdir() if file.name.endswith(".draft")]


@posix
def test_a_process_killed_while_it_makes_the_first_key_blocks_nobody(path):
    killed_before_the_rename(path, "create")
    assert not path.exists()
    assert [mode(file) for file in drafts(path)] == [0o600]
    master = FileKeyStore(path).create()
    assert FileKeyStore(path).current() == master
    assert drafts(path) == []


@posix
def test_a_process_killed_between_draft_and_rename_changes_nothing(path):
    store = FileKeyStore(path)
    old, new = store.create(), store.create()
    store.promote(new.key_id)
    before = path.read_bytes()
    killed_before_the_rename(path, "destroy", old.key_id)
    assert path.read_bytes() == before
    assert len(drafts(path)) == 1
    store.destroy(old.key_id)
    assert drafts(path) == []  # none that would keep a destroyed key
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert text_of(old.key).encode() not in left
    assert text_of(new.key).encode() in left


@posix
def test_a_failed_write_leaves_the_old_file_and_no_draft(path, monkeypatch):
    store = FileKeyStore(path)
    store.create()
    before = path.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MissingKeyError, match="cannot be written: No space left"):
        store.create()
    assert (path.read_bytes(), drafts(path)) == (before, [])


def test_a_file_that_appears_meanwhile_is_never_replaced_by_a_first_key(path, monkeypatch):
    store = FileKeyStore(path)
    path.parent.mkdir()
    path.write_text("copied in by hand", "utf-8")
    path.chmod(0o600)
    monkeypatch.setattr(store, "_is_there", lambda: False)
    with pytest.raises(MissingKeyError, match="File exists"):
        store.create()
    assert path.read_text("utf-8") == "copied in by hand"
    assert drafts(path) == []


def test_a_lock_that_is_never_released_is_told(path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr("mlmcsc.adapters.keystore.file.LOCK_SECONDS", 0.1)
    store = FileKeyStore(path)
    store.create()
    with (
        FileLock(path.with_name("lab.key.lock")),
        pytest.raises(MissingKeyError, match=r"another process.*0\.1 s"),
    ):
        store.create()
    assert store.create()


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


def test_no_store_shows_its_keys(path):
    file, memory = FileKeyStore(path), MemoryKeyStore()
    masters = [file.create(), memory.create(), master_key(KEY)]
    shown = repr([file, memory, memory._ring, masters, EnvironmentKeyStore(text_of(KEY))])
    shown += str([vars(file), vars(memory)])
    for master in masters:
        assert text_of(master.key) not in shown
        assert repr(master.key) not in shown


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
