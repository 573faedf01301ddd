"""Processes, threads, kills and full disks: no key is lost."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from mlmcsc.adapters.keystore import (
    FileKeyStore,
)
from mlmcsc.errors import MissingKeyError

posix = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and links are POSIX's")


def text_of(key):
    return base64.b64encode(key).decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "lab.key"


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
