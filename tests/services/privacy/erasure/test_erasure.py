"""What an erasure does and refuses; what it leaves; how it is finished."""

from __future__ import annotations

import json
import stat

import pytest

from mlmcsc import Actor, DatabaseManager
from mlmcsc.domain.permissions import ALL_PERMISSIONS, Permission
from mlmcsc.errors import (
    ConflictError,
    HeldError,
    IntegrityError,
    PermissionDeniedError,
    StoreError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.services.privacy.erasure.certifying import message


@pytest.fixture
def jo(db):
    return db.register_technician("jo", "Jo Lund", email="jo@lund.se")


def people(sql):
    return sql("SELECT technician_id, name, email, is_active FROM technicians ORDER BY id")


@pytest.mark.parametrize("who", ["nobody", "p" + "0" * 24, "99", 99, "-1", "1.0"])
def test_nothing_happens_for_an_unknown_person(db, jo, sql, ledger, tmp_path, who):
    before = sql("SELECT count(*) FROM audit_logs"), people(sql)
    with pytest.raises(UnknownRecordError, match="not known; nothing was done"):
        db.delete_user_data(who, certificate=tmp_path / "c.json")
    assert (sql("SELECT count(*) FROM audit_logs"), people(sql)) == before
    assert sql("SELECT * FROM erasures") == []
    assert ledger() == []
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("who", ["jo", 1, "subject"])
def test_a_person_is_found_by_each_of_their_names_and_numbers(db, jo, sql, who):
    if who == "subject":
        ((who,),) = sql("SELECT subject_id FROM subjects WHERE technician_id = 1")
    assert db.delete_user_data(who).technician_row == jo
    ((staff, name, email, active),) = people(sql)
    assert staff == name
    assert staff.startswith("erased-")
    assert email is None
    assert not active


def test_a_technician_whom_raw_sql_wrote_is_known(db, sql):
    sql("INSERT INTO technicians (technician_id, name) VALUES ('raw', 'Raw Row')")
    db.delete_user_data("raw")
    ((staff, _, _, _),) = people(sql)
    assert staff.startswith("erased-")


def test_somebody_who_only_verified_is_erased_too(db, jo, sql, images_of):
    label = db.store_label(images_of(1)[0], jo, 0.5)
    db.verify_label(label, "Prof. Written")
    assert db.delete_user_data("Prof. Written").technician_row is None
    ((verifier,),) = sql("SELECT verified_by FROM labels")
    assert verifier.startswith("erased-")
    assert people(sql)[0][0] == "jo"


def test_labels_stay_as_measurements_or_go_when_asked(db, jo, sql, images_of):
    other = db.register_technician("eva", "Eva Roth")
    for image in images_of(3):
        db.store_label(image, jo, 0.5, notes="n", time_spent=3.0)
        db.store_label(image, other, 0.6, notes="n", time_spent=3.0)
    db.delete_user_data("jo")
    assert (
        sql("SELECT label, notes, time_spent FROM labels WHERE technician_id = 1")
        == [(0.5, None, None)] * 3
    )
    db.delete_user_data("eva", labels="delete")
    assert sql("SELECT technician_id FROM labels") == [(jo,)] * 3


def test_a_colleague_loses_nothing(db, jo, sql, images_of):
    other = db.register_technician("eva", "Eva Lund", email="eva@lund.se", department="Charpy")
    image = images_of(1)[0]
    label = db.store_label(image, other, 0.5, notes="jo-jo effect; ask JO LUND, not Eva Lund")
    db.delete_user_data("jo")
    eva = db.technicians.get(other)
    assert (eva.name, eva.email, eva.department) == ("Eva Lund", "eva@lund.se", "Charpy")
    kept = db.labels.get(label).notes
    assert kept == "[erased]-[erased] effect; ask [erased], not Eva Lund"


def test_a_legal_hold_wins(db, jo, sql, ledger, images_of):
    db.holds.hold("jo", ground="court order 12")
    with pytest.raises(HeldError, match=r"hold 1 on a person \(court order 12\)"):
        db.delete_user_data("jo")
    assert people(sql)[0][0] == "jo"
    assert ledger() == []
    db.holds.release("jo", reason="settled")
    db.delete_user_data("jo")


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_a_held_specimen_keeps_who_measured_it(db, jo, images_of, labels):
    db.store_label(images_of(1, specimen="S1")[0], jo, 0.5)
    db.holds.hold(specimen="S1", ground="claim")
    with pytest.raises(HeldError, match=r"specimen S1 \(claim\)"):
        db.delete_user_data("jo", labels=labels)
    db.holds.release(specimen="S1", reason="settled")
    db.delete_user_data("jo", labels=labels)


def test_a_hold_on_a_colleague_keeps_what_both_measured(db, jo, images_of):
    db.register_technician("eva", "Eva Roth")
    image = images_of(1)[0]
    db.store_label(image, jo, 0.5)
    db.store_label(image, 2, 0.5)
    db.holds.hold("eva", ground="claim")
    with pytest.raises(HeldError):
        db.delete_user_data("jo", labels="delete")


def test_a_restricted_person_may_be_erased(db, jo):
    db.holds.restrict("jo", "accuracy contested")
    assert db.delete_user_data("jo").finished_at is not None


@pytest.mark.sqlite_tells
def test_only_the_right_privacy_erases(db, jo):
    reader = db.acting_as(Actor("reader", frozenset({Permission.READ})))
    with pytest.raises(PermissionDeniedError):
        reader.delete_user_data("jo")
    with pytest.raises(PermissionDeniedError):
        reader.erasure.replay()


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"labels": "burn"}, "choose 'keep' or 'delete'"),
        ({"ground": ""}, "ground"),
        ({"request_id": "4"}, "number of a request"),
        ({"certificate": "/nowhere/c.json"}, "no folder"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_happens(db, jo, sql, arguments, match):
    with pytest.raises(ValidationError, match=match):
        db.delete_user_data("jo", **arguments)
    assert people(sql)[0][0] == "jo"


def test_a_person_may_erase_themselves_and_is_not_named_again(db, jo, sql):
    own = db.acting_as(Actor("jo", ALL_PERMISSIONS, reason="I, Jo Lund, leave"))
    own.delete_user_data("jo")
    assert "jo" not in {user for (user,) in sql("SELECT user_id FROM audit_logs")}
    assert sql("SELECT * FROM subjects WHERE identifier = 'jo'") == []


@pytest.mark.sqlite_tells
def test_the_certificate_is_signed_private_and_in_the_report(db, jo, tmp_path):
    path = tmp_path / "c.json"
    report = db.delete_user_data("jo", certificate=path)
    written = json.loads(path.read_text())
    assert written == report.certificate
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    crypto = db._database.store.vault.crypto
    public, signature = bytes.fromhex(written["public_key"]), bytes.fromhex(written["signature"])
    assert crypto.verify(public, signature, message(written))
    assert not crypto.verify(public, signature, message(written | {"labels": "delete"}))
    assert written["checkpoint"]["tree_size"] > 0
    assert written["subject_id"] == report.subject_id


def test_who_was_erased_is_found_by_subject_id_only(db, jo, sql, ledger):
    report = db.delete_user_data("jo")
    again = db.delete_user_data(report.subject_id)
    assert (again.certificate, again.finished_at) == (report.certificate, report.finished_at)
    assert len(ledger()) == 1
    with pytest.raises(UnknownRecordError):
        db.delete_user_data("jo")


def test_a_new_technician_may_take_the_number_again(db, jo):
    db.delete_user_data("jo")
    db.register_technician("jo", "Jo Other")
    assert db.technicians.get("jo").name == "Jo Other"


@pytest.mark.sqlite_tells
def test_deleted_exports_and_those_left_are_told(db, jo, tmp_path, images_of):
    db.store_label(images_of(1)[0], jo, 0.5, notes="mine")
    for name in ("gone.csv", "changed.csv", "there.csv"):
        db.exchange.export_file("labels", tmp_path / name)
    (tmp_path / "gone.csv").unlink()
    with (tmp_path / "changed.csv").open("a") as out:
        out.write("x")
    report = db.delete_user_data("jo")
    assert not (tmp_path / "there.csv").exists()
    assert {path.rpartition("/")[2] for path in report.exports_left} == {"gone.csv", "changed.csv"}
    assert any("changed.csv" in line for line in report.not_reached)


@pytest.mark.sqlite_tells
def test_an_export_without_rows_of_the_person_stays(db, jo, tmp_path, images_of):
    db.register_technician("eva", "Eva Roth")
    db.store_label(images_of(1)[0], 2, 0.5, notes="hers")
    db.exchange.export_file("labels", tmp_path / "labels.csv")
    db.delete_user_data("jo")
    assert (tmp_path / "labels.csv").exists()


def test_inactive_people_become_anonymous(db, jo, sql):
    db.register_technician("new", "New Person")
    sql(
        "UPDATE technicians SET created_at = '2020-01-01 00:00:00', last_active = NULL WHERE id = 1"
    )
    (planned,) = db.anonymize_data(older_than_days=365, dry_run=True)
    assert planned.dry_run
    (done,) = db.anonymize_data(older_than_days=365)
    assert done.technician_row == jo
    assert "retention" in done.ground
    assert [row[0] for row in people(sql)][1] == "new"
    assert db.anonymize_data(older_than_days=365) == ()


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("arguments", [{}, {"user_id": "jo", "older_than_days": 4}])
def test_anonymizing_needs_a_person_or_an_age(db, jo, arguments):
    with pytest.raises(ValidationError):
        db.anonymize_data(**arguments)


def test_an_interrupted_erasure_is_finished_by_the_next_of_anybody(db, jo, monkeypatch):
    db.register_technician("eva", "Eva Roth")
    interrupt(db, monkeypatch)
    report = db.delete_user_data("eva")
    assert len(report.resumed) == 1
    with pytest.raises(UnknownRecordError):
        db.delete_user_data("jo")


def interrupt(db, monkeypatch):
    """Begin the erasure of jo, and fail at the archives."""

    def fail(self, *_args, **_keywords):
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr("mlmcsc.services.archives.Archives.erase_person", fail)
        with pytest.raises(StoreError, match="the disk is gone"):
            db.delete_user_data("jo")


def test_an_interrupted_erasure_is_found_by_name_and_keeps_its_choice(db, jo, monkeypatch):
    interrupt(db, monkeypatch)
    with pytest.raises(ConflictError, match="begun with labels='keep'"):
        db.delete_user_data("jo", labels="delete")
    assert db.delete_user_data("Jo Lund").finished_at is not None


def test_no_new_label_comes_in_from_the_first_step_on(db, jo, monkeypatch, images_of):
    interrupt(db, monkeypatch)
    with pytest.raises(ConflictError):
        db.store_label(images_of(1)[0], jo, 0.5)


def test_a_restored_backup_is_erased_again(db, jo, sql, ledger):
    backup = sql("SELECT * FROM technicians"), sql("SELECT * FROM subjects")
    db.delete_user_data("jo")
    assert db.erasure.unreplayed() == []
    restore(db, *backup)
    (entry,) = db.erasure.unreplayed()
    assert entry.technician_row == jo
    assert db.erasure.replay(dry_run=True).waiting == (entry,)
    assert people(sql)[0][0] == "jo"
    done = db.erasure.replay()
    assert len(done.applied) == 1
    assert people(sql)[0][0].startswith("erased-")
    assert db.erasure.replay().waiting == ()
    assert len(ledger()) == 1


def restore(db, technicians, subjects):
    """Put rows back as a backup would; the erasure's own row is not in it."""
    from mlmcsc.store.models import metadata

    with db._database.store._writer.begin() as conn:
        conn.execute(metadata.tables["erasures"].delete())
        for name, rows in (("technicians", technicians), ("subjects", subjects)):
            table = metadata.tables[name]
            for row in rows:
                values = {
                    k: v for k, v in row._mapping.items() if not k.endswith(("_at", "active"))
                }
                if name == "subjects":
                    values["erased_at"] = None
                conn.execute(table.update().where(table.c.id == row.id).values(**values))


def test_a_person_registered_later_under_the_same_row_is_not_erased(db, jo, sql):
    db.delete_user_data("jo")
    sql("DELETE FROM subjects WHERE technician_id = 1")
    sql("UPDATE technicians SET created_at = '2999-01-01 00:00:00'")
    assert db.erasure.unreplayed() == []


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("harm", ["change", "cut", "stranger"])
def test_a_ledger_changed_by_another_hand_is_refused(db, jo, ledger, harm):
    db.register_technician("eva", "Eva Roth")
    db.delete_user_data("jo")
    db.delete_user_data("eva")
    path = db._database.ledger.path
    first, second = ledger()
    changed = {
        "change": [first.replace("keep", "delete"), second],
        "cut": [second],
        "stranger": [first, second.replace('"signature":"', '"signature":"00')],
    }[harm]
    path.write_text("".join(f"{line}\n" for line in changed))
    with pytest.raises(IntegrityError, match="erasure ledger"):
        db.erasure.unreplayed()


@pytest.mark.sqlite_tells
def test_the_ledger_has_no_name_and_is_private(db, jo, ledger):
    db.delete_user_data("jo")
    (line,) = ledger()
    assert "jo" not in json.loads(line).values()
    assert stat.S_IMODE(db._database.ledger.path.stat().st_mode) == 0o600


def test_a_database_in_memory_forgets_a_person(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DatabaseManager("sqlite://") as db:
        db.register_technician("jo", "Jo Lund")
        assert db.delete_user_data("jo").finished_at is not None
