"""Listings: filters that mean what they say, pages that lose and repeat nothing."""

from __future__ import annotations

import math
import operator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.errors import UnknownKeywordError, ValidationError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def measured(db, images_of, technician):
    """Twenty images, a prediction and a label on each, an hour apart."""
    images = images_of(10, "A", quality_score=0.2) + images_of(10, "B", quality_score=0.8)
    other = db.register_technician("tech_002", "Al")
    for i, image in enumerate(images):
        at = NOON + timedelta(hours=i)
        db.store_prediction(image, 1, i / 20, i / 20, timestamp=at)
        db.store_label(image, technician if i % 2 else other, i / 20, timestamp=at)
    return images


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(limit=st.integers(1, 25))
def test_pages_put_together_are_everything_once_and_in_order(db, measured, limit):
    for listing in (db.get_images, db.get_labels, db.get_predictions):
        seen, after = [], 0
        while after is not None:
            page = listing(after_id=after, limit=limit)
            assert len(page) <= limit
            seen += [record.id for record in page]
            after = page.next_after_id
        assert seen == sorted(set(seen))
        assert len(seen) == len(measured)


def test_images_are_found_by_each_filter(db, measured):
    def ids(**wanted):
        return [image.id for image in db.get_images(**wanted)]

    assert ids(specimen_id="A") == measured[:10]
    assert ids(min_quality=0.5) == measured[10:]
    assert ids(max_quality=0.5, specimen_id="B") == []
    assert ids(image_ids=measured[3:5]) == measured[3:5]
    assert ids(image_ids=[]) == []
    assert ids(labelled=False) == []
    assert ids(labelled=True) == measured
    db.update_image_quality(measured[0], 0.1, is_valid=False)
    assert ids(is_valid=False) == measured[:1]


def test_labels_and_predictions_are_found_by_each_filter(db, measured, technician):
    assert [x.image_id for x in db.get_labels(measured[4])] == [measured[4]]
    assert len(db.get_labels(technician_id=technician)) == 10
    assert len(db.get_labels(since=NOON + timedelta(hours=5), until=NOON + timedelta(hours=7))) == 2
    assert len(db.get_labels(is_verified=True)) == 0
    assert len(db.get_labels(label_type="manual")) == 20
    assert len(db.get_predictions(model_version_id=1, min_confidence=0.5)) == 10
    assert len(db.get_predictions(max_confidence=0.45)) == 10
    assert len(db.get_predictions(image_ids=measured[:3])) == 3


def test_times_are_found_whatever_zone_they_are_given_in(db, measured):
    tokyo = (NOON + timedelta(hours=19)).astimezone(datetime.strptime("+0900", "%z").tzinfo)
    assert [x.image_id for x in db.get_labels(since=tokyo)] == measured[19:]


def test_a_wrong_filter_is_named_with_its_nearest_match(db):
    with pytest.raises(UnknownKeywordError, match="Did you mean 'specimen_id'"):
        db.get_images(specimen="A")


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": True}, {"limit": 10**9}, {"after_id": -1}, {"after_id": "1"}]
)
def test_a_page_that_makes_no_sense_is_refused(db, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        db.get_labels(**wrong)


WRONG_FILTERS = [
    ("get_images", {"after_id": 2**70}),
    ("get_images", {"since": "2020-01-01"}),
    ("get_images", {"since": 1577836800}),
    ("get_images", {"image_ids": 5}),
    ("get_images", {"image_ids": "12"}),
    ("get_images", {"image_ids": [1, "2"]}),
    ("get_images", {"image_ids": [1, None]}),
    ("get_images", {"image_ids": [True]}),
    ("get_images", {"image_ids": [np.array([1, 2])]}),
    ("get_images", {"image_ids": [2**70]}),
    ("get_images", {"image_ids": np.array([[1, 2]])}),
    ("get_images", {"image_ids": np.array(1)}),
    ("get_images", {"path": 5}),
    ("get_images", {"path": "a\x00b"}),
    ("get_images", {"specimen_id": 7}),
    ("get_images", {"format": "\ud800"}),
    ("get_images", {"is_valid": "yes"}),
    ("get_images", {"labelled": 2}),
    ("get_images", {"min_quality": math.nan}),
    ("get_images", {"max_quality": 1.5}),
    ("get_images", {"min_quality": "0.5"}),
    ("get_predictions", {"image_id": 2**70}),
    ("get_predictions", {"model_version_id": True}),
    ("get_predictions", {"min_confidence": math.inf}),
    ("get_labels", {"image_id": "1"}),
    ("get_labels", {"technician_id": "tech_001"}),
    ("get_labels", {"technician_id": 2**63}),
    ("get_labels", {"until": "now"}),
    ("get_labels", {"label_type": ["manual"]}),
    ("get_labels", {"is_verified": "no"}),
    ("get_features", {"feature_type": 1}),
    ("get_features", {"image_ids": {1: 2}}),
    ("specimens.list", {"heat": 4711}),
    ("specimens.list", {"limit": 0}),
    ("models.list", {"after_id": 2**63}),
    ("technicians.list", {"limit": "10"}),
]


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(("call", "wrong"), WRONG_FILTERS, ids=str)
def test_a_filter_of_the_wrong_type_or_range_is_refused_by_name(db, call, wrong):
    (name,) = wrong
    with pytest.raises(ValidationError, match=f"^{name}=.*must be"):
        operator.attrgetter(call)(db)(**wrong)


def test_a_filter_of_none_means_any_and_numpy_values_are_numbers(db, measured, tmp_path):
    assert len(db.get_images(path=None, min_quality=None, image_ids=None)) == 20
    ids = np.array(measured[:3])
    assert len(db.get_images(image_ids=ids)) == len(db.get_images(image_ids=set(measured[:3]))) == 3
    assert len(db.get_labels(np.int64(measured[0]), is_verified=np.bool_(0))) == 1
    assert len(db.get_images(min_quality=np.float32(0.5))) == 10
    (image,) = db.get_images(image_ids=measured[:1])
    assert db.get_images(path=Path(image.path)) == db.get_images(path=image.path)


def test_a_naive_time_in_a_filter_is_refused(db):
    with pytest.raises(ValidationError, match="time zone"):
        db.get_labels(since=datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake under test


def test_records_are_frozen_and_usable_after_the_database_is_closed(db, measured):
    image, label = db.get_image(measured[0]), db.get_labels(measured[0])[0]
    db.close()
    assert image.to_dict()["specimen_id"] == "A"
    assert label.label == 0.0
    with pytest.raises(AttributeError):
        image.path = "elsewhere"
