"""People's wrapped data keys are kept beside the ledger, and nobody's who was erased."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.backups.holdings import HeldSet, Holdings, gone_by
from mlmcsc.domain.backups.keeping import Periods
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import ConflictError, IntegrityError, StoreError
from mlmcsc.services.privacy.backup_sets import BackupSets
from mlmcsc.store.queries import data_keys

pytestmark = pytest.mark.sqlite_tells

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def db(own_keys, db):
    """With keys and files of its own."""
    return db


@pytest.fixture
def staff(db):
    """Jo and Eva, whose keys are kept; subject ids by staff number."""
    for name in ("jo", "eva"):
        db.register_technician(name, f"{name} Lund")
    db._database.kept_keys.update()
    return lambda: subjects(db)


def subjects(db):
    with db._database.store.read() as view:
        rows = view.conn.exec_driver_sql("SELECT identifier, subject_id FROM subjects")
        return {name: who for name, who in rows if name}


def backed_up(db, sql):
    """The register of backups says that there is one."""
    sql(
        "INSERT INTO backups (name, place, set_id, kind, taken_at, finished_at, n_bytes, new_bytes,"
        " manifest_sha256) VALUES ('b', 'x', 's', 'manual', :at, :at, 1, 1, 'm')",
        at="2026-11-23 12:00:00+00:00",
    )


def test_an_erasure_forgets_the_person_and_no_other(db, staff):
    who, file = staff(), db._database.data_keys
    assert set(who.values()) <= set(file.read().keys)
    db.delete_user_data("jo")
    kept = file.read()
    assert who["jo"] in kept.forgotten
    assert who["jo"] not in kept.keys
    assert who["eva"] in kept.keys
    assert db.vault_keys.state().kept.current


def test_a_copy_of_the_database_that_has_not_replayed_brings_nobody_back(db, staff):
    """Its people are told by `unreplayed`; others of it are not lost."""
    who, file = staff(), db._database.data_keys
    stranger = {"p-of-a-copy": ("k", b"x" * 60)}
    file.update(lambda each: dataclasses.replace(each, keys={**each.keys, **stranger}))
    now = file.read()
    db.delete_user_data("jo")
    with db._database.store.read() as view:
        before = dataclasses.replace(data_keys.held(view), keys=now.keys, forgotten=frozenset())
    file.update(lambda each: _merged(each, before))
    assert who["jo"] not in file.read().keys
    assert "p-of-a-copy" in file.read().keys


def _merged(kept, copy):
    from mlmcsc.domain.privacy.data_keys import merged

    return merged(kept, copy)


HARMS = {
    "missing": (lambda path: path.rename(path.with_name("away")), "is no file of data keys"),
    "damaged": (lambda path: path.write_text("{}"), "damaged"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "is a folder"),
    "open to all": (lambda path: path.chmod(0o644), "chmod 600"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_an_erasure_waits_for_a_file_that_does_not_serve_and_goes_on(db, staff, sql, harm):
    backed_up(db, sql)
    path, who = db._database.data_keys.path, staff()
    good = path.read_bytes()
    do, why = HARMS[harm]
    do(path)
    with pytest.raises(StoreError, match=why):
        db.delete_user_data("jo")
    report = db.generate_privacy_report()
    assert report.erasures_unfinished == 1
    assert any(why in line for line in report.to_do)
    if path.is_dir():
        path.rmdir()
    path.write_bytes(good)
    path.chmod(0o600)
    done = db.delete_user_data(who["jo"])
    assert done.finished_at is not None
    assert who["jo"] in db._database.data_keys.read().forgotten
    assert db.generate_privacy_report().is_fine


def test_a_file_that_nobody_needed_yet_is_made(db):
    db.register_technician("jo", "Jo Lund")
    assert db._database.data_keys.read() is None
    assert db.vault_keys.state().kept.problem is None
    db.delete_user_data("jo")
    assert len(db._database.data_keys.read().forgotten) == 1


def test_the_file_of_a_database_with_another_audit_key_is_not_overwritten(db, staff):
    file = db._database.data_keys
    content = file.path.read_bytes()
    file.path.write_bytes(content.replace(file.read().public_key.encode(), b"ab" * 32))
    with pytest.raises(IntegrityError, match="exchanged"):
        db._database.kept_keys.update()
    assert "exchanged" in db.vault_keys.state().kept.problem


def test_a_rotation_wraps_them_anew_those_of_copies_too(db, staff):
    file, who = db._database.data_keys, staff()
    copy = file.read().keys[who["eva"]]
    db.delete_user_data("eva")
    file.update(lambda each: dataclasses.replace(each, keys={"pcopy": copy}, forgotten=frozenset()))
    old = db.vault_keys.state().current
    with pytest.raises(IntegrityError):  # sealed for another person
        db.vault_keys.rotate()
    file.update(lambda each: dataclasses.replace(each, keys={}))
    new = db.vault_keys.rotate()
    assert new.resumed
    assert {key for key, _ in file.read().keys.values()} == {new.key_id}
    assert db.vault_keys.destroy_retired().destroyed == (old,)


def test_a_rotation_does_not_end_while_the_file_cannot_be_written(db, staff):
    path = db._database.data_keys.path
    before = db.vault_keys.state().current
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        db.vault_keys.rotate()
    assert db.vault_keys.state().current == before
    assert db.vault_keys.state().unfinished
    path.chmod(0o600)
    assert db.vault_keys.rotate().resumed
    assert db.vault_keys.state().kept.current


def test_keys_are_put_back_into_a_restored_database(db, staff, sql):
    who, kept = staff(), db._database.data_keys.read()
    sql("UPDATE subjects SET wrapped_key = NULL, key_id = NULL")
    assert "jo Lund" not in str(db.technicians.list().items)
    left = {each: key for each, key in kept.keys.items() if each != who["eva"]}
    with db._database.store.write(Actor("restorer")) as tx:
        back = data_keys.put_back(tx, left)
    assert (back.restored, back.missing) == (len(left), (who["eva"],))
    names = [t.name for t in db.technicians.list().items]
    assert names == ["jo Lund", "[erased]"]
    (event,) = db.audit.list(operations=["RESTORE"]).items
    assert event.new_values == {"data_keys": len(left), "without_key": [who["eva"]]}
    with db._database.store.write(Actor("restorer")) as tx:
        assert data_keys.put_back(tx, kept.keys).missing == ()
        assert data_keys.put_back(tx, kept.keys).restored == 0


def test_who_was_erased_since_the_backup_is_erased_again_without_their_key(db, staff, sql):
    """`[erased]` is no name: another's text that says so stays."""
    who = staff()
    db.register_specimen("S1", notes="[erased] by jo")
    sql("UPDATE subjects SET wrapped_key = NULL, key_id = NULL WHERE identifier = 'jo'")
    db.delete_user_data("jo")
    assert db.technicians.list().items[0].technician_id != "jo"
    assert "[erased]" in db.specimens.get("S1").notes
    assert who["jo"] in db._database.data_keys.read().forgotten


def held(name, days, key_id=None, kind="manual"):
    return HeldSet("/b", name, name, kind, NOW - timedelta(days=days), key_id)


def test_an_encrypted_backup_keeps_its_key_from_being_destroyed(db, staff, monkeypatch):
    key = db.vault_keys.state().current
    found = Holdings(("/b",), (held("one", 3, key), held("clear", 2)))
    monkeypatch.setattr(BackupSets, "look", lambda _: found)
    with pytest.raises(ConflictError, match=r"/b/one.*backup create.*backup prune.*--force"):
        db.vault_keys.refuse_lost_backups()
    db.vault_keys.rotate()
    with pytest.raises(ConflictError, match="/b/one"):
        db.vault_keys.destroy_retired()
    assert db.vault_keys.state().retired == (key,)
    gone = db.vault_keys.destroy_retired(force=True)
    assert (gone.destroyed, gone.lost) == ((key,), ("/b/one",))


def test_a_place_that_cannot_be_read_keeps_every_key(db, staff, monkeypatch):
    found = Holdings(("s3://b",), (), {"s3://b": "no route to host."})
    monkeypatch.setattr(BackupSets, "look", lambda _: found)
    db.vault_keys.rotate()
    with pytest.raises(ConflictError, match="no route to host"):
        db.vault_keys.destroy_retired()
    report = db.delete_user_data("jo")
    assert any("no route to host" in line for line in report.certificate["not_reached"])


@pytest.mark.parametrize(
    ("periods", "one", "day"),
    [
        pytest.param((30, 8, 12, 2), held("today", 0), "2026-12-23", id="superseded tomorrow"),
        pytest.param((30, 8, 12, 2), held("s", 0, kind="safety"), "2026-12-23", id="safety"),
        # Twelve months have one from October 2027, two years from 2027.
        pytest.param((30, 0, 12, 0), held("October", 23), "2027-10-01", id="newest of its month"),
        pytest.param((30, 0, 0, 2), held("2025", 327), "2027-01-01", id="newest of its year"),
        pytest.param((1, 0, 0, 0), held("old", 99), "2026-11-24", id="until there is a newer one"),
    ],
)
def test_the_certificate_names_the_day_by_which_backups_are_gone(periods, one, day):
    found = gone_by([one], NOW, Periods(*periods), "daily")
    assert timedelta(0) <= found - datetime.fromisoformat(f"{day}T00:00Z") <= timedelta(days=8)
    assert gone_by([], NOW, Periods(*periods), "daily") is None


def test_copies_share_the_file(db, staff, url, tmp_path):
    if not url.startswith("sqlite"):
        pytest.skip("a copy of a server's database is made by its own tools")
    file = db._database.store.dialect.path
    db._database.store.dialect.compact(db._database.store.engine, [], rewrite=True)
    shutil.copy(file, tmp_path / "copy.db")
    with DatabaseManager(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        assert copy._database.data_keys.path == db._database.data_keys.path
        copy.register_technician("new", "New Lund")
        copy._database.kept_keys.update()
        new = subjects(copy)["new"]
    db._database.kept_keys.update()
    assert new in db._database.data_keys.read().keys
