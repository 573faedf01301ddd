"""Planted errors come first, each with its reasons; what is not known counts neither way."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import Actor, Permission
from mlmcsc.domain.permissions import ALL_PERMISSIONS
from mlmcsc.errors import PermissionDeniedError, UnknownRecordError, ValidationError

N, WRONG = 300, 12


@pytest.fixture
def lab(db, images_of):
    """300 images of 60 specimens, two raters each, a model, features; 12 labels are 0.4 off."""
    rng = np.random.default_rng(5)
    images = [image for s in range(60) for image in images_of(N // 60, f"S{s}")]
    truth = rng.uniform(0.1, 0.9, N)
    people = [db.register_technician(f"tech_{n:03}", f"P{n}") for n in range(3)]
    pairs = np.stack([rng.permutation(3)[:2] for _ in range(N)])
    values = truth[:, None] + rng.normal(0, 0.03, (N, 2))
    planted = rng.choice(N, WRONG, replace=False)
    values[planted, 0] += np.where(truth[planted] > 0.5, -0.4, 0.4)
    values = np.clip(values, 0, 1)
    who = np.asarray(people)[pairs]
    stored = db.labels.add_many(
        image_id=np.repeat(images, 2), technician_id=who.ravel(), label=values.ravel()
    )
    db.register_model_version("v3", "net", "/m/v3")
    model = next(each.id for each in db.models.list() if each.version == "v3")
    predicted = np.clip(truth + rng.normal(0, 0.05, N), 0, 1)
    db.predictions.add_many(
        image_id=images, model_version_id=model, prediction=predicted, confidence=0.9
    )
    angle = truth * np.pi / 2
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.02, (N, 2))
    db.store_features(images, "cnn", vectors.astype(np.float32), extractor_version="1")
    return {"wrong": set(stored.ids[2 * planted].tolist()), "images": images, "people": people}


def test_most_planted_errors_come_first(db, lab):
    found = db.suspicious_labels.list(WRONG)
    hits = sum(each.label_id in lab["wrong"] for each in found.items)
    assert hits >= 10
    assert [each.score for each in found.items] == sorted(
        (each.score for each in found.items), reverse=True
    )
    assert (found.labels, found.with_model, found.with_colleagues) == (600, 600, 600)
    assert found.with_neighbours == 600
    assert found.without_evidence == 0


def test_each_label_says_why_and_what_to_do(db, lab):
    first = db.suspicious_labels.list(1).items[0]
    assert "from the one colleague's label (z" in first.why
    assert "from model v3 (z" in first.why
    assert "10 similar images" in first.why
    assert first.command.startswith(f"mlmcsc labels correct {first.label_id} ")
    assert first.model.difference == pytest.approx(first.label - first.model.expected)


def test_only_labels_that_reach_the_score_are_listed(db, lab, refuses):
    every = db.suspicious_labels.list(600)
    found = db.suspicious_labels.list(600, min_score=3)
    assert list(found.items) == [each for each in every.items if each.score >= 3]
    assert 0 < len(found.items) < len(every.items)
    assert db.suspicious_labels.list(min_score=1e3).items == ()
    refuses(ValidationError, "min_score=-1", db.suspicious_labels.list, min_score=-1)


def test_where_several_colleagues_agree_model_or_image_is_in_doubt_not_the_label(db, images_of):
    rng = np.random.default_rng(7)
    images = images_of(40)
    people = [db.register_technician(f"tech_{n:03}", f"P{n}") for n in range(4)]
    values = 0.5 + rng.normal(0, 0.02, (40, 4))
    values[0] = 0.5  # all agree, the model does not
    values[1, 0] = 0.62  # three others disagree, the model is as usual
    db.labels.add_many(
        image_id=np.repeat(images, 4), technician_id=people * 40, label=values.ravel()
    )
    db.register_model_version("v3", "net", "/m/v3")
    predicted = 0.5 + rng.normal(0, 0.02, 40)
    predicted[:2] = 0.1, 0.52
    db.predictions.add_many(
        image_id=images, model_version_id=1, prediction=predicted, confidence=0.9
    )
    found = db.suspicious_labels.list(600).items
    place = {(each.image_id, each.technician_id): n for n, each in enumerate(found)}
    assert place[images[1], "tech_000"] == 0
    doubted = [each for each in found if each.why.startswith("model or image, as colleagues agree")]
    assert {each.image_id for each in doubted} == {images[0]}
    assert len(doubted) == 4
    assert max(each.score for each in doubted) < 1.5
    assert all(abs(each.model.z) > 8 for each in doubted)


def test_labels_of_one_person_are_judged_by_all(db, lab):
    everyone = db.suspicious_labels.list(600)
    mine = db.suspicious_labels.list(600, technician="tech_001")
    expected = [each for each in everyone.items if each.technician_id == "tech_001"]
    assert list(mine.items) == expected


def test_restricted_people_are_left_out_and_counted(db, lab):
    before = [each.technician_id for each in db.suspicious_labels.list(600).items]
    db.holds.restrict("tech_002", ground="asked for")
    found = db.suspicious_labels.list(600)
    assert "tech_002" not in {each.technician_id for each in found.items}
    assert found.restricted == before.count("tech_002")


def test_missing_evidence_is_missing(db, images_of):
    who = db.register_technician("tech_001", "Jo")
    for image in images_of(5):
        db.store_label(image, who, 0.5)
    found = db.suspicious_labels.list()
    assert found.items == ()
    assert (found.labels, found.without_evidence) == (5, 5)
    assert (found.model_version, found.feature_type) == (None, None)


def test_consensus_labels_and_earlier_ones_of_the_same_person_do_not_testify(db, images_of):
    who = db.register_technician("tech_001", "Jo")
    other = db.register_technician("tech_002", "Al")
    (image,) = images_of(1)
    db.store_label(image, who, 0.1)
    db.store_label(image, who, 0.5)
    db.store_label(image, other, 0.5, label_type="consensus")
    found = db.suspicious_labels.list()
    assert (found.labels, found.with_colleagues) == (1, 0)


def test_who_may_not_judge_people_sees_nothing(db, refuses):
    helpless = db.acting_as(Actor(db.actor.subject, ALL_PERMISSIONS - {Permission.QUALITY}))
    refuses(PermissionDeniedError, "quality", helpless.suspicious_labels.list)
    refuses(ValidationError, "limit=0", db.suspicious_labels.list, 0)
    refuses(UnknownRecordError, "nobody", db.suspicious_labels.list, technician="nobody")
