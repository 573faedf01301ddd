"""Labels: revisions keep earlier values, verification is of a value, counts are right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mlmcsc.errors import UnknownRecordError, ValidationError


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
