"""Groups of images that look the same, and what is wrong with them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.similarity import duplicates


def members(report):
    return [[each.image_id for each in group.images] for group in report.groups]


def test_features_that_are_nearly_the_same_are_one_group(db, gallery):
    report = db.similarity.duplicates(feature_type="cnn", max_distance=0.01)

    (group,) = report.groups
    assert members(report) == [gallery[:2]]
    assert group.found_by == ("features",)
    assert [each.distance for each in group.images] == pytest.approx([0, 1 - 9 / 82**0.5])
    assert group.specimens == ("S1",)
    assert group.label_spread == pytest.approx(0.1)
    assert group.labels_disagree
    assert group.straddles is None
    assert (report.compared, report.exact) == (6, True)


def test_labels_within_the_tolerance_agree(db, gallery):
    report = db.similarity.duplicates(feature_type="cnn", max_distance=0.01, label_tolerance=0.2)

    assert members(report) == [gallery[:2]]
    assert not report.groups[0].labels_disagree


def test_a_chain_is_one_group(db, gallery):
    report = db.similarity.duplicates(feature_type="cnn", max_distance=0.3)

    assert members(report) == [gallery[:4]]


def test_fingerprints_find_a_picture_that_was_saved_again(db, draw, tmp_path):
    first = db.store_image(draw("a.png", seed=1, size=(256, 192)))
    other = db.store_image(draw("b.png", seed=2, size=(256, 192)))
    with Image.open(tmp_path / "a.png") as picture:
        picture.save(tmp_path / "again.jpg", quality=80)
    again = db.store_image(tmp_path / "again.jpg")
    db.store_features([first, other, again], "cnn", np.eye(3, dtype=np.float32), "v1")

    report = db.similarity.duplicates(feature_type="cnn")

    assert members(report) == [[first, again]]
    assert report.groups[0].found_by == ("fingerprint",)
    assert 0 < report.groups[0].images[1].bits <= 40
    assert report.groups[0].images[1].distance == 1
    assert db.similarity.duplicates().groups[0].images[1].distance is None
    assert not db.similarity.duplicates(feature_type="cnn", perceptual=False).groups


def test_a_version_tells_who_straddles_its_splits(db, gallery):
    db.versions.create("v1", train_split=0.5, val_split=0.25, test_split=0.25, group_by="image")
    splits = {"feature_type": "cnn", "max_distance": 1, "data_version": "v1"}
    db.store_features(gallery, "cnn", np.eye(6, 4, dtype=np.float32) + 0.001, "v1")

    (group,) = db.similarity.duplicates(**splits).groups

    assert [each.image_id for each in group.images] == gallery  # right angles are 1 apart
    assert group.straddles == (len({each.split for each in group.images}) > 1)
    assert {each.split for each in group.images} <= {"train", "val", "test"}
    assert group.straddles


def test_too_many_for_all_pairs_are_compared_by_the_index(db, gallery, monkeypatch):
    monkeypatch.setattr(duplicates, "ALL_PAIRS", 5)
    with pytest.raises(ValidationError, match="approximate=True"):
        db.similarity.duplicates(feature_type="cnn", max_distance=0.01)
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")

    report = db.similarity.duplicates(feature_type="cnn", max_distance=0.01, approximate=True)

    assert members(report) == [gallery[:2]]
    assert not report.exact


def test_what_cannot_be_compared_is_refused_and_an_empty_database_has_none(refuses, db):
    for asked, error, message in (
        ({"max_distance": -0.1}, ValidationError, "from 0 to 1"),
        ({"max_distance": float("nan")}, ValidationError, "from 0 to 1"),
        ({"label_tolerance": -1}, ValidationError, "0 or more"),
        ({"perceptual": False}, ValidationError, "nothing to compare"),
        ({"feature_type": "cnn"}, UnknownRecordError, "Stored: none"),
    ):
        refuses(error, message, db.similarity.duplicates, **asked)
    assert db.similarity.duplicates().groups == ()


def test_a_contact_sheet_shows_what_was_found(db, draw, tmp_path):
    images = [db.store_image(draw(f"{n}.png", seed=n)) for n in range(4)]
    db.store_features(images, "cnn", np.eye(4, dtype=np.float32) + 1, "v1")
    shutil.move(tmp_path / "3.png", tmp_path / "gone.png")
    result = db.features.similar(images[0], k=3)

    sheet = db.similarity.contact_sheet(result, tmp_path / "alike.png", image=images[0])

    with Image.open(sheet) as picture:
        assert picture.width > 2 * 224
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {(0, 90, 180), (225, 225, 225)} <= colours  # the frame, and the file that is gone
    with pytest.raises(ValidationError, match=r"\.jpg"):
        db.similarity.contact_sheet(result, tmp_path / "alike.svg")
