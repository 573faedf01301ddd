"""Archived rows stay findable, by id and by image, for those who may see them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import ValidationError

YEAR = timedelta(days=365)


def test_a_label_is_found_with_its_earlier_states(laboratory):
    label = laboratory.get_labels(limit=1).items[0]
    archive = laboratory.archives.create("labels", YEAR).archive
    (found,) = laboratory.archives.find("labels", label.id)
    assert (found.archive, found.table) == (archive.name, "labels")
    assert found.values == label.to_dict()
    (earlier,) = found.revisions
    assert (earlier["label"], earlier["reason"]) == (0.0, "the scale was wrong")
    assert earlier["notes"] == "note 0 2020"


def test_rows_of_an_image_are_found(laboratory):
    image = laboratory.get_images(limit=1).items[0].id
    vector = laboratory.get_features(image_id=image, limit=1).items[0].vector
    for table in ("labels", "predictions", "features"):
        laboratory.archives.create(table, YEAR)
        (found,) = laboratory.archives.find(table, image_id=image)
        assert found.values["image_id"] == image
    np.testing.assert_array_equal(found.values["feature_vector"], vector)


def test_what_is_live_young_or_restored_is_not_in_an_archive(laboratory):
    archive = laboratory.archives.create("predictions", YEAR).archive
    assert laboratory.archives.find("predictions", archive.last_id + 1) == []
    assert laboratory.archives.find("labels", archive.first_id) == []
    laboratory.archives.restore(archive.name)
    assert laboratory.archives.find("predictions", archive.first_id) == []


def test_notes_are_withheld_from_those_who_may_not_see_personal_data(laboratory):
    archive = laboratory.archives.create("labels", YEAR).archive
    reader = laboratory.acting_as(Actor("r", frozenset({Permission.READ})))
    (found,) = reader.archives.find("labels", archive.first_id)
    assert found.values["notes"] == "[withheld]"


@pytest.mark.parametrize(
    ("table", "which", "match"),
    [
        ("labels", {}, "Say which rows"),
        ("labels", {"record_id": 1, "image_id": 1}, "Say which rows"),
        ("system_metrics", {"image_id": 1}, "no image"),
        ("images", {"record_id": 1}, "cannot be archived"),
    ],
)
def test_a_question_without_sense_is_refused(laboratory, refuses, table, which, match):
    refuses(ValidationError, match, lambda: laboratory.archives.find(table, **which))


@pytest.mark.parametrize("wrong", [0, -1, True, "1", 2**63, 1.5])
def test_an_id_that_cannot_be_one_is_refused(laboratory, refuses, wrong):
    laboratory.archives.create("predictions", YEAR)
    for name in ("record_id", "image_id"):
        refuses(
            ValidationError,
            "record_id or image_id",
            lambda name=name: laboratory.archives.find("predictions", **{name: wrong}),
        )
