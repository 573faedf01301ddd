"""People's wrapped data keys: a private file that is replaced whole, and believed only if sound."""

from __future__ import annotations

import base64
import dataclasses
import os
import threading

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.domain.privacy.data_keys import DataKeys, merged
from mlmcsc.errors import IntegrityError, StoreError

PUBLIC = "ab" * 32
A, B = ("k1", b"a" * 60), ("k2", b"b" * 60)
SOME = DataKeys("db", PUBLIC, {"p1": A, "p2": B}, frozenset({"p3"}))


@pytest.fixture
def file(tmp_path):
    return DataKeyFile(tmp_path / "keys" / "db.datakeys.json")


@pytest.fixture
def written(file):
    file.update(lambda _: SOME)
    return file


def test_what_is_kept_comes_back_and_only_its_owner_may_read_it(file):
    assert file.read() is None
    assert file.update(lambda before: SOME if before is None else before) == SOME
    assert file.read() == SOME
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_of_a_database_in_memory_is_kept():
    file = DataKeyFile(None)
    assert file.update(lambda _: SOME) == SOME
    assert file.read() is None


def test_a_change_sees_what_another_wrote_before(written):
    """Two at once: the second waits, and reads afterwards."""
    entered, go = threading.Event(), threading.Event()

    def slowly(before):
        entered.set()
        go.wait(10)
        return dataclasses.replace(before, keys={"p1": A})

    first = threading.Thread(target=written.update, args=[slowly])
    first.start()
    entered.wait(10)
    seen = []
    second = threading.Thread(target=written.update, args=[lambda b: seen.append(b) or b])
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert [dict(each.keys) for each in seen] == [{"p1": A}]


def test_a_change_that_fails_leaves_the_file_as_it_was(written, monkeypatch):
    before = written.path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        written.update(lambda _: 1 // 0)
    monkeypatch.setattr(os, "fsync", _no_room)
    with pytest.raises(StoreError, match="cannot be written: No space left"):
        written.update(lambda each: dataclasses.replace(each, keys={}))
    assert written.path.read_bytes() == before
    assert sorted(p.name for p in written.path.parent.iterdir()) == [
        "db.datakeys.json",
        "db.datakeys.json.lock",
    ]


def _no_room(_):
    raise OSError(28, "No space left on device")


def test_drafts_of_a_killed_run_which_may_hold_an_erased_person_go(written):
    draft = written.path.with_name(".db.datakeys.json.x.draft")
    draft.write_text("p3")
    written.update(lambda each: each)
    assert not draft.exists()


def harmed(**members):
    return lambda found: orjson.dumps({**found, **members})


def entry(**members):
    one = {"key_id": "k1", "wrapped": base64.b64encode(b"a" * 60).decode()}
    return harmed(keys={"p1": {**one, **members}})


HARMS = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"{",
    "a list": lambda _: b"[]",
    "nothing": lambda _: b"null",
    "cut": lambda found: orjson.dumps(found)[:-9],
    "too deep": lambda _: b"[" * 100_000,
    "another format": harmed(format="mlmcsc-data-keys-2"),
    "a stranger's": harmed(database_id="other"),
    "more": harmed(more=1),
    "no key": harmed(public_key="ab"),
    "keys in a list": harmed(keys=["p1"]),
    "a bad subject": harmed(keys={"../x": {}}),
    "an entry as text": harmed(keys={"p1": "k1"}),
    "no base64": entry(wrapped="!" * 80),
    "too short": entry(wrapped="YWJj"),
    "a number": entry(wrapped=7),
    "a key's id as number": entry(key_id=7),
    "a long key's id": entry(key_id="k" * 65),
    "more in an entry": entry(more=1),
    "an erased person's": harmed(forgotten=["p1"]),
    "forgotten numbers": harmed(forgotten=[7]),
}


@pytest.mark.parametrize("harm", HARMS)
def test_anything_else_is_refused_and_left_as_it_is(written, harm):
    content = HARMS[harm](orjson.loads(written.path.read_bytes()))
    written.path.write_bytes(content)
    for call in (written.read, lambda: written.update(lambda _: SOME)):
        with pytest.raises(IntegrityError, match=r"db\.datakeys\.json is damaged.*backup create"):
            call()
    assert written.path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_or_change_is_refused(written, mode):
    written.path.chmod(mode)
    with pytest.raises(StoreError, match="chmod 600"):
        written.read()


def test_a_folder_or_an_endless_file_is_refused(written):
    written.path.unlink()
    written.path.mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        written.read()
    written.path.rmdir()
    with written.path.open("wb") as out:
        out.truncate((64 << 20) + 1)
    written.path.chmod(0o600)
    with pytest.raises(StoreError, match="above 64 MiB"):
        written.read()


def test_it_is_merged_only_with_what_the_same_database_holds():
    stranger = dataclasses.replace(SOME, public_key="cd" * 32)
    with pytest.raises(IntegrityError, match="audit verify"):
        merged(SOME, stranger)


SUBJECTS = st.sampled_from([f"p{n}" for n in range(6)])
KEYS = st.dictionaries(SUBJECTS, st.sampled_from([A, B]))


@given(before=KEYS, gone=st.frozensets(SUBJECTS), now=KEYS, erased=st.frozensets(SUBJECTS))
def test_nobody_is_lost_but_who_was_erased_and_they_never_return(before, gone, now, erased):
    kept = {who: key for who, key in before.items() if who not in gone}
    ours = DataKeys("db", PUBLIC, now, erased)
    after = merged(DataKeys("db", PUBLIC, kept, gone), ours)
    assert after.forgotten == gone | erased
    assert set(after.keys) == (set(kept) | set(now)) - after.forgotten
    assert all(after.keys[who] == now.get(who, kept.get(who)) for who in after.keys)
    assert merged(after, ours) == after
