"""Labels: revisions keep earlier values, verification is of a value, counts are right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mlmcsc.errors import (
    ConflictError,
    RejectedRowsError,
    UnknownRecordError,
    ValidationError,
)


def test_a_correction_keeps_the_earlier_value_its_author_and_the_reason(db, image, technician):
    key = db.store_label(image, technician, 0.4, notes="blurred", difficulty_rating=4)
    now = db.update_label(key, label=0.5, notes="refocused", reason="second look")
    assert (now.label, now.notes, now.difficulty_rating, now.revision) == (0.5, "refocused", 4, 2)
    db.update_label(key, label=0.6, reason="third look")
    old = db.get_label_revisions(key)
    assert [(r.revision, r.label, r.notes, r.reason) for r in old] == [
        (1, 0.4, "blurred", "second look"),
        (2, 0.5, "refocused", "third look"),
    ]
    assert {r.replaced_by for r in old} == {db.actor.subject}


def test_a_correction_without_a_reason_is_refused(db, image, technician, refuses):
    key = db.store_label(image, technician, 0.4)
    for reason in ["", "  ", None, 7, "\x00", "\ud800"]:
        refuses(ValidationError, "reason", db.update_label, key, label=0.5, reason=reason)
    assert db.labels.get(key).label == 0.4


def test_a_correction_that_changes_nothing_leaves_no_revision(
    db, image, technician, nothing_written
):
    key = db.store_label(image, technician, 0.4)
    with nothing_written():
        assert db.update_label(key, label=0.4, reason="same").revision == 1


def test_a_correction_of_nothing_or_of_fixed_facts_is_refused(db, image, technician, refuses):
    key = db.store_label(image, technician, 0.4)
    for change in [{}, {"image_id": 2}, {"label": None}, {"label": 1.5}]:
        refuses(
            ValidationError, "label|correction", db.update_label, key, reason="why not", **change
        )


def test_a_changed_value_is_no_longer_verified_and_its_verifier_is_kept(db, image, technician):
    key = db.store_label(image, technician, 0.4)
    seen = db.verify_label(key, "chief")
    assert (seen.is_verified, seen.verified_by) == (True, "chief")
    assert seen.verification_timestamp is not None
    now = db.update_label(key, label=0.5, reason="wrong edge")
    assert (now.is_verified, now.verified_by, now.verification_timestamp) == (False, None, None)
    (old,) = db.get_label_revisions(key)
    assert (old.is_verified, old.verified_by) == (True, "chief")


@pytest.mark.parametrize(
    ("change", "stays_verified"),
    [
        ({"notes": "see photo 2"}, True),
        ({"difficulty_rating": 5}, True),
        ({"notes": None, "difficulty_rating": 2}, True),
        ({"label": 0.4, "notes": "same value, said again"}, True),
        ({"label": 0.5}, False),
        ({"label_type": "consensus"}, False),
        ({"annotation_data": {"a_mm": 2.0}}, False),
        ({"notes": "remeasured", "label": 0.5}, False),
    ],
    ids=str,
)
def test_only_a_changed_measurement_takes_a_verification_back(
    db, image, technician, change, stays_verified
):
    key = db.store_label(image, technician, 0.4, notes="blurred")
    db.verify_label(key, "chief")
    now = db.update_label(key, reason="second look", **change)
    assert now.is_verified is stays_verified
    assert now.verified_by == ("chief" if stays_verified else None)
    assert now.revision == 2
    (old,) = db.get_label_revisions(key)
    assert (old.label, old.notes, old.verified_by) == (0.4, "blurred", "chief")


def test_a_correction_decided_on_an_older_state_is_a_conflict_that_tells_the_present_one(
    db, image, technician, refuses
):
    key = db.store_label(image, technician, 0.4)
    assert db.update_label(key, label=0.5, reason="focus", expected_revision=1).revision == 2
    refuses(
        ConflictError,
        "at revision 2, not 1: it is now 0.5",
        db.update_label,
        key,
        label=0.6,
        reason="late",
        expected_revision=1,
    )
    assert db.update_label(key, label=0.6, reason="seen", expected_revision=2).label == 0.6


def test_a_verification_of_a_value_corrected_meanwhile_is_a_conflict(
    db, image, technician, refuses
):
    key = db.store_label(image, technician, 0.4)
    db.update_label(key, label=0.9, reason="wrong edge")
    refuses(
        ConflictError,
        "at revision 2, not 1: it is now 0.9",
        db.verify_label,
        key,
        "chief",
        expected_revision=1,
    )
    assert db.verify_label(key, "chief", expected_revision=2).is_verified


def test_an_expected_revision_that_cannot_be_is_refused(db, image, technician, refuses):
    key = db.store_label(image, technician, 0.4)
    for wrong in [0, -1, True, "1", 1.5, 2**70]:
        told = "expected_revision="
        refuses(
            ValidationError,
            told,
            db.update_label,
            key,
            label=0.5,
            reason="r",
            expected_revision=wrong,
        )
        refuses(ValidationError, told, db.verify_label, key, "chief", expected_revision=wrong)


def test_a_technician_who_is_not_active_may_not_label(db, image, technician, refuses):
    left = db.register_technician("tech_009", "Al", is_active=False)
    told = "tech_009 is not active and may not label.*technician set tech_009 --active"
    refuses(ConflictError, told, db.store_label, image, left, 0.5)
    rows = [
        {"image_id": image, "technician_id": who, "label": 0.5} for who in (technician, left, 999)
    ]
    refuses(RejectedRowsError, told, db.store_labels, rows)
    result = db.store_labels(rows, on_error="collect")
    assert result.stored == 1
    assert [r.where for r in result.rejected] == ["row 1", "row 2"]
    assert "not active" in result.rejected[0].reason
    db.technicians.update("tech_009", is_active=True)
    assert db.store_label(image, left, 0.5)


def test_imported_labels_of_a_technician_who_is_not_active_are_rejected_too(db, image, tmp_path):
    db.register_technician("tech_009", "Al", is_active=False)
    file = tmp_path / "labels.csv"
    file.write_text(f"image_id,technician,label\n{image},tech_009,0.5\n")
    report = db.exchange.import_file("labels", file)
    assert report.stored == 0
    assert "not active" in report.rejected[0].reason


def test_a_verification_can_be_taken_back_and_the_trail_says_by_whom(db, image, technician, audit):
    key = db.store_label(image, technician, 0.4)
    db.verify_label(key, "chief")
    assert not db.verify_label(key, "auditor", is_verified=False).is_verified
    event = audit()[-1]
    assert event.operation == "VERIFY"
    assert "auditor" in str(event.new_values)
    assert "chief" in str(event.old_values)


def test_a_verification_needs_somebody(db, image, technician, refuses):
    key = db.store_label(image, technician, 0.4)
    for somebody in [None, "", " ", 5, "x" * 51]:
        refuses(ValidationError, "verified_by", db.verify_label, key, somebody)


def test_a_technicians_count_follows_single_and_bulk_labels(db, images_of, technician):
    images = images_of(5)
    other = db.register_technician("tech_002", "Al")
    db.store_label(images[0], technician, 0.1)
    db.store_labels([{"image_id": i, "technician_id": technician, "label": 0.2} for i in images])
    db.store_labels({"image_id": images[:2], "technician_id": [technician, other], "label": [0, 1]})
    assert db.technicians.get(technician).total_labels == 7
    assert db.technicians.get(other).total_labels == 1
    assert db.technicians.get(technician).last_active is not None


def test_a_label_that_does_not_exist_is_named(db, refuses):
    for key in [0, -1, 999, 10**30]:
        told = f"label {key} does not exist"
        refuses(UnknownRecordError, told, db.update_label, key, label=0.1, reason="x")
        refuses(UnknownRecordError, told, db.verify_label, key, "chief")
        refuses(UnknownRecordError, told, db.get_label_revisions, key)


def test_corrections_from_many_threads_lose_nothing(db, image, technician):
    key = db.store_label(image, technician, 0.0)
    values = [i / 40 for i in range(1, 33)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda v: db.update_label(key, label=v, reason=f"to {v}"), values))
    old = db.get_label_revisions(key)
    assert [r.revision for r in old] == list(range(1, 33))
    assert {r.label for r in old} | {db.labels.get(key).label} == {0.0, *values}
    assert {r.reason for r in old} == {f"to {v}" for v in values}


def test_nobody_verifies_their_own_label(db, image, technician):
    label = db.store_label(image, technician, 0.5)
    own = db.technicians.get(technician).technician_id
    with pytest.raises(ConflictError, match="a second person"):
        db.verify_label(label, own)
    with pytest.raises(ConflictError, match="a second person"):
        db.verify_label(label, f" {own} ")
    assert not db.labels.get(label).is_verified
    assert db.verify_label(label, "chief").is_verified
