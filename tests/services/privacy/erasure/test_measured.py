"""The certificate comes from a measurement; every step is told; what is begun can be taken back."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlmcsc import Actor, DatabaseManager
from mlmcsc.domain.permissions import ALL_PERMISSIONS
from mlmcsc.errors import ConflictError, HeldError, StoreError, UnknownRecordError
from mlmcsc.store.models import metadata

pytestmark = pytest.mark.sqlite_tells

AUDITED = Path(__file__).parents[2] / "audited" / "conftest.py"


def _audited():
    spec = importlib.util.spec_from_file_location("audited_witness", AUDITED)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def witness():
    """Sees every transaction of every engine of this process."""
    seen = _audited().Witness()
    sa.event.listen(sa.Engine, "commit", seen.before_commit)
    yield seen
    sa.event.remove(sa.Engine, "commit", seen.before_commit)


@pytest.fixture
def jo(db):
    return db.register_technician("jo", "Jo Lund", email="jo@lund.se")


def stop_before(step):
    """A progress function at which the erasure is interrupted."""

    def progress(told, _done, _total):
        if told == f"erasing: {step}":
            raise KeyboardInterrupt

    return progress


def begin(db, who, step="database"):
    with pytest.raises(KeyboardInterrupt):
        db.delete_user_data(who, progress=stop_before(step))


@pytest.mark.parametrize("step", ["archives", "certificate"])
def test_a_name_written_back_after_the_database_step_is_found_before_signing(
    db, jo, sql, images_of, step
):
    eva = db.register_technician("eva", "Eva Roth")
    label = db.store_label(images_of(1)[0], eva, 0.5)

    def late(told, _done, _total):
        if told == f"erasing: {step}":
            own = db.acting_as(Actor("jo", ALL_PERMISSIONS))
            own.verify_label(label, "jo")

    report = db.delete_user_data("jo", progress=late)
    assert sql("SELECT count(*) FROM labels WHERE verified_by = 'jo'") == [(0,)]
    assert sql("SELECT count(*) FROM audit_logs WHERE user_id = 'jo'") == [(0,)]
    assert sql("SELECT count(*) FROM subjects WHERE identifier = 'jo'") == [(0,)]
    assert report.certificate["measured"]["left"] == 0
    assert db.audit_proof.verify().findings == ()


def test_an_open_writer_of_the_name_is_waited_for(
    postgres_url, own_keys, tmp_path, monkeypatch, draw
):
    import threading

    monkeypatch.chdir(tmp_path)
    with DatabaseManager(postgres_url) as db, DatabaseManager(postgres_url) as other:
        db.register_technician("jo", "Jo Lund")
        eva = db.register_technician("eva", "Eva Roth")
        label = db.store_label(db.store_image(draw("i.png", seed=1)), eva, 0.5)
        store = other._database.store
        with store.write(Actor("jo", ALL_PERMISSIONS)) as tx:
            tx.conn.execute(
                sa.text("UPDATE labels SET verified_by = 'jo', is_verified = true WHERE id = :id"),
                {"id": label},
            )
            erasing = threading.Thread(target=db.delete_user_data, args=["jo"])
            erasing.start()
            erasing.join(1.5)
            assert erasing.is_alive()
        erasing.join(60)
        with store.read() as view:
            names = view.conn.execute(sa.text("SELECT verified_by FROM labels")).scalars().all()
        assert all(name.startswith("erased-") for name in names)


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_every_row_that_an_erasure_writes_is_told_by_an_event(db, row, lab, witness, labels):
    witness.watch(db._database.store)
    db.delete_user_data(lab.STAFF, labels=labels)
    assert witness.gaps() == []
    erased = [event for event in witness.events if event["operation"] == "ERASE"]
    steps = [(event["new_values"] or {}).get("step") for event in erased]
    told = [step for step in steps if step]
    assert told == [
        "ledger", "database", "data_keys", "archives", "versions", "caches", "exports", "vacuum",
        "certificate",
        "finished",
    ]  # fmt: skip
    assert {"technicians", "subjects"} <= {event["table_name"] for event in erased}
    assert lab.NEEDLE not in str(erased).lower()


def test_the_event_of_the_database_step_is_readable(db, row, lab):
    db.delete_user_data(lab.STAFF)
    events = db.audit.list(limit=500).items
    (told,) = [
        event.new_values
        for event in events
        if event.operation == "ERASE" and (event.new_values or {}).get("step") == "database"
    ]
    assert set(told) <= {"step", "erased", "anonymised", "restricted"}
    assert told["erased"] > 0


def test_an_erasure_is_taken_back_before_anything_is_erased(db, jo, sql, ledger):
    begin(db, "jo")
    assert len(ledger()) == 1
    assert db.erasure.unreplayed() == []  # begun is not undone by a restore
    db.erasure.abandon("jo")
    assert sql("SELECT technician_id FROM technicians WHERE is_active") == [("jo",)]
    assert sql("SELECT count(*) FROM erasures") == [(0,)]
    assert '"withdrawn":true' in ledger()[-1]
    assert db.erasure.unreplayed() == []
    with pytest.raises(UnknownRecordError, match="nothing to take back"):
        db.erasure.abandon("jo")
    assert db.delete_user_data("jo").finished_at is not None
    assert len(ledger()) == 3


def test_what_is_erased_cannot_be_taken_back(db, jo):
    begin(db, "jo", "archives")
    with pytest.raises(ConflictError, match="cannot be taken back"):
        db.erasure.abandon("jo")


def test_taking_back_is_told_by_events(db, jo, witness):
    begin(db, "jo")
    witness.watch(db._database.store)
    db.erasure.abandon("jo")
    assert witness.gaps() == []


def test_a_half_abandoned_erasure_does_not_go_on(db, jo, monkeypatch, sql):
    begin(db, "jo")

    def fail(*_args):
        raise StoreError("no ledger")

    with monkeypatch.context() as patch:
        patch.setattr("mlmcsc.services.privacy.erasure.starting.withdraw_lines", fail)
        with pytest.raises(StoreError):
            db.erasure.abandon("jo")
    with pytest.raises(ConflictError, match="privacy abandon"):
        db.delete_user_data("jo")
    db.erasure.abandon("jo")
    assert sql("SELECT technician_id FROM technicians WHERE is_active") == [("jo",)]


def test_somebody_elses_call_does_not_complete_what_may_be_taken_back(db, jo, sql):
    db.register_technician("eva", "Eva Roth")
    begin(db, "jo")
    assert db.delete_user_data("eva").resumed == ()
    assert sql("SELECT technician_id FROM technicians WHERE id = 1") == [("jo",)]


def test_a_hold_placed_after_the_start_stops_before_the_ledger_line(db, jo, ledger):
    begin(db, "jo", "ledger")
    db.holds.hold("jo", ground="court order 12")
    with pytest.raises(HeldError):
        db.delete_user_data("jo")
    assert ledger() == []
    db.erasure.abandon("jo")
    assert ledger() == []


def test_a_hold_placed_after_the_ledger_line_stops_before_the_database(db, jo, sql):
    begin(db, "jo", "database")
    db.holds.hold("jo", ground="court order 12")
    with pytest.raises(HeldError):
        db.delete_user_data("jo")
    assert sql("SELECT technician_id FROM technicians") == [("jo",)]


def test_several_people_are_searched_for_once(db, sql, monkeypatch):
    from mlmcsc.store.queries.erasure import trail

    for number in range(5):
        db.register_technician(f"old{number}", f"Old Person{number}")
    sql("UPDATE technicians SET created_at = '2020-01-01 00:00:00', last_active = NULL")
    scans, real = [], trail._texts

    def counted(view, which):
        scans.append(view)
        return real(view, which)

    monkeypatch.setattr(trail, "_texts", counted)
    reports = db.anonymize_data(older_than_days=365)
    assert len({report.subject_id for report in reports}) == 5
    assert all(report.certificate["subject_id"] == report.subject_id for report in reports)
    assert len(scans) == 2  # once to erase, once to measure
    names = [name for (name,) in sql("SELECT name FROM technicians")]
    assert all(name.startswith("erased-") for name in names)
    assert db.audit_proof.verify().findings == ()


def _backup(db):
    """Keys as a backup holds them; gives what puts them back."""
    people, settings = metadata.tables["subjects"], metadata.tables["settings"]
    store = db._database.store
    signing = settings.c.key == "audit_signing_key"
    with store.read() as view:
        rows = view.conn.execute(sa.select(people.c.id, people.c.wrapped_key, people.c.key_id))
        kept = rows.all()
        seed = view.conn.scalar(sa.select(settings.c.value).where(signing))

    def restore():
        with store._writer.begin() as conn:
            for row in kept:
                old = {"wrapped_key": row.wrapped_key, "key_id": row.key_id}
                conn.execute(people.update().where(people.c.id == row.id).values(old))
            conn.execute(settings.update().where(signing).values(value=seed))
        store.vault._masters.clear()

    return restore


def test_a_backup_whose_master_key_was_destroyed_is_erased_by_clear_names(db, jo, sql, images_of):
    eva = db.register_technician("eva", "Eva Roth")
    label = db.store_label(images_of(1)[0], eva, 0.5, notes="sealed")
    db.verify_label(label, "jo")
    begin(db, "jo")
    ((who,),) = sql("SELECT subject_id FROM erasures")
    sql("DELETE FROM erasures")  # a backup from before
    restore = _backup(db)
    db.vault_keys.rotate()
    db.vault_keys.destroy_retired()
    restore()
    (entry,) = db.erasure.unreplayed()
    done = db.erasure.replay()
    assert done.refused == {}
    assert sql("SELECT verified_by FROM labels")[0][0].startswith("erased-")
    assert sql("SELECT technician_id FROM technicians WHERE id = 1")[0][0].startswith("erased-")
    assert any(
        "cannot" in line or "nobody can read" in line for line in done.applied[0].not_reached
    )
    assert who == entry.subject_id


def test_a_person_whose_key_is_lost_is_erased_and_the_certificate_says_what_was_not(
    db, jo, sql, images_of
):
    eva = db.register_technician("eva", "Eva Roth")
    db.verify_label(db.store_label(images_of(1)[0], eva, 0.5, notes="sealed"), "jo")
    restore = _backup(db)
    db.vault_keys.rotate()
    db.vault_keys.destroy_retired()
    restore()
    assert db.delete_user_data("jo", dry_run=True).fields
    done = db.delete_user_data("jo")
    assert sql("SELECT verified_by FROM labels")[0][0].startswith("erased-")
    assert done.certificate["signature"] is None
    (told,) = [line for line in done.not_reached if "Sealed texts" in line]
    assert "not signed" in told
    assert any("could not be signed" in line for line in done.not_reached)


def test_a_person_whose_key_alone_is_lost_gets_a_signed_certificate_and_a_ledger_line(
    db, jo, sql, ledger
):
    restore = _backup(db)
    db.vault_keys.rotate()
    db.vault_keys.destroy_retired()
    ((seed,),) = sql("SELECT CAST(value AS TEXT) FROM settings WHERE key = 'audit_signing_key'")
    restore()
    kind = "JSONB" if db._database.store.dialect.name == "postgresql" else "TEXT"
    sql(f"UPDATE settings SET value = CAST(:v AS {kind}) WHERE key = 'audit_signing_key'", v=seed)
    done = db.delete_user_data("jo")
    assert done.certificate["signature"]
    assert len(ledger()) == 1
    assert any("nobody can read" in line for line in done.not_reached)


def test_a_trail_that_was_tampered_with_keeps_nobody_from_being_erased(db, jo, sql):
    on = " ON audit_logs" if db._database.store.dialect.name == "postgresql" else ""
    sql(f"DROP TRIGGER audit_logs_no_update{on}")
    sql("UPDATE audit_logs SET reason = 'forged' WHERE id = 1")
    done = db.delete_user_data("jo")
    assert done.finished_at is not None
    assert done.certificate["signature"]
    assert "refused" in done.certificate["checkpoint"]
