"""Erasures of the ledger that cannot be told; certificates written again; a second try."""

from __future__ import annotations

import json

import pytest

from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import OvertakenError, ValidationError
from mlmcsc.services.privacy.erasure import in_database

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def jo(db):
    return db.register_technician("jo", "Jo Lund")


def test_a_replay_in_a_diverged_copy_erases_no_stranger(db, jo, sql):
    erased = db.delete_user_data("jo").subject_id
    # As in a copy where somebody else was registered under the number before that.
    sql("DELETE FROM erasures")
    sql(f"DELETE FROM subjects WHERE subject_id = '{erased}'")
    sql("UPDATE technicians SET technician_id = 'bob', created_at = '2020-01-01 00:00:00'")
    with db._database.store.write(db.actor) as tx:
        tx.vault.person(tx, "bob", jo)
    assert db.erasure.unreplayed() == []
    done = db.erasure.replay()
    assert (done.applied, done.refused) == ((), {})
    assert "cannot be told" in done.untold[erased]
    assert sql("SELECT technician_id FROM technicians") == [("bob",)]


def test_a_person_of_whom_an_older_backup_knows_only_the_name_is_told(db, jo, sql, images_of):
    label = db.store_label(images_of(1)[0], jo, 0.5)
    db.verify_label(label, "vera")
    erased = db.delete_user_data("vera").subject_id
    sql("DELETE FROM erasures")
    sql(f"DELETE FROM subjects WHERE subject_id = '{erased}'")
    sql("UPDATE labels SET verified_by = 'vera'")
    done = db.erasure.replay()
    assert done.waiting == ()
    assert "cannot be checked" in done.untold[erased]


def test_the_certificate_of_a_finished_erasure_is_written_again(db, jo, tmp_path):
    done = db.delete_user_data("jo")
    place = tmp_path / "again.json"
    again = db.delete_user_data(done.subject_id, certificate=place)
    assert again.certificate == done.certificate == json.loads(place.read_text())


@pytest.mark.parametrize("place", ["/proc/c.json", "missing/c.json", "taken.json"])
def test_a_certificate_that_cannot_be_written_stops_the_erasure_first(db, jo, sql, tmp_path, place):
    (tmp_path / "taken.json").write_text("mine")
    with pytest.raises(ValidationError, match="Name another"):
        db.delete_user_data("jo", certificate=place)
    assert sql("SELECT technician_id FROM technicians") == [("jo",)]
    assert sql("SELECT count(*) FROM erasures") == [(0,)]


def broken(monkeypatch, times):
    """The database step is broken off so often."""
    left, real = [OvertakenError("deadlock detected")] * times, in_database.erase

    def erase(db, actor, who):
        if left:
            raise left.pop()
        real(db, actor, who)

    monkeypatch.setattr(in_database, "erase", erase)


def test_a_database_step_that_was_broken_off_is_tried_once_more(db, jo, sql, monkeypatch):
    broken(monkeypatch, 1)
    assert db.delete_user_data("jo").finished_at is not None


def test_broken_off_twice_it_waits_for_the_same_call(db, jo, sql, monkeypatch):
    broken(monkeypatch, 2)
    with pytest.raises(OvertakenError):
        db.delete_user_data("jo")
    assert db.delete_user_data("jo").finished_at is not None


def test_a_server_that_breaks_a_transaction_off_says_so(db, jo):
    store = db._database.store
    if store.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    broken_off = "DO $$ BEGIN RAISE EXCEPTION 'overtaken' USING ERRCODE = '40P01'; END $$"
    with pytest.raises(OvertakenError), store.write(Actor("x")) as tx:
        tx.conn.exec_driver_sql(broken_off)
