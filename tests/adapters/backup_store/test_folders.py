"""What a folder promises besides: privacy, no links, and what the disk's failures become."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from mlmcsc.adapters.backup_store import LocalStore
from mlmcsc.errors import ConflictError, StoreError, UnknownRecordError

HOLDER = """
import sys, time
from mlmcsc.adapters.backup_store import LocalStore
with LocalStore(sys.argv[1]).leased("backup", "Ada"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "backups")


def test_all_is_its_owners_alone(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o644)
    store.put_bytes("one/a/b", b"x")
    store.put_file("one/a/c", source)
    store.put_file("one/a/d", source, move=True)
    with store.leased("backup", "Ada"):
        for folder, folders, files in os.walk(tmp_path / "backups"):
            for name in folders:
                assert os.stat(f"{folder}/{name}").st_mode & 0o777 == 0o700
            for name in files:
                assert os.stat(f"{folder}/{name}").st_mode & 0o777 == 0o600, name
    assert not source.exists(), "what may be moved is not copied"


def test_a_link_in_the_place_is_never_followed(store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    store.put_bytes("one/x", b"x")
    (tmp_path / "backups" / "two").symlink_to(outside)
    (tmp_path / "backups" / "one" / "link").symlink_to(outside / "secret")
    for key in ("two/secret", "one/link"):
        with pytest.raises(StoreError, match="is a link"):
            list(store.read(key))
        with pytest.raises(StoreError, match="is a link"):
            store.put_bytes(key, b"x")
        with pytest.raises(StoreError, match="is a link"):
            store.remove([key])
    assert [each.key for each in store.entries()] == ["one/x"]
    assert store.names() == ["one"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_pipe_is_no_file_and_is_not_waited_for(store, tmp_path):
    store.put_bytes("one/x", b"x")
    os.mkfifo(tmp_path / "backups" / "one" / "pipe")
    with pytest.raises(UnknownRecordError):
        list(store.read("one/pipe"))


def test_unfinished_files_are_not_listed(store):
    staged = store.staged("one", "ab" * 16)
    store.put_bytes(f"{staged}/x", b"x")
    assert list(store.entries()) == []
    assert store.names() == []
    assert [each.key for each in store.entries(f"{staged}/")] == [f"{staged}/x"]


def test_of_two_sets_with_one_name_the_later_one_is_refused(store, tmp_path):
    first, second = (store.staged("one", digit * 32) for digit in "12")
    for staged in (first, second):
        store.put_bytes(f"{staged}/manifest.json", staged.encode())
    store.publish("one", first)
    with pytest.raises(ConflictError, match="already"):
        store.publish("one", second)
    assert store.get("one/manifest.json", 100) == first.encode()


@pytest.mark.parametrize(
    ("number", "repair"),
    [
        (errno.ENOSPC, "Make room"),
        (errno.EIO, "disk failed"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permissions"),
    ],
)
def test_what_the_disk_refuses_leaves_nothing_and_says_the_repair(
    store, tmp_path, monkeypatch, number, repair
):
    store.put_bytes("one/x", b"old")
    (tmp_path / "source").write_bytes(b"new" * 1000)

    def refuse(_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=repair):
            store.put_bytes("one/x", b"new")
        with pytest.raises(StoreError, match=repair):
            store.put_file("one/x", tmp_path / "source")
    assert store.get("one/x", 100) == b"old"
    assert os.listdir(tmp_path / "backups" / "one") == ["x"]


def test_a_killed_process_frees_the_place_at_once(store, tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "backups")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ConflictError, match="held by Ada"), store.leased("prune", "Eva"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with store.leased("prune", "Eva") as held:
        held.check()


def test_an_error_of_the_work_under_a_lease_stays_what_it_is(store):
    with pytest.raises(FileNotFoundError), store.leased("backup", "Ada"):
        os.stat("/nonexistent/file")
    with store.leased("backup", "Ada"):
        pass
