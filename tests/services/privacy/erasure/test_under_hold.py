"""What is under a legal hold stays as it is, whoever is erased; what is restricted is not used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc import Actor
from mlmcsc.errors import HeldError
from mlmcsc.store.models import accounts

pytestmark = pytest.mark.sqlite_tells

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture
def anna(db):
    return db.register_technician("anna", "Anna Berg")


@pytest.fixture
def tom(db):
    return db.register_technician("tom", "Tom Lund")


def test_a_verifier_or_corrector_under_hold_keeps_the_labels(db, anna, tom, images_of):
    images = images_of(3)
    every = [db.store_label(image, tom, 0.5, timestamp=LONG_AGO) for image in images]
    db.verify_label(every[0], "anna")
    own = db.acting_as(Actor("anna", db.actor.permissions))
    own.update_label(every[1], label=0.6, reason="misread")
    db.holds.hold("anna", ground="did Anna verify?")
    db.retention.apply(["labels"])
    assert [label.id for label in db.get_labels()] == every[:2]
    with pytest.raises(HeldError, match="did Anna verify"):
        db.delete_user_data("tom", labels="delete")
    assert db.delete_user_data("tom", dry_run=True).dry_run


@pytest.mark.parametrize("deed", ["verified", "corrected"])
def test_who_had_a_part_in_a_held_specimen_is_not_erased(db, anna, tom, images_of, deed):
    label = db.store_label(images_of(1, specimen="S1")[0], tom, 0.5)
    if deed == "verified":
        db.verify_label(label, "Anna Berg")
    else:
        own = db.acting_as(Actor("anna", db.actor.permissions))
        own.update_label(label, label=0.6, reason="misread")
    db.holds.hold(specimen="S1", ground="claim")
    with pytest.raises(HeldError, match="claim"):
        db.delete_user_data("anna")


def test_archived_labels_of_a_held_specimen_keep_who_made_them(db, anna, images_of):
    db.store_label(images_of(1, specimen="S1")[0], anna, 0.5, timestamp=LONG_AGO, notes="n")
    db.archives.create("labels", timedelta(days=365))
    assert db.get_labels().items == ()
    db.holds.hold(specimen="S1", ground="claim")
    for labels in ("keep", "delete"):
        with pytest.raises(HeldError, match="archived labels"):
            db.delete_user_data("anna", labels=labels)


def test_held_rows_keep_a_mention_and_the_report_counts_them(db, anna, tom, sql, images_of):
    note = "Anna Berg told me to"
    held = db.store_label(images_of(1)[0], tom, 0.5, notes=note)
    db.update_label(held, label=0.6, reason=note)
    db.register_specimen("S1", notes=note)
    db.register_specimen("S2", notes=note)
    db.holds.hold("tom", ground=f"court: {note}")
    db.holds.hold(specimen="S1", ground="claim")
    planned = db.delete_user_data("anna", dry_run=True)
    done = db.delete_user_data("anna")
    for report in (planned, done):
        assert any("rows under legal hold keep a mention" in line for line in report.not_reached)
    assert db.labels.get(held).notes == note
    assert db.labels.revisions(held)[0].reason == note
    assert sql("SELECT ground FROM privacy_holds WHERE id = 1") == [(f"court: {note}",)]
    notes = dict(sql("SELECT specimen_id, notes FROM specimens"))
    assert notes == {"S1": note, "S2": "[erased] told me to"}
    reasons = [event.reason for event in db.audit.list(limit=500).items]
    assert note in reasons
    assert db.audit_proof.verify().findings == ()


def test_many_are_made_anonymous_but_whom_a_hold_under_another_name_keeps(db, anna, tom, sql):
    sql("UPDATE technicians SET created_at = '2019-01-01 00:00:00', last_active = NULL")
    with db._database.store.write(db.actor) as tx:
        values = {"username": "aberg", "role": "labeller", "technician_id": anna}
        tx.conn.execute(accounts.insert().values(created_at=tx.now, **values))
        login = tx.vault.person(tx, "aberg")
    db.holds.hold("aberg", ground="court")
    sql(f"UPDATE privacy_holds SET subject_id = '{login}'")
    for dry_run in (True, False):
        reports = db.anonymize_data(older_than_days=365, dry_run=dry_run)
        assert [each.technician_row for each in reports if not each.refused] == [tom]
    names = dict(sql("SELECT id, name FROM technicians"))
    assert names[tom].startswith("erased-")
    assert db.technicians.get(anna).name == "Anna Berg"


def test_a_person_met_by_a_hold_is_passed_over_and_told(db, anna, tom, sql, images_of):
    sql("UPDATE technicians SET created_at = '2019-01-01 00:00:00', last_active = NULL")
    db.store_label(images_of(1, specimen="S1")[0], anna, 0.5)
    sql("UPDATE technicians SET last_active = '2019-01-01 00:00:00'")
    db.holds.hold(specimen="S1", ground="claim")
    reports = db.anonymize_data(older_than_days=365)
    assert [(report.technician_row, bool(report.refused)) for report in reports] == [
        (tom, False),
        (anna, True),
    ]
    assert "claim" in reports[1].refused
    assert db.technicians.get(anna).name == "Anna Berg"


def test_labels_of_a_restricted_person_are_not_verified_or_corrected(db, anna, tom, images_of):
    image = images_of(1)[0]
    theirs, other = db.store_label(image, anna, 0.5), db.store_label(image, tom, 0.5)
    db.holds.restrict("anna", "contested")
    for refused in (
        lambda: db.update_label(theirs, label=0.6, reason="r"),
        lambda: db.verify_label(theirs, "tom"),
        lambda: db.verify_label(other, "anna"),
        lambda: db.verify_label(other, "Anna Berg"),
    ):
        with pytest.raises(HeldError, match="restricted"):
            refused()
    assert db.update_label(other, label=0.6, reason="r").label == 0.6
    db.holds.release("anna", reason="settled")
    assert db.verify_label(theirs, "tom").is_verified
