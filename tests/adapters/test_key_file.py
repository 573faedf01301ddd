"""A key file is refused when it is not safe or not whole, and is left as it is."""

from __future__ import annotations

import base64
import json
import os
import stat
import traceback

import pytest

from mlmcsc.adapters.keystore import (
    FileKeyStore,
)
from mlmcsc.errors import MissingKeyError, NoKeyError

posix = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and links are POSIX's")
REPAIR = "machine that made the database, or set MLMCSC_KEY_FILE"
OLD = b"o" * 32


def text_of(key):
    return base64.b64encode(key).decode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "lab.key"


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


def test_a_missing_file_that_nobody_named_is_no_key_and_everything_else_is_a_wrong_one(path):
    with pytest.raises(NoKeyError):
        FileKeyStore(path).current()
    with pytest.raises(MissingKeyError) as caught:
        FileKeyStore(path, is_named=True).current()
    assert not isinstance(caught.value, NoKeyError)
    FileKeyStore(path).create()
    whole = path.read_bytes()
    for wrong in (b"", whole[:40]):
        path.write_bytes(wrong)
        with pytest.raises(MissingKeyError) as caught:
            FileKeyStore(path).current()
        assert not isinstance(caught.value, NoKeyError)


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
