"""What a comparison of raters finds in labels whose faults are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc.cli.output import as_json
from mlmcsc.domain.agreement.report import PARTS, Missing
from mlmcsc.errors import UnknownRecordError, ValidationError


@pytest.mark.sqlite_tells
def test_an_empty_database_says_what_every_part_is_missing(db):
    report = db.agreement.report()

    assert not report.compared
    for part in PARTS:
        missing = getattr(report, part)
        assert isinstance(missing, Missing)
        assert missing.why.startswith("needs ")
        assert missing.how
    assert report.reliability.why == (
        "needs 5 images that two people labelled without seeing a prediction; there are 0"
    )


def test_every_part_is_told_where_there_is_enough(db, gold, measure):
    model = db.register_model_version("v1", "net", "/m")
    db.predictions.add_many(
        {"image_id": gold.images, "prediction": gold.truth, "confidence": np.full(30, 0.9)},
        model_version_id=model,
    )
    late = db.register_technician("tech_004", "D")
    shown = np.clip(gold.truth + gold.rng.normal(0, 0.15, 30), 0, 1)
    for image, truth, number in zip(gold.images, gold.truth, shown, strict=True):
        measure(
            late,
            [image],
            [truth + 0.5 * (number - truth)],
            label_type="corrected",
            original_prediction=float(number),
        )

    report = db.agreement.report()

    assert [part for part in PARTS if isinstance(getattr(report, part), Missing)] == []
    assert report.reliability.raters == ("tech_001", "tech_002", "tech_003")
    assert report.reliability.images == report.alpha.units == 30
    assert report.alpha.raters == 3
    assert len(report.pairs) == 3
    assert report.precision.repeated == 30
    assert (report.gauge.images, report.gauge.repeats) == (10, 2)
    found = {each.rater: each for each in report.raters}
    assert found["tech_002"].against == "gold"
    assert found["tech_002"].bias == pytest.approx(0.04, abs=0.015)
    assert found["tech_003"].scatter > found["tech_001"].scatter
    assert {len(each.chart.values) for each in report.charts} == {25}
    assert report.anchoring.slope == pytest.approx(0.5, abs=0.1)
    assert [each.rater for each in report.anchoring.raters] == ["tech_004"]
    assert [each.model.name for each in report.ceiling.models] == ["v1"]
    assert report.ceiling.models[0].verdict == "better"
    (basis,) = report.models
    assert (basis.training_known, basis.trained_on, basis.images) == (False, 0, 30)
    assert "not known what it was trained on" in basis.note
    assert '"NaN"' not in as_json(report)


@pytest.mark.sqlite_tells
def test_a_model_is_not_scored_on_images_that_it_was_trained_on(db, raters):
    if db._database.store.engine.dialect.name != "sqlite":
        pytest.skip("versions lie in a folder beside the database file")
    db.create_data_version("d1", label_policy="mean")
    trained = {image for image, _ in db.get_training_data(data_version="d1")["train"]}
    for name, image_ids in (("v1", raters.images), ("v2", sorted(trained))):
        model = db.register_model_version(name, "net", "/m", training_data_version="d1")
        db.predictions.add_many(
            image_id=image_ids, prediction=0.5, confidence=0.9, model_version_id=model
        )

    report = db.agreement.report()

    assert 0 < len(trained) < 25
    (scored,) = report.ceiling.models
    assert (scored.model.name, scored.model.items) == ("v1", 30 - len(trained))
    one, two = report.models
    assert (one.training_known, one.trained_on, one.scored) == (True, len(trained), True)
    assert (two.trained_on, two.images, two.scored) == (len(trained), 0, False)
    assert two.note == "needs 5 images that it was not trained on; there are 0"


@pytest.mark.sqlite_tells
def test_agreement_is_of_first_measurements(db, raters):
    before = db.agreement.report()
    for label in db.get_labels(raters.images[0]):
        db.labels.correct(label.id, label=0.5, reason="we talked about it")

    assert db.agreement.report().reliability == before.reliability


@pytest.mark.sqlite_tells
def test_labels_made_with_a_prediction_shown_are_no_agreement(db, raters, measure):
    before = db.agreement.report()
    other = db.register_technician("tech_009", "O")
    measure(other, raters.images, np.full(30, 0.5), original_prediction=0.5)

    after = db.agreement.report()

    assert (after.reliability, after.alpha, after.pairs) == (
        before.reliability,
        before.alpha,
        before.pairs,
    )
    assert after.counts.assisted == 30


def test_consensus_labels_are_nobodys_measurements(db, gold):
    before = db.agreement.report()
    assert db.consensus.create().created == 30

    after = db.agreement.report()

    for part in PARTS:
        assert getattr(after, part) == getattr(before, part)
    assert after.counts.raters == 3


def test_people_under_restriction_are_left_out_and_counted(db, raters):
    db.holds.restrict("tech_003", "contested")

    report = db.agreement.report()

    assert report.reliability.raters == ("tech_001", "tech_002")
    assert (report.counts.restricted_labels, report.counts.restricted_raters) == (40, 1)
    assert "tech_003" not in as_json(report)


@pytest.mark.sqlite_tells
def test_images_marked_invalid_are_left_out(db, raters):
    db.update_image_quality(raters.images[0], 0.1, is_valid=False)

    assert db.agreement.report().reliability.images == 29


@pytest.mark.sqlite_tells
def test_images_that_one_person_labelled_once_are_not_read(db, raters, images_of, measure):
    measure(raters.people["tech_001"], images_of(200), np.full(200, 0.5))

    counts = db.agreement.report().counts

    assert (counts.images, counts.labels, counts.labels_in_database) == (30, 120, 320)


@pytest.mark.sqlite_tells
def test_one_person_is_held_against_gold_the_others_and_each_of_them(db, gold):
    report = db.agreement.report("tech_002")

    assert report.technician == "tech_002"
    assert [(pair.first, pair.second) for pair in report.pairs] == [
        ("tech_002", "gold"),
        ("tech_002", "consensus of the others"),
        ("tech_002", "tech_001"),
        ("tech_002", "tech_003"),
    ]
    assert all(pair.comparison.bias > 0 for pair in report.pairs)
    assert [each.rater for each in report.raters] == ["tech_002"]
    assert [each.rater for each in report.charts] == ["tech_002"]


def test_a_period_narrows_people_but_not_references(db, gold):
    since = datetime(2026, 1, 1, 10, tzinfo=UTC)

    report = db.agreement.report(since=since, until=since + timedelta(hours=15))

    assert report.counts.images == report.reliability.images == 15
    assert report.counts.gold_images == 15
    assert report.raters[0].against == "gold"
    assert report.raters[0].n == 5


@pytest.mark.sqlite_tells
def test_the_complete_set_is_the_one_that_tells_most(db, raters, measure):
    few = db.register_technician("tech_009", "F")
    measure(few, raters.images[:4], np.full(4, 0.5))

    report = db.agreement.report()

    assert report.reliability.raters == ("tech_001", "tech_002", "tech_003")
    assert report.reliability.images == 30


@pytest.mark.sqlite_tells
def test_nonsense_is_refused(db, technician, refuses):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    refuses(UnknownRecordError, "technician list", db.agreement.report, "nobody")
    refuses(ValidationError, "since", db.agreement.report, since="yesterday")
    refuses(ValidationError, "must be after", db.agreement.report, since=now, until=now)
