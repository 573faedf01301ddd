"""Legal holds and restrictions: who places them, on what ground, and what they do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.permissions import Permission
from mlmcsc.errors import (
    AmbiguousError,
    ConflictError,
    HeldError,
    PermissionDeniedError,
    RejectedRowsError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.store.models import images, labels, predictions
from mlmcsc.store.queries import holds as hold_queries

CONTESTED = "accuracy contested by the person"


@pytest.fixture
def second(db):
    return db.register_technician("tech_002", "Al")


def ids(db, table, condition):
    with db._database.store.read() as view:
        return sorted(view.conn.scalars(sa.select(table.c.id).where(condition(view))))


def values(data):
    return {image: label for pairs in data.values() for image, label in pairs}


# Placing and releasing


def test_a_restriction_is_placed_listed_and_released(db, technician):
    placed = db.holds.restrict("tech_001", CONTESTED)
    assert (placed.kind, placed.person, placed.ground) == ("restrict", "tech_001", CONTESTED)
    assert db.holds.list() == db.holds.list("tech_001") == (placed,)
    ended = db.holds.release("tech_001", reason="accuracy confirmed")
    assert ended.id == placed.id
    assert (ended.release_reason, ended.released_by) == ("accuracy confirmed", placed.placed_by)
    assert db.holds.list() == ()
    assert db.holds.list(released=True) == (ended,)


def test_a_person_is_known_by_number_id_and_subject_id(db, technician):
    placed = db.holds.hold("tech_001", ground="court order")
    for name in (technician, placed.subject_id, "tech_001"):
        assert db.holds.list(name) == (placed,)


def test_a_technician_written_by_raw_sql_can_be_restricted(db, image, sql):
    sql("INSERT INTO technicians (technician_id, name) VALUES ('raw', 'Ra')")
    ((who,),) = sql("SELECT id FROM technicians")
    db.holds.restrict("raw", CONTESTED)
    with pytest.raises(HeldError):
        db.store_label(image, who, 0.5)


def test_the_same_twice_is_one(db, technician, nothing_written):
    placed = db.holds.restrict("tech_001", CONTESTED)
    with nothing_written():
        assert db.holds.restrict("tech_001", CONTESTED) == placed


def test_each_ground_of_a_hold_is_released_on_its_own(db, images_of):
    images_of(1, "S1")
    one = db.holds.hold(specimen="S1", ground="case A")
    two = db.holds.hold(specimen="S1", ground="case B")
    with pytest.raises(AmbiguousError, match=r"case A.*case B"):
        db.holds.release(specimen="S1", reason="settled")
    db.holds.release(specimen="S1", reason="settled", hold_id=one.id)
    assert db.holds.list(specimen="S1") == (two,)


def test_hold_and_restriction_of_one_person_are_told_apart(db, technician):
    db.holds.hold("tech_001", ground="case A")
    db.holds.restrict("tech_001", CONTESTED)
    with pytest.raises(AmbiguousError):
        db.holds.release("tech_001", reason="done")
    assert db.holds.release("tech_001", reason="done", kind="hold").kind == "hold"
    assert db.holds.release("tech_001", reason="done").kind == "restrict"


def test_wrong_questions_are_refused(db, technician, images_of, refuses):
    images_of(1, "S1")
    restrict, hold, release = db.holds.restrict, db.holds.hold, db.holds.release
    unknown = UnknownRecordError
    refuses(unknown, "person 'nobody' is not known", restrict, "nobody", CONTESTED)
    refuses(unknown, "specimen 'S2' does not exist", hold, specimen="S2", ground="case A")
    refuses(unknown, "Nothing.*in force on 'tech_001'", release, "tech_001", reason="done")
    for ground in ("", "  ", None, 5):
        refuses(ValidationError, "ground", restrict, "tech_001", ground)
    refuses(ValidationError, "reason", release, "tech_001", reason=" ")
    refuses(ValidationError, "person or a specimen", hold, ground="case A")
    refuses(ValidationError, "not both", hold, "tech_001", specimen="S1", ground="case A")
    refuses(ValidationError, "kind='x'", release, "tech_001", reason="done", kind="x")
    refuses(ValidationError, "person=1.5", restrict, 1.5, CONTESTED)


def test_nothing_is_placed_on_an_erased_person(db, technician, sql, refuses):
    subject = db.holds.restrict("tech_001", CONTESTED).subject_id
    sql(
        "UPDATE subjects SET erased_at = CURRENT_TIMESTAMP, identifier = NULL "
        "WHERE subject_id = :s",
        s=subject,
    )
    refuses(ConflictError, "was erased", db.holds.hold, subject, ground="case A")
    assert db.holds.release(subject, reason="erased").person is None


def test_each_act_leaves_its_event(db, technician, images_of, audit):
    images_of(1, "S1")
    before = len(audit())
    db.holds.restrict("tech_001", CONTESTED)
    db.holds.hold(specimen="S1", ground="case A")
    db.holds.release("tech_001", reason="accuracy confirmed")
    told = [(e.operation, e.table_name, e.reason) for e in audit()[before:]]
    assert told == [
        ("RESTRICT", "privacy_holds", CONTESTED),
        ("HOLD", "privacy_holds", "case A"),
        ("RELEASE", "privacy_holds", "accuracy confirmed"),
    ]


def test_the_right_privacy_is_needed(db, technician):
    allowed = db.actor.permissions - {Permission.PRIVACY}
    other = db.acting_as(replace(db.actor, permissions=allowed))
    for call in (
        lambda: other.holds.restrict("tech_001", CONTESTED),
        lambda: other.holds.hold("tech_001", ground="case A"),
        lambda: other.holds.release("tech_001", reason="done"),
        other.holds.list,
    ):
        with pytest.raises(PermissionDeniedError, match="privacy"):
            call()


# What a restriction does


def test_new_labels_of_a_restricted_person_are_refused(
    db, images_of, technician, second, nothing_written
):
    one, two = images_of(2)
    db.holds.restrict("tech_001", CONTESTED)
    with nothing_written(), pytest.raises(HeldError, match="tech_001 is restricted") as told:
        db.store_label(one, technician, 0.5)
    assert CONTESTED not in str(told.value)
    with nothing_written(), pytest.raises(RejectedRowsError, match="restricted"):
        db.store_labels(image_id=[one, two], technician_id=[second, technician], label=0.5)
    db.store_label(one, second, 0.5)
    db.holds.release("tech_001", reason="accuracy confirmed")
    db.store_label(one, technician, 0.5)


def test_a_hold_refuses_no_label(db, image, technician):
    db.holds.hold("tech_001", ground="case A")
    db.store_label(image, technician, 0.5)


@pytest.mark.parametrize("policy", ["latest", "mean", "consensus"])
def test_labels_of_a_restricted_person_are_left_out_of_training_data_and_told(
    db, images_of, technician, second, policy
):
    both, one = images_of(2)
    db.store_label(both, second, 0.2)
    db.store_label(both, technician, 0.8)
    db.store_label(one, technician, 0.9)
    db.holds.restrict("tech_001", CONTESTED)
    data = db.get_training_data(label_policy=policy)
    assert values(data) == {both: 0.2}
    assert data.report.left_out == {"restricted labels only": 1}
    assert (data.report.labelled_images, data.report.restricted_labels) == (2, 2)
    db.holds.release("tech_001", reason="accuracy confirmed")
    data = db.get_training_data(label_policy=policy)
    assert values(data).keys() == {both, one}
    assert (data.report.left_out, data.report.restricted_labels) == ({}, 0)


def test_every_labelled_image_is_accounted_for(db, images_of, technician, second):
    ids = images_of(12)
    db.store_labels(image_id=ids[:8], label=0.5, technician_id=technician)
    db.store_labels(image_id=ids[4:], label=0.5, technician_id=second)
    db.verify_label(db.get_labels(limit=20)[9].id, "chief")
    db.update_image_quality(ids[11], 0.0, is_valid=False)
    db.holds.restrict("tech_001", CONTESTED)
    for asked in ({}, {"verified_only": True}, {"min_confidence": 0.5}):
        report = db.get_training_data(**asked).report
        assert report.used + sum(report.left_out.values()) == report.labelled_images == 12
        assert report.left_out["restricted labels only"] == 4


def test_a_restriction_moves_no_image_to_another_split(db, images_of, technician, second):
    groups = [images_of(2, f"S{n}") for n in range(30)]
    for n, (one, other) in enumerate(groups):
        db.store_label(one, technician if n % 3 else second, n / 30)
        db.store_label(other, second, n / 30)

    def where():
        return {i: name for name, pairs in db.get_training_data().items() for i, _ in pairs}

    before = where()
    db.holds.restrict("tech_001", CONTESTED)
    after = where()
    assert len(after) < len(before)
    assert after.items() <= before.items()


# What is held


def test_what_hangs_on_a_held_person_or_specimen_is_held(db, images_of, technician, second):
    of_specimen, by_person, free = images_of(1, "S1") + images_of(1, "S2") + images_of(1, "S3")
    label = {
        (image, who): db.store_label(image, who, 0.5)
        for image in (of_specimen, by_person, free)
        for who in ((technician, second) if image == by_person else (second,))
    }
    every = [of_specimen, by_person, free]
    db.store_predictions({"image_id": every}, model_version_id=1, prediction=0.5, confidence=0.9)
    db.holds.restrict("tech_002", CONTESTED)  # no hold
    db.holds.hold("tech_001", ground="case A")
    db.holds.hold(specimen="S1", ground="case B")
    assert ids(db, images, hold_queries.images_held) == [of_specimen, by_person]
    assert ids(db, images, lambda view: ~hold_queries.images_held(view)) == [free]
    held = sorted(key for (image, _), key in label.items() if image != free)
    assert ids(db, labels, hold_queries.labels_held) == held
    assert len(ids(db, predictions, hold_queries.predictions_held)) == 2
    with db._database.store.read() as view:
        assert hold_queries.technicians_of(view, HoldKind.HOLD) == [technician]
        assert len(hold_queries.restricted_subjects(view)) == 1
    db.holds.release("tech_001", reason="settled")
    db.holds.release(specimen="S1", reason="settled")
    assert ids(db, images, hold_queries.images_held) == []
    assert ids(db, labels, hold_queries.labels_held) == []
