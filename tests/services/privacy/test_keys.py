"""A new master key takes over whatever happens, and no name is lost."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import MissingKeyError, PermissionDeniedError
from mlmcsc.services.privacy import keys

pytestmark = pytest.mark.sqlite_tells

PEOPLE = 40


@pytest.fixture
def crowd(own_keys, db):
    for number in range(PEOPLE):
        db.register_technician(f"t{number}", f"Name {number}")
    return db


def names(db):
    return sorted(t.name for t in db.technicians.list().items)


EXPECTED = sorted(f"Name {n}" for n in range(PEOPLE))


def test_everything_is_wrapped_by_the_new_key(crowd, monkeypatch, sql):
    monkeypatch.setattr(keys, "BATCH", 7)
    before = crowd.vault_keys.state()
    report = crowd.vault_keys.rotate()
    after = crowd.vault_keys.state()
    assert report.key_id == after.current != before.current
    assert after.retired == (before.current,)
    assert set(after.people) == {after.current}
    assert after.signing_key == after.current
    assert not after.unfinished
    assert not report.resumed
    assert report.people == PEOPLE + 1  # and whoever runs this
    assert names(crowd) == EXPECTED
    assert crowd.audit_proof.checkpoint().signature
    events = sql("SELECT n_rows FROM audit_logs WHERE operation = 'ROTATE_KEY' ORDER BY id")
    assert sum(n for (n,) in events[:-1]) == PEOPLE + 1


def test_the_keys_have_a_right_of_their_own_which_opens_no_personal_text(crowd):
    others = crowd.acting_as(Actor("others", frozenset(Permission) - {Permission.KEYS}))
    for call in (
        others.vault_keys.state,
        others.vault_keys.rotate,
        others.vault_keys.destroy_retired,
    ):
        with pytest.raises(PermissionDeniedError, match="'keys'"):
            call()
    rights = frozenset({Permission.READ, Permission.KEYS})
    keeper = crowd.acting_as(Actor("keeper", rights))
    keeper.vault_keys.rotate()
    assert keeper.vault_keys.destroy_retired().kept == ()
    assert set(names(keeper)) == {"[withheld]"}
    assert names(crowd) == EXPECTED


def test_nobody_else_need_reopen_the_database(crowd, url):
    with DatabaseManager(url) as other:
        assert names(other) == EXPECTED
        crowd.vault_keys.rotate()
        other.register_technician("new", "Zoe New")
        assert names(other) == [*EXPECTED, "Zoe New"]
    assert crowd.vault_keys.state().older == 0


def test_old_keys_are_destroyed_only_when_asked(crowd):
    old = crowd.vault_keys.state().current
    crowd.vault_keys.rotate()
    gone = crowd.vault_keys.destroy_retired()
    assert gone.destroyed == (old,)
    assert crowd.vault_keys.state().retired == ()
    assert names(crowd) == EXPECTED


def test_a_key_that_still_wraps_something_is_never_destroyed(crowd, sql):
    old = crowd.vault_keys.state().current
    (kept,) = sql("SELECT wrapped_key FROM subjects WHERE identifier = 't3'")[0]
    crowd.vault_keys.rotate()
    sql(  # as if another process had been slow
        "UPDATE subjects SET wrapped_key = :w, key_id = :k WHERE identifier = 't3'", w=kept, k=old
    )
    assert crowd.vault_keys.state().unfinished
    gone = crowd.vault_keys.destroy_retired()
    assert (gone.destroyed, gone.kept) == ((), (old,))
    assert crowd.vault_keys.rotate().resumed
    assert crowd.vault_keys.destroy_retired().destroyed == (old,)
    assert names(crowd) == EXPECTED


ROTATE = """
import os, signal, sys
from mlmcsc import DatabaseManager
from mlmcsc.services.privacy import keys
from mlmcsc.store.queries import privacy_keys
from mlmcsc.adapters.keystore.file import FileKeyStore
keys.BATCH = 7
point = sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def after(owner, name, nth):
    inner, calls = getattr(owner, name), []
    def wrapped(*args):
        result = inner(*args)
        calls.append(1)
        if len(calls) == nth:
            die()
        return result
    setattr(owner, name, wrapped)

if point == "created":
    after(FileKeyStore, "create", 1)
elif point == "promoted":
    after(FileKeyStore, "promote", 1)
elif point == "signing":
    after(privacy_keys, "rewrap_signing_key", 1)
elif point.startswith("batch"):
    after(privacy_keys, "rewrap_people", int(point[5:]))
with DatabaseManager(sys.argv[1]) as db:
    db.vault_keys.rotate(progress=die if point == "committed" else None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(
    "point", ["created", "batch1", "batch3", "committed", "signing", "promoted"]
)
def test_killed_at_any_point_it_goes_on_with_the_same_key(crowd, url, point):
    old = crowd.vault_keys.state().current
    died = subprocess.run([sys.executable, "-c", ROTATE, url, point], check=False)
    assert died.returncode == -9
    assert names(crowd) == EXPECTED
    begun = crowd.vault_keys.state()
    assert begun.unfinished
    (new,) = begun.pending or (begun.current,)
    assert new != old
    report = crowd.vault_keys.rotate()
    assert report.resumed
    assert report.key_id == new
    finished = crowd.vault_keys.state()
    assert finished.retired == (old,)
    assert not finished.unfinished
    crowd.vault_keys.destroy_retired()
    with DatabaseManager(url) as again:
        assert names(again) == EXPECTED


def key_file(db):
    return Path(db.vault_keys.state().place)


def test_a_lost_key_is_told_and_changes_nothing(crowd, url, nothing_written):
    place = key_file(crowd)
    away = place.with_name("away")
    place.rename(away)
    with DatabaseManager(url) as db, nothing_written():
        with pytest.raises(MissingKeyError):
            db.vault_keys.rotate()
        with pytest.raises(MissingKeyError):
            db.vault_keys.destroy_retired()
        state = db.vault_keys.state()
        assert state.problem
        assert state.missing
    assert not place.exists()
    away.rename(place)
    with DatabaseManager(url) as db:
        assert names(db) == EXPECTED


def test_a_wrong_key_is_told_and_changes_nothing(crowd, url, monkeypatch, nothing_written):
    monkeypatch.setenv("MLMCSC_KEY", base64.b64encode(os.urandom(32)).decode())
    with DatabaseManager(url) as db, nothing_written():
        with pytest.raises(MissingKeyError, match="Neither"):
            db.vault_keys.rotate()
        with pytest.raises(MissingKeyError):
            db.export_user_data("t1")


def test_keys_in_variables_are_rotated_by_setting_both(crowd, url, monkeypatch):
    state = crowd.vault_keys.state()
    old = crowd._database.store.vault._keys.current().key
    new = os.urandom(32)
    monkeypatch.setenv("MLMCSC_KEY", base64.b64encode(new).decode())
    monkeypatch.setenv("MLMCSC_KEY_RETIRED", base64.b64encode(old).decode())
    with DatabaseManager(url) as db:
        report = db.vault_keys.rotate()
        assert report.people == PEOPLE + 1
        assert report.retired == (state.current,)
        with pytest.raises(MissingKeyError, match="MLMCSC_KEY_RETIRED"):
            db.vault_keys.rotate()  # a further one needs a further key
        with pytest.raises(MissingKeyError, match="Remove it where"):
            db.vault_keys.destroy_retired()
    monkeypatch.delenv("MLMCSC_KEY_RETIRED")
    with DatabaseManager(url) as db:
        assert names(db) == EXPECTED
