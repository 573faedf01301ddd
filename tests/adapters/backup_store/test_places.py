"""What a place of backups promises, be it a folder or a bucket."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmcsc.adapters.backup_store import LocalStore, lease, open_store
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    StoreError,
    UnknownRecordError,
    ValidationError,
)

SET = "ab" * 16
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OUTSIDE = ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "a\0b", "a\\b", "a\nb"]


def put_set(store, name, files=("database/mlmcsc.db",)):
    staged = store.staged(name, SET)
    for file in files:
        store.put_bytes(f"{staged}/{file}", b"data")
    assert store.put_bytes(f"{staged}/manifest.json", b"{}", new=True)
    store.publish(name, staged)


def other_lease(store, until):
    record = lease.LeaseRecord("Eva", "prune", "other", "elsewhere", LONG_AGO.isoformat(), until)
    store.put_bytes(lease.FILE, record.raw())


class TestFiles:
    def test_a_file_comes_back_as_it_was_put(self, store, tmp_path):
        source = tmp_path / "source"
        source.write_bytes(bytes(range(256)) * 12_000)
        told = []
        store.put_file("set/database/x", source, told=told.append)
        assert b"".join(store.read("set/database/x")) == source.read_bytes()
        assert store.size("set/database/x") == sum(told) == 3_072_000

    def test_an_empty_file_is_a_file(self, store):
        store.put_bytes("set/empty", b"")
        assert store.size("set/empty") == 0
        assert b"".join(store.read("set/empty")) == b""

    def test_a_file_that_is_not_there_is_not_known(self, store):
        assert store.size("set/none") is None
        with pytest.raises(UnknownRecordError, match="set/none"):
            list(store.read("set/none"))

    def test_a_new_file_never_replaces_another(self, store):
        assert store.put_bytes("set/manifest.json", b"first", new=True)
        assert not store.put_bytes("set/manifest.json", b"second", new=True)
        assert store.get("set/manifest.json", 100) == b"first"

    def test_a_small_file_that_is_large_is_not_read(self, store):
        store.put_bytes("set/x", bytes(101))
        with pytest.raises(IntegrityError, match="100 bytes"):
            store.get("set/x", 100)

    def test_files_are_listed_below_their_folder_only(self, store):
        for key in ("a/b/one", "a/bc/two", "objects/ab/three"):
            store.put_bytes(key, b"123")
        assert [each.key for each in store.entries("a/b/")] == ["a/b/one"]
        every = list(store.entries())
        assert [each.key for each in every] == ["a/b/one", "a/bc/two", "objects/ab/three"]
        assert {each.n_bytes for each in every} == {3}
        assert datetime.now(UTC) - every[0].modified_at < timedelta(minutes=1)
        assert store.names() == ["a", "objects"]

    def test_what_is_removed_is_gone_and_may_be_removed_again(self, store):
        store.put_bytes("a/one", b"1")
        store.put_bytes("a/two", b"2")
        for _ in range(2):
            store.remove(["a/one"])
        assert [each.key for each in store.entries()] == ["a/two"]
        store.remove(["a/two"])
        assert store.names() == []

    @pytest.mark.parametrize("key", OUTSIDE)
    def test_no_key_leads_out_of_the_place(self, store, key):
        with pytest.raises(ValidationError, match="relative name"):
            store.put_bytes(key, b"x")
        with pytest.raises(ValidationError, match="relative name"):
            list(store.read(key))
        with pytest.raises(ValidationError, match="relative name"):
            store.remove([key])


class TestSets:
    def test_a_set_has_its_name_when_it_is_whole(self, store):
        put_set(store, "one")
        assert store.names() == ["one"]
        assert store.get("one/database/mlmcsc.db", 10) == b"data"

    @pytest.mark.parametrize("name", ["one", "ONE"])
    def test_a_name_is_never_given_twice(self, store, name):
        put_set(store, "one")
        with pytest.raises(ConflictError, match="'one' already"):
            store.staged(name, "cd" * 16)

    def test_a_set_without_a_manifest_gets_no_name(self, store):
        staged = store.staged("one", SET)
        store.put_bytes(f"{staged}/database/x", b"half")
        with pytest.raises(StoreError, match="not whole"):
            store.publish("one", staged)

    def test_what_a_killed_run_left_is_tidied_and_sets_stay(self, store):
        put_set(store, "one")
        staged = store.staged("two", "cd" * 16)
        store.put_bytes(f"{staged}/database/x", b"half")
        assert store.tidy(datetime.now(UTC) + timedelta(minutes=1)) == 1
        assert [each.key for each in store.entries()] == [
            "one/database/mlmcsc.db",
            "one/manifest.json",
        ]

    def test_what_is_not_ours_is_never_tidied(self, store):
        keys = ["photos/database/x", "photos/.draft-x", "objects/ab/x", "wal/x"]
        for key in keys:
            store.put_bytes(key, b"precious")
        assert store.tidy(datetime.now(UTC) + timedelta(minutes=1)) == 0
        assert all(store.size(key) == 8 for key in keys)

    def test_a_set_that_was_removed_is_gone_and_its_name_free(self, store):
        put_set(store, "one")
        store.remove(["one/manifest.json"])
        store.remove([each.key for each in store.entries("one/")])
        assert store.names() == []
        put_set(store, "one")


class TestLeases:
    def test_only_one_holds_a_place(self, store, place):
        with (
            store.leased("backup", "Ada"),
            pytest.raises(ConflictError, match="held by Ada for backup"),
            open_store(place).leased("prune", "Eva"),
        ):
            pass
        with open_store(place).leased("prune", "Eva") as held:
            held.check()

    def test_of_many_at_once_one_wins(self, place):
        start, outcomes, ended = threading.Barrier(5), [], threading.Event()

        def take():
            with ExitStack() as stack:
                start.wait()
                try:
                    stack.enter_context(open_store(place).leased("backup", "Ada"))
                except ConflictError:
                    outcomes.append("lost")
                    return
                outcomes.append("won")
                ended.wait(30)

        threads = [threading.Thread(target=take) for _ in range(5)]
        for each in threads:
            each.start()
        while len(outcomes) < 5:
            ended.wait(0.01)
        ended.set()
        for each in threads:
            each.join()
        assert sorted(outcomes) == ["lost"] * 4 + ["won"]

    def test_the_lease_of_another_machine_counts_until_it_ran_out(self, store):
        other_lease(store, (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
        with pytest.raises(ConflictError, match="held by Eva"), store.leased("backup", "Ada"):
            pass
        other_lease(store, (datetime.now(UTC) - timedelta(minutes=2)).isoformat())
        with store.leased("backup", "Ada") as held:
            held.check()

    def test_who_lost_the_place_deletes_nothing(self, store):
        store.put_bytes("one/manifest.json", b"{}")
        with store.leased("prune", "Ada") as held:
            other_lease(store, (datetime.now(UTC) + timedelta(minutes=5)).isoformat())
            with pytest.raises(ConflictError, match="Eva has now"):
                store.remove(["one/manifest.json"])
            with pytest.raises(ConflictError, match="lost its hold"):
                held.check()
        assert store.size("one/manifest.json") == 2
        assert b"Eva" in store.get(lease.FILE, 1000), "and leaves the place to the other"

    @pytest.mark.parametrize("until", ["2127-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
    def test_a_lease_that_would_hold_for_ever_is_not_ours(self, store, until):
        other_lease(store, until)
        with pytest.raises(IntegrityError, match="damaged or not ours"):
            store.leased("backup", "Ada").__enter__()

    def test_a_lease_that_could_not_be_renewed_stops_the_next_write(self, store, monkeypatch):
        with store.leased("prune", "Ada") as held:
            held.still()
        monkeypatch.setattr(lease, "HELD", timedelta(seconds=-1))
        with (
            store.leased("prune", "Ada") as held,
            pytest.raises(ConflictError, match="could not renew"),
        ):
            held.still()

    def test_a_lease_is_renewed_while_it_is_held(self, store, monkeypatch):
        monkeypatch.setattr(lease, "RENEWED", 0.01)
        with store.leased("backup", "Ada"):
            first = store.get(lease.FILE, 1000)
            for _ in range(500):
                if store.get(lease.FILE, 1000) != first:
                    break
                threading.Event().wait(0.01)
            else:
                pytest.fail("it was never renewed")

    def test_a_damaged_lease_is_no_leave_to_enter(self, store):
        store.put_bytes(lease.FILE, b"{")
        with pytest.raises(IntegrityError, match="delete this file"), store.leased("a", "b"):
            pass


def test_a_place_that_is_neither_folder_nor_bucket_is_refused():
    for place in (
        "s3:/bucket/x",
        Path("s3://bucket/x"),
        "gs:/x",
        "~/x",
        "http://host/x",
        "ftp://x",
        "",
        "s3://Ba_d/x",
        "s3://key:secret@bucket/x",
    ):
        with pytest.raises(ValidationError) as caught:
            open_store(place)
        assert "secret" not in str(caught.value)


def test_a_path_is_a_folder(tmp_path):
    assert isinstance(open_store(tmp_path), LocalStore)
    assert not list(tmp_path.iterdir())
