"""Consensus labels: made, kept, corrected, withdrawn; nobody's, and nobody's vote."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.errors import ConflictError, RejectedRowsError, UnknownRecordError, ValidationError


def agreed(db, image):
    found = [each for each in db.get_labels(image) if each.label_type == "consensus"]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_reliable_count_more_and_bias_is_taken_off(db, gold):
    done = db.consensus.create()

    assert (done.created, done.unchanged) == (30, 0)
    values = np.array([agreed(db, image).label for image in gold.images])
    plain = np.array(
        [
            np.mean([x.label for x in db.get_labels(i) if x.label_type == "manual"])
            for i in gold.images
        ]
    )
    assert np.abs(values - gold.truth).mean() < 0.8 * np.abs(plain - gold.truth).mean()


@pytest.mark.sqlite_tells
def test_it_tells_how_sure_it_is_and_of_which_labels_but_of_no_person(db, raters):
    db.consensus.create()

    label = agreed(db, raters.images[20])
    told = label.annotation_data["consensus"]
    own = [x.id for x in db.get_labels(raters.images[20]) if x.label_type == "manual"]
    low, high = told["interval"]

    assert told["label_ids"] == own
    assert told["n_raters"] == 3
    assert told["method"] == "reliability-weighted/1"
    assert 0 < told["standard_uncertainty"] < 0.05
    assert low < label.label < high
    assert set(told) == {
        "method", "n_raters", "standard_uncertainty", "interval", "label_ids", "revisions",
    }  # fmt: skip


def test_run_again_it_changes_nothing(db, raters, counts):
    db.consensus.create()
    before = counts()

    done = db.consensus.create()

    assert (done.created, done.corrected, done.unchanged) == (0, 0, 30)
    assert counts() == before


def test_a_changed_one_is_corrected_and_its_earlier_value_kept(db, raters):
    db.consensus.create()
    image = raters.images[20]
    before = agreed(db, image)
    db.labels.correct(before.annotation_data["consensus"]["label_ids"][0], label=0.95, reason="x")

    done = db.consensus.create()

    after = agreed(db, image)
    assert done.corrected >= 1
    assert (after.id, after.revision) == (before.id, 2)
    assert after.label > before.label
    (kept,) = db.labels.revisions(after.id)
    assert (kept.label, kept.annotation_data) == (before.label, before.annotation_data)
    assert kept.reason


@pytest.mark.sqlite_tells
def test_a_dry_run_tells_the_same_and_writes_nothing(db, raters, nothing_written):
    with nothing_written():
        told = db.consensus.create(dry_run=True)

    done = db.consensus.create()

    assert (told.created, told.dry_run) == (done.created, True)


@pytest.mark.sqlite_tells
def test_of_named_images_only(db, raters):
    assert db.consensus.create(raters.images[:4]).created == 4
    assert agreed(db, raters.images[5]) is None


def test_labels_under_restriction_leave_it_and_it_is_withdrawn_when_too_few_are_left(db, raters):
    db.consensus.create()
    db.holds.restrict("tech_003", "contested")

    assert db.consensus.create().corrected == 30
    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 2

    db.holds.restrict("tech_002", "contested")
    done = db.consensus.create()

    assert (done.withdrawn, done.restricted_labels) == (30, 80)
    assert agreed(db, raters.images[0]) is None


@pytest.mark.sqlite_tells
def test_an_erasure_with_labels_leaves_nothing_of_them_in_it(db, raters):
    db.consensus.create()
    db.delete_user_data("tech_003", labels="delete")

    db.consensus.create()

    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 2


@pytest.mark.sqlite_tells
def test_a_withdrawal_respects_a_legal_hold(db, raters):
    db.consensus.create()
    db.holds.hold("tech_001", ground="a dispute")

    done = db.consensus.create(min_raters=4)

    assert (done.withdrawn, done.held) == (0, 30)


@pytest.mark.sqlite_tells
def test_nobody_may_label_as_it(db, raters, refuses):
    db.consensus.create()
    who = db.technicians.get("consensus")

    assert (who.name, who.is_active) == ("Consensus of raters", False)
    refuses(ConflictError, "not active", db.store_label, raters.images[0], who.id, 0.5)
    refuses(
        RejectedRowsError, "not active", db.labels.add_many,
        image_id=[raters.images[0]], technician_id=who.id, label=0.5,
    )  # fmt: skip
    refuses(
        ConflictError, "another staff number", db.technicians.update, "consensus", is_active=True
    )


@pytest.mark.sqlite_tells
def test_a_person_of_that_staff_number_is_in_the_way(db, raters, refuses):
    db.register_technician("consensus", "Con Sensus")

    refuses(ConflictError, "another number", db.consensus.create)


@pytest.mark.sqlite_tells
def test_labels_made_with_a_prediction_shown_count_only_when_asked_for(db, images_of, measure):
    one, two = db.register_technician("a", "A"), db.register_technician("b", "B")
    images = images_of(6)
    measure(one, images, np.linspace(0.2, 0.7, 6))
    measure(two, images, np.linspace(0.2, 0.8, 6), original_prediction=0.5)

    assert db.consensus.create().created == 0
    assert db.consensus.create(assisted=True).created == 6


@pytest.mark.sqlite_tells
def test_values_stay_inside_the_label_range(db, images_of, measure):
    images = images_of(12)
    for number, values in (
        ("a", np.r_[np.zeros(6), np.ones(6)]),
        ("b", np.r_[np.ones(6), 0, 0, 0, 0, 1, 1]),
    ):
        measure(db.register_technician(number, "R"), images, values)

    assert db.consensus.create().created == 12
    assert all(0 <= agreed(db, image).label <= 1 for image in images)


@pytest.mark.sqlite_tells
def test_it_is_no_vote_in_a_mean_and_settles_a_consensus(db, raters):
    def values(policy):
        found = db.get_training_data(label_policy=policy)
        return {image: value for pairs in found.values() for image, value in pairs}

    before = values("mean")
    db.consensus.create()

    assert values("mean") == before
    assert values("consensus")[raters.images[3]] == agreed(db, raters.images[3]).label


@pytest.mark.sqlite_tells
def test_nonsense_is_refused(db, technician, refuses):
    refuses(ValidationError, "min_raters=1", db.consensus.create, min_raters=1)
    refuses(ValidationError, "whole number", db.consensus.create, min_raters=2.5)
    refuses(ValidationError, "whole numbers", db.consensus.create, ["a"])
    refuses(UnknownRecordError, "image 99", db.consensus.create, [99])
