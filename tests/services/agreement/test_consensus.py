"""Consensus labels: made, kept, corrected, withdrawn; nobody's, and nobody's vote."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from mlmcsc.domain.consensus_labels import METHOD
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    RejectedRowsError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.store.queries.retention.batches import inactive_technicians


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
    assert told["method"] == METHOD
    assert 0 < told["standard_uncertainty"] < 0.05
    assert low < label.label < high
    assert set(told) == {
        "method", "n_raters", "min_raters", "assisted", "standard_uncertainty", "interval",
        "label_ids", "revisions",
    }  # fmt: skip
    assert (told["min_raters"], told["assisted"]) == (2, False)


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


def test_a_restriction_takes_what_rests_on_the_persons_labels_along_at_once(db, raters, audit):
    db.consensus.create()
    before = training(db)
    db.holds.restrict("tech_003", "contested")

    assert agreed(db, raters.images[0]) is None
    own = db.get_labels(raters.images[0])
    left = [each.label for each in own if each.technician_id != raters.people["tech_003"]]
    now = training(db)
    assert now[raters.images[0]] != before[raters.images[0]]
    assert min(left) <= now[raters.images[0]] <= max(left)
    (event,) = [each for each in audit() if (each.operation, each.n_rows) == ("DELETE", 30)]
    assert "restricted" in event.reason

    assert db.consensus.create().created == 30
    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 2
    db.holds.restrict("tech_002", "contested")
    done = db.consensus.create()
    assert (done.created, done.restricted_labels) == (0, 80)
    assert agreed(db, raters.images[0]) is None


@pytest.mark.sqlite_tells
def test_a_released_restriction_lets_the_next_run_make_it_anew(db, raters):
    db.consensus.create()
    db.holds.restrict("tech_003", "contested")
    db.holds.release("tech_003", reason="settled")

    assert db.consensus.create().created == 30
    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 3


@pytest.mark.sqlite_tells
def test_a_restriction_leaves_what_does_not_rest_on_the_person(db, raters, measure):
    db.consensus.create()
    late = db.register_technician("tech_004", "D")
    measure(late, raters.images[:3], [0.5] * 3, original_prediction=0.5)
    db.holds.restrict("tech_004", "contested")

    assert agreed(db, raters.images[0]) is not None


@pytest.mark.sqlite_tells
def test_a_restriction_reaches_it_under_a_legal_hold_and_the_trail_keeps_the_value(
    db, raters, audit
):
    db.consensus.create()
    value = agreed(db, raters.images[0]).label
    db.holds.hold("tech_001", ground="a dispute")
    db.holds.restrict("tech_003", "contested")

    assert agreed(db, raters.images[0]) is None
    (event,) = [each for each in audit() if (each.operation, each.n_rows) == ("DELETE", 30)]
    kept = [each["label"] for each in event.old_values.values() if "label" in each]
    assert value in kept


def training(db):
    found = db.get_training_data(label_policy="consensus")
    return {image: value for pairs in found.values() for image, value in pairs}


@pytest.mark.sqlite_tells
def test_an_erasure_with_labels_takes_it_along_and_certifies_how_many(db, raters, sql):
    db.consensus.create()
    behind = agreed(db, raters.images[0]).annotation_data["consensus"]["label_ids"]
    db.labels.correct(behind[0], label=0.95, reason="x")
    assert db.consensus.create().corrected >= 1
    revisions = sql("SELECT COUNT(*) FROM label_revisions")[0][0]
    done = db.delete_user_data("tech_003", labels="delete")

    assert agreed(db, raters.images[0]) is None
    (step,) = [each for each in done.certificate["steps"] if each["step"] == "database"]
    assert (step["consensus_labels"], step["consensus_held"]) == (30, 0)
    assert step["consensus_revisions"] == revisions - 1
    assert sql("SELECT COUNT(*) FROM label_revisions")[0][0] == 1

    db.consensus.create()

    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 2


@pytest.mark.sqlite_tells
def test_an_erasure_that_keeps_measurements_keeps_it(db, raters):
    db.consensus.create()
    db.delete_user_data("tech_003", labels="keep")

    assert agreed(db, raters.images[0]).annotation_data["consensus"]["n_raters"] == 3


@pytest.mark.sqlite_tells
def test_of_labels_that_are_gone_not_even_an_earlier_value_stays(db, raters, sql):
    db.consensus.create()
    old = agreed(db, raters.images[0])
    gone = old.annotation_data["consensus"]["label_ids"][0]
    sql("DELETE FROM labels WHERE id = :id OR (image_id = :i AND technician_id = :w)",
        id=gone, i=raters.images[0], w=raters.people["tech_001"])  # fmt: skip

    done = db.consensus.create(raters.images[:1])

    now = agreed(db, raters.images[0])
    assert done.corrected == 1
    assert (now.revision, now.annotation_data["consensus"]["n_raters"]) == (1, 2)
    assert now.id != old.id


@pytest.mark.sqlite_tells
def test_other_options_delete_nothing_that_rests_on_labels_that_are_there(db, raters):
    db.consensus.create()

    done = db.consensus.create(min_raters=4)

    assert (done.kept, done.withdrawn, done.too_few) == (30, 0, 30)
    assert agreed(db, raters.images[0]) is not None


@pytest.mark.sqlite_tells
def test_a_withdrawal_respects_a_legal_hold_and_a_dry_run_tells_so(db, raters, sql):
    db.consensus.create()
    db.holds.hold("tech_001", ground="a dispute")
    sql("DELETE FROM labels WHERE technician_id IN (:a, :b)",
        a=raters.people["tech_002"], b=raters.people["tech_003"])  # fmt: skip

    told = db.consensus.create(dry_run=True)
    done = db.consensus.create()

    assert (done.withdrawn, done.held) == (0, 30)
    assert (told.withdrawn, told.held) == (0, 30)


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
    refuses(ConflictError, "is nobody", db.holds.restrict, "consensus", "contested")
    for labels in ("keep", "delete"):
        refuses(ConflictError, "is nobody", db.delete_user_data, "consensus", labels=labels)


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("number", ["consensus", "consensus-of-raters"])
def test_nobody_is_registered_under_its_staff_numbers(db, number, refuses):
    refuses(ValidationError, "another staff number", db.register_technician, number, "Con Sensus")


@pytest.mark.sqlite_tells
def test_a_person_who_bore_that_staff_number_before_stays_a_person(db, raters, sql):
    who = db.register_technician("tech_005", "Con Sensus")
    sql("UPDATE technicians SET technician_id = 'consensus', is_active = :no WHERE id = :id",
        no=False, id=who)  # fmt: skip

    assert db.consensus.create().created == 30

    assert agreed(db, raters.images[0]).technician_id != who
    assert db.technicians.get("consensus-of-raters").name == "Consensus of raters"
    assert db.technicians.update("consensus", is_active=True).is_active


@pytest.mark.sqlite_tells
def test_labels_made_with_a_prediction_shown_count_only_when_asked_for(db, images_of, measure):
    one, two = db.register_technician("a", "A"), db.register_technician("b", "B")
    images = images_of(6)
    measure(one, images, np.linspace(0.2, 0.7, 6))
    measure(two, images, np.linspace(0.2, 0.8, 6), original_prediction=0.5)

    assert db.consensus.create().created == 0
    assert db.consensus.create(assisted=True).created == 6
    assert agreed(db, images[0]).annotation_data["consensus"]["assisted"] is True
    again = db.consensus.create()
    assert (again.kept, again.withdrawn) == (6, 0)


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


@pytest.mark.sqlite_tells
def test_references_are_made_by_who_may_judge_others_only(db, raters, refuses):
    image, who = raters.images[0], raters.people["tech_001"]
    helper = db.acting_as(Actor("tech_001", frozenset({Permission.LABEL, Permission.READ})))
    for kind, right in (("consensus", "quality"), ("gold", "verify")):
        said = {"image_id": [image], "technician_id": who, "label": 0.95}
        refuses(PermissionDeniedError, right, helper.store_label, image, who, 0.95, label_type=kind)
        refuses(PermissionDeniedError, right, helper.labels.add_many, **said, label_type=[kind])
        own = db.get_labels(image)[0]
        refuses(
            PermissionDeniedError, right, helper.labels.correct, own.id, reason="x", label_type=kind
        )
    gold = db.store_label(image, who, 0.5, label_type="gold")
    refuses(PermissionDeniedError, "verify", helper.labels.correct, gold, reason="x", label=0.9)
    assert helper.labels.correct(gold, reason="a note", difficulty_rating=2).revision == 2


@pytest.mark.sqlite_tells
def test_what_the_program_made_is_not_corrected_by_hand(db, raters, refuses):
    db.consensus.create()
    made = agreed(db, raters.images[0])
    for change in ({"label": 0.9}, {"label_type": "manual"}, {"annotation_data": {}}):
        refuses(ConflictError, "labels consensus", db.labels.correct, made.id, reason="x", **change)
    assert db.labels.verify(made.id, "chief").is_verified


@pytest.mark.sqlite_tells
def test_retention_does_not_take_its_row_for_a_person_who_left(db, raters):
    db.consensus.create()
    nobody = db.technicians.get("consensus").id
    with db._database.store.read() as view:
        due = inactive_technicians(view, datetime(2100, 1, 1, tzinfo=UTC))
    assert due == sorted(raters.people.values())
    assert nobody not in due
