"""Training data: one row per image, no leaks, the same every time, stable as data grows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.errors import (
    AmbiguousError,
    UnknownRecordError,
    UnsupportedError,
    ValidationError,
)


@pytest.fixture
def second(db):
    return db.register_technician("tech_002", "Al")


@pytest.fixture
def campaign(db, images_of, technician):
    """Thirty specimens of three images, one label each."""
    images = [images_of(3, f"S{i}") for i in range(30)]
    rows = [(image, i / 30) for i, group in enumerate(images) for image in group]
    db.store_labels(
        image_id=[r[0] for r in rows], label=[r[1] for r in rows], technician_id=technician
    )
    return images


def where(data):
    return {image: split for split, pairs in data.items() for image, _ in pairs}


def value(data):
    return {image: label for pairs in data.values() for image, label in pairs}


def test_every_labelled_image_comes_once_and_only_once(db, campaign, technician, images_of):
    images_of(5)  # unlabelled
    for image in campaign[0]:
        db.store_label(image, technician, 0.9)
    data = db.get_training_data()
    rows = [image for pairs in data.values() for image, _ in pairs]
    assert list(data) == ["train", "val", "test"]
    assert sorted(rows) == sorted(i for group in campaign for i in group)
    assert all([i for i, _ in pairs] == sorted(i for i, _ in pairs) for pairs in data.values())
    assert value(data)[campaign[0][0]] == 0.9


def test_no_specimen_is_in_two_splits(db, campaign):
    at = where(db.get_training_data())
    assert all(len({at[i] for i in group}) == 1 for group in campaign)
    assert set(at.values()) == {"train", "val", "test"}


def test_images_may_be_split_one_by_one_when_asked_for(db, campaign):
    at = where(db.get_training_data(group_by="image"))
    assert any(len({at[i] for i in group}) > 1 for group in campaign)


def link(sql, a, b):
    sql(
        "INSERT INTO near_duplicates (image_id, older_image_id, distance) VALUES (:a, :b, 3)",
        a=max(a, b),
        b=min(a, b),
    )


def test_look_alikes_stay_together_also_through_an_unlabelled_image(db, images_of, technician, sql):
    pairs = []
    for i in range(20):
        first, between, last = images_of(1, f"A{i}") + images_of(1, f"B{i}") + images_of(1, f"C{i}")
        link(sql, first, between)
        link(sql, between, last)
        db.store_labels(
            image_id=[first, last], label=[i / 20, 1 - i / 20], technician_id=technician
        )
        pairs.append((first, last))
    at = where(db.get_training_data())
    assert all(at[a] == at[b] for a, b in pairs)
    assert len(set(at.values())) > 1
    assert db.get_training_data().report.near_duplicate_links == 20


def test_the_same_question_has_the_same_answer_and_another_seed_another(db, campaign):
    assert db.get_training_data() == db.get_training_data()
    assert where(db.get_training_data(seed=1)) != where(db.get_training_data(seed=0))


def test_shares_are_those_asked_for(db, campaign):
    report = db.get_training_data().report
    assert report.groups["train"] == pytest.approx(21, abs=2)
    assert report.groups["val"] == pytest.approx(4.5, abs=2)
    everything = db.get_training_data(1.0, 0.0, 0.0)
    assert len(everything["train"]) == 90
    assert everything["val"] == everything["test"] == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["new image", "new specimen", "label", "correct", "verify", "invalid"]),
        st.integers(0, 10**6),
        st.floats(0, 1),
    ),
    max_size=25,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_an_image_keeps_its_split_as_the_data_grows(db, images_of, technician, second, steps):
    specimens = 0
    known = {}
    for what, pick, number in [("new specimen", 0, 0.5), *steps]:
        images = sorted(i.id for i in db.get_images(limit=10_000))
        labels = sorted(x.id for x in db.get_labels(limit=10_000))
        if what == "new specimen" or not images:
            specimens += 1
            (image,) = images_of(1, f"H{len(images)}-{specimens}")
            db.store_label(image, technician, number)
        elif what == "new image":
            name = db.get_image(images[pick % len(images)]).specimen_id
            (image,) = images_of(1, name)
            db.store_label(image, technician, number)
        elif what == "label":
            db.store_label(images[pick % len(images)], second, number)
        elif what == "correct" and labels:
            db.update_label(labels[pick % len(labels)], label=number, reason="again")
        elif what == "verify" and labels:
            db.verify_label(labels[pick % len(labels)], "chief")
        elif what == "invalid":
            db.update_image_quality(images[pick % len(images)], 0.1, is_valid=False)
        now = where(db.get_training_data())
        assert all(known[image] == split for image, split in now.items() if image in known)
        known |= now


def test_filters_leave_images_out_and_move_none(db, campaign, technician):
    images = [i for group in campaign for i in group]
    everything = where(db.get_training_data())
    for i, image in enumerate(images[:40]):
        db.store_prediction(image, 1, 0.5, i / 40)
    db.store_features(images[:25], "cnn", [[1.0]] * 25, "v1")
    for label in list(db.get_labels(limit=10))[:5]:
        db.verify_label(label.id, "chief")
    for asked, size in [
        ({"min_confidence": 0.5}, 20),
        ({"feature_type": "cnn"}, 25),
        ({"verified_only": True}, 5),
        ({"label_policy": "verified"}, 5),
        ({"min_confidence": 0.25, "feature_type": "cnn"}, 15),
    ]:
        data = db.get_training_data(**asked)
        assert len(where(data)) == size, asked
        assert where(data).items() <= everything.items()
        assert data.report.used + sum(data.report.left_out.values()) == 90
    with pytest.raises(UnknownRecordError, match=r"no 'hog' features\. Stored: cnn v1"):
        db.get_training_data(feature_type="hog")


def test_only_the_latest_prediction_counts_for_confidence(db, image, technician):
    db.store_label(image, technician, 0.5)
    db.store_prediction(image, 1, 0.5, 0.9)
    db.store_prediction(image, 1, 0.5, 0.1)
    assert where(db.get_training_data(min_confidence=0.5)) == {}


def test_confidence_may_be_asked_of_one_model(db, image, technician):
    other = db.register_model_version("v2", "net", "/m")
    db.store_label(image, technician, 0.5)
    db.store_prediction(image, other, 0.5, 0.9)
    db.store_prediction(image, 1, 0.5, 0.1)
    assert where(db.get_training_data(min_confidence=0.5)) == {}
    assert len(where(db.get_training_data(min_confidence=0.5, model_version_id=other))) == 1
    assert where(db.get_training_data(min_confidence=0.5, model_version_id=1)) == {}


def test_with_several_extractor_versions_one_must_be_named(db, campaign):
    images = [i for group in campaign for i in group]
    db.store_features(images[:25], "cnn", [[1.0]] * 25, "v1")
    assert len(where(db.get_training_data(feature_type="cnn"))) == 25
    db.store_features(images[20:60], "cnn", [[1.0]] * 40, "v2")
    with pytest.raises(AmbiguousError, match=r"'v1' \(25 images\), 'v2' \(40 images\)"):
        db.get_training_data(feature_type="cnn")
    for version, wanted in [("v1", images[:25]), ("v2", images[20:60])]:
        data = db.get_training_data(feature_type="cnn", extractor_version=version)
        assert sorted(where(data)) == wanted
        assert data.report.left_out == {f"no cnn {version} features": 90 - len(wanted)}
        ids = [image for image, _ in data["train"]]
        assert len(db.get_features_for_training(ids, "cnn", version)) == len(ids)


def test_the_latest_label_is_the_one_stored_last_whatever_its_time(db, image, technician):
    db.store_label(image, technician, 0.1)
    db.store_label(image, technician, 0.9, timestamp=datetime(2001, 1, 1, tzinfo=UTC))
    assert value(db.get_training_data()) == {image: 0.9}


def test_an_image_given_a_specimen_late_joins_the_split_of_the_older_group(
    db, campaign, images_of, technician
):
    before = where(db.get_training_data())
    (late,) = images_of(1)
    db.store_label(late, technician, 0.5)
    alone = where(db.get_training_data())[late]
    home = next(group for group in campaign if before[group[0]] != alone)
    db.update_image(late, specimen_id=db.get_image(home[0]).specimen_id)
    assert where(db.get_training_data()) == before | {late: before[home[0]]}


def test_invalid_images_are_left_out_and_counted(db, campaign):
    gone = campaign[0][0]
    db.update_image_quality(gone, 0.0, is_valid=False)
    data = db.get_training_data()
    assert gone not in where(data)
    assert data.report.left_out == {"marked invalid": 1}
    assert (data.report.labelled_images, data.report.used) == (90, 89)


def test_each_policy_chooses_its_value(db, image, technician, second):
    db.store_label(image, technician, 0.1)
    first = db.store_label(image, technician, 0.3)
    db.store_label(image, second, 0.8)
    db.verify_label(first, "chief")

    def chosen(**asked):
        return value(db.get_training_data(**asked))[image]

    assert chosen() == chosen(label_policy="latest") == 0.8
    assert chosen(label_policy="mean") == pytest.approx((0.3 + 0.8) / 2)
    assert chosen(label_policy="consensus") == pytest.approx((0.3 + 0.8) / 2)
    assert chosen(label_policy="verified") == chosen(verified_only=True) == 0.3
    db.store_label(image, technician, 0.6, label_type="consensus")
    assert chosen(label_policy="consensus") == 0.6
    assert db.get_training_data(label_policy="mean").report.label_policy == "mean"


def test_a_corrected_label_counts_with_its_new_value(db, image, technician):
    key = db.store_label(image, technician, 0.1)
    db.update_label(key, label=0.7, reason="typing error")
    assert value(db.get_training_data()) == {image: 0.7}


def test_no_labels_are_no_rows(db, images_of):
    images_of(3)
    data = db.get_training_data()
    assert data == {"train": [], "val": [], "test": []}
    assert data.report.labelled_images == 0


def test_wrong_questions_are_refused(db, campaign, refuses):
    ask, wrong = db.get_training_data, ValidationError
    refuses(wrong, "must sum to 1", ask, 0.7, 0.2, 0.2)
    for share in (-0.1, 1.5, float("nan"), "0.7", True, None):
        refuses(wrong, "train_split", ask, share, 0.15, 0.15)
    for confidence in (-0.1, 1.1, float("nan"), "0.5", True):
        refuses(wrong, "min_confidence", ask, min_confidence=confidence)
    refuses(wrong, "feature_type=5", ask, feature_type=5)
    refuses(wrong, "extractor_version='v1': give feature_type", ask, extractor_version="v1")
    refuses(wrong, "model_version_id=1: give min_confidence", ask, model_version_id=1)
    refuses(wrong, "model_version_id=True", ask, min_confidence=0.5, model_version_id=True)
    refuses(wrong, "label_policy", ask, label_policy="newest")
    refuses(wrong, "group_by", ask, group_by="heat")
    refuses(
        UnknownRecordError,
        "data version 'v1' does not exist. Known: none",
        ask,
        data_version="v1",
    )


def test_a_version_that_lists_no_images_says_so(db, sql):
    sql("INSERT INTO data_versions (version, name) VALUES ('v1', 'first')")
    with pytest.raises(UnsupportedError, match="without the list of its images"):
        db.get_training_data(data_version="v1")


@pytest.mark.parametrize("asked", [{"verified_only": "no"}, {"stratify": None}])
def test_a_switch_is_true_or_false_and_nothing_else(db, asked):
    with pytest.raises(ValidationError, match=next(iter(asked))):
        db.get_training_data(**asked)
