"""A bucket behind a bad line: never silent success, never a half file that looks whole."""

from __future__ import annotations

import http.client
import os
import sys
from contextlib import nullcontext
from urllib.parse import urlsplit

import pytest

from mlmcsc.adapters.backup_store import lease, open_store, s3_writing
from mlmcsc.errors import IntegrityError, StoreError, UnsupportedError

SMALL, LARGE = 1000, (5 << 20) * 2 + 12_345
FAULTS = [
    ("PUT", "reset"),
    ("PUT", "503"),
    ("PUT", "lost answer"),
    ("PUT", "corrupt upload"),
    ("PUT", "cut short"),
    ("POST", "reset"),
    ("POST", "503"),
    ("POST", "lost answer"),
    ("GET", "reset"),
    ("GET", "503"),
    ("GET", "cut short"),
    ("GET", "corrupt download"),
]


@pytest.fixture
def store(proxy, bucket_url, monkeypatch):
    monkeypatch.setattr(s3_writing, "PART", 5 << 20)  # S3's smallest
    return open_store(bucket_url)


@pytest.fixture
def content():
    return {size: os.urandom(size) for size in (SMALL, LARGE)}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "in parts"])
@pytest.mark.parametrize(("method", "fault"), FAULTS)
def test_a_passing_fault_is_mended(store, proxy, tmp_path, content, method, fault, size):
    (tmp_path / "source").write_bytes(content[size])
    told = []
    proxy.faults.append([method, fault, 1])
    store.put_file("one/x", tmp_path / "source", told=told.append)
    assert proxy.done or (method == "POST" and size == SMALL)
    assert b"".join(store.read("one/x")) == content[size]
    assert sum(told) == size


@pytest.mark.parametrize(("method", "fault"), FAULTS)
def test_a_lasting_fault_is_told_and_leaves_nothing_that_looks_whole(
    store, proxy, s3_server, bucket_url, tmp_path, content, monkeypatch, method, fault
):
    size = LARGE if method == "POST" else SMALL
    (tmp_path / "source").write_bytes(content[size])
    proxy.faults.append([method, fault, 1000])
    # It was done, and only the answer is missing; POST asks for the parts' number, and needs one.
    succeeds = method == "PUT" and fault in {"lost answer", "cut short"}
    with nullcontext() if succeeds else pytest.raises(StoreError, match="one/x"):
        store.put_file("one/x", tmp_path / "source")
    assert proxy.done
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    direct = open_store(bucket_url)
    if succeeds or direct.size("one/x") is not None:
        assert b"".join(direct.read("one/x")) == content[size]


@pytest.mark.parametrize("fault", ["reset", "503", "cut short"])
def test_what_breaks_off_while_read_is_taken_up_again(store, proxy, tmp_path, content, fault):
    (tmp_path / "source").write_bytes(content[LARGE])
    store.put_file("one/x", tmp_path / "source")
    proxy.faults.append(["GET", fault, 3])
    assert b"".join(store.read("one/x")) == content[LARGE]
    assert proxy.done.count(fault) == 3


@pytest.mark.parametrize("fault", ["reset", "503", "cut short"])
def test_what_cannot_be_read_never_ends_as_if_it_were_whole(store, proxy, fault):
    store.put_bytes("one/x", bytes(100_000))
    proxy.faults.append(["GET", fault, 1000])
    with pytest.raises(StoreError, match="reading one/x failed"):
        list(store.read("one/x"))


@pytest.mark.parametrize("fault", ["reset", "503", "lost answer", "corrupt upload"])
def test_a_new_file_is_ours_or_anothers_whatever_is_lost(store, proxy, fault):
    proxy.faults.append(["PUT", fault, 1])
    assert store.put_bytes("one/manifest.json", b"ours", new=True)
    assert store.get("one/manifest.json", 100) == b"ours"
    proxy.faults.append(["PUT", fault, 1])
    assert not store.put_bytes("one/manifest.json", b"another", new=True)
    assert store.get("one/manifest.json", 100) == b"ours"


@pytest.mark.parametrize("fault", ["reset", "503", "lost answer"])
def test_a_lease_is_had_and_kept_over_a_bad_line(store, proxy, fault):
    proxy.faults.append(["PUT", fault, 1])
    with store.leased("backup", "Ada") as held:
        proxy.faults.append(["PUT", fault, 1])
        held.check()
        assert b"Ada" in store.get(lease.FILE, 1000)


def test_a_bucket_that_is_not_there_is_named(store, proxy):
    other = open_store("s3://no-such-bucket/x")
    with pytest.raises(StoreError, match="Make the bucket"):
        other.put_bytes("one/x", b"x")
    with pytest.raises(StoreError, match="Make the bucket"):
        list(other.entries())


@pytest.mark.parametrize("odd", ["/manifest.json", "../x/manifest.json"])
def test_a_name_that_keeps_the_bucket_from_being_listed_is_told(store, s3_server, odd):
    connection = http.client.HTTPConnection(urlsplit(s3_server).netloc, timeout=30)
    bucket, _, prefix = store.place.removeprefix("s3://").partition("/")
    connection.request("PUT", f"/{bucket}/{prefix}/{odd}", b"{}")
    assert connection.getresponse().status == 200
    connection.close()
    with pytest.raises(StoreError, match="delete it") as caught:
        list(store.entries())
    assert f"'{prefix}/{odd}'" in str(caught.value)


def test_nobody_at_the_endpoint_is_told_within_seconds(bucket_url, impatient, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL"):
        open_store(bucket_url).put_bytes("one/x", b"x")


class TestCredentials:
    def test_they_come_from_the_credentials_file_too(self, bucket_url, monkeypatch, tmp_path):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(StoreError, match="no credentials"):
            open_store(bucket_url)
        file = tmp_path / "no-credentials"
        file.write_text("[lab]\naws_access_key_id = AKIA\naws_secret_access_key = hush%hush\n")
        monkeypatch.setenv("AWS_PROFILE", "lab")
        store = open_store(bucket_url)
        store.put_bytes("one/x", b"x")
        assert store.get("one/x", 10) == b"x"

    def test_a_file_that_cannot_be_read_is_not_repeated(self, bucket_url, monkeypatch, tmp_path):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        (tmp_path / "no-credentials").write_text("hush-hush\n")
        with pytest.raises(StoreError, match="AWS file") as caught:
            open_store(bucket_url)
        assert "hush" not in str(caught.value)
        assert caught.value.__suppress_context__

    def test_no_message_has_them(self, proxy, bucket_url, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "hush-token")
        store = open_store(bucket_url)
        proxy.faults.append(["PUT", "503", 1000])
        with pytest.raises(StoreError) as caught:
            store.put_bytes("one/x", b"x")
        told = str(caught.value) + repr(store) + repr(vars(store))
        assert "hush" not in told
        assert "AKIA" not in told
        assert caught.value.__suppress_context__

    def test_without_the_package_the_extra_is_named(self, bucket_url, monkeypatch):
        monkeypatch.setitem(sys.modules, "obstore.store", None)
        with pytest.raises(UnsupportedError, match=r"mlmcsc\[s3\]"):
            open_store(bucket_url)


def test_bytes_changed_on_the_way_every_time_are_no_backup(store, proxy):
    proxy.faults.append(["PUT", "corrupt upload", 1000])
    with pytest.raises(IntegrityError, match="not what was sent"):
        store.put_bytes("objects/ab/x", b"content" * 100)
    assert store.size("objects/ab/x") is None
