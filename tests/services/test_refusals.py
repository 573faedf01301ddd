"""What is refused leaves no trace: every table, the audit trail included, stays as it was."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from mlmcsc.errors import (
    ImageFileError,
    ImageMissingError,
    MlmcscError,
    UnknownKeywordError,
    UnknownRecordError,
    ValidationError,
)

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  # the mistake under test
NOT_NUMBERS = [math.nan, math.inf, -math.inf, "0.5", True, None, 10**400, 1j, [0.5], Decimal("0.5")]


WRONG_LABEL_DETAILS = [
    ("difficulty_rating", 0),
    ("difficulty_rating", 6),
    ("difficulty_rating", 2.5),
    ("difficulty_rating", True),
    ("time_spent", -1),
    ("time_spent", math.inf),
    ("original_prediction", 2),
    ("original_confidence", 7.5),
    ("label_type", "x" * 51),
    ("notes", "NUL \x00"),
    ("notes", "half \ud83d"),
    ("notes", 5),
    ("notes", b"bytes"),
    ("timestamp", NAIVE),
    ("timestamp", "2026-01-01"),
    ("timestamp", datetime.min.replace(tzinfo=datetime.strptime("+0500", "%z").tzinfo)),
    ("annotation_data", {"x": math.nan}),
    ("annotation_data", {"x": {1, 2}}),
    ("annotation_data", {"x": "\x00"}),
    ("annotation_data", ["\ud800"]),
    ("annotation_data", {"x": 10**30}),
    ("is_verified", "yes"),
    ("verified_by", "x" * 51),
]
WRONG_PREDICTION_DETAILS = [
    ("detection_bbox", [0, 0, 10]),
    ("detection_bbox", [5, 5, 5, 9]),
    ("detection_bbox", [0, 0, math.nan, 9]),
    ("detection_bbox", [-1, 0, 5, 9]),
    ("detection_bbox", ["0", "0", "5", "9"]),
    ("detection_bbox", {"x": 1, "y": 1, "width": 0, "height": 3}),
    ("detection_bbox", {"left": 1, "top": 1}),
    ("detection_confidence", 1.5),
    ("detection_class", "x" * 51),
    ("processing_time", -0.1),
    ("raw_output", {"logits": [1.0, math.inf]}),
    ("raw_output", object()),
    ("timestamp", NAIVE),
]


@pytest.mark.parametrize("field", ["prediction", "confidence"])
def test_a_prediction_with_a_wrong_number_is_refused(db, image, refuses, field):
    row = {"image_id": image, "model_version_id": 1, "prediction": 0.5, "confidence": 0.5}
    for value in [*NOT_NUMBERS, 1.0000001, -0.1, 7.5, np.nan, np.float32(2)]:
        refuses(ValidationError, field, db.store_prediction, **row | {field: value})


def test_a_label_with_a_wrong_number_is_refused(db, image, technician, refuses):
    for value in [*NOT_NUMBERS, 1.5, -1e-9, 7.5]:
        refuses(ValidationError, "label", db.store_label, image, technician, value)


def test_a_label_with_a_wrong_detail_is_refused(db, image, technician, refuses):
    for field, value in WRONG_LABEL_DETAILS:
        wrong = {field: value}
        refuses(ValidationError, field, db.store_label, image, technician, 0.5, **wrong)


def test_a_prediction_with_a_wrong_detail_is_refused(db, image, refuses):
    for field, value in WRONG_PREDICTION_DETAILS:
        wrong = {field: value}
        refuses(ValidationError, field, db.store_prediction, image, 1, 0.5, 0.5, **wrong)


def test_ids_that_point_nowhere_are_named(db, image, technician, refuses):
    for key in [999_999, 2**63 - 1]:
        none = UnknownRecordError
        refuses(none, f"image {key}", db.store_prediction, key, 1, 0.5, 0.5)
        refuses(none, f"model version {key}", db.store_prediction, image, key, 0.5, 0.5)
        refuses(none, f"technician {key}", db.store_label, image, key, 0.5)
        refuses(none, f"image {key}", db.store_features, key, "cnn", [1.0], "v1")
        refuses(none, f"image {key}", db.update_image_quality, key, 0.5)


def test_what_is_no_id_is_refused(db, image, technician, refuses):
    for key in [0, -1, 2**63, 10**30, "1", 1.5, True, None, math.nan]:
        refuses(MlmcscError, r"\w", db.store_label, key, technician, 0.5)
        refuses(MlmcscError, r"\w", db.store_label, image, key, 0.5)
        refuses(MlmcscError, r"\w", db.store_prediction, image, key, 0.5, 0.5)
        refuses(MlmcscError, r"\w", db.store_features, key, "cnn", [1.0], "v1")
        refuses(MlmcscError, r"\w", db.get_image, key)


def test_an_unknown_keyword_is_told_with_the_nearest_known_one(
    db, image, technician, draw, nothing_written
):
    path = draw("a.png")
    with nothing_written():
        with pytest.raises(UnknownKeywordError, match="Did you mean 'notes'"):
            db.store_label(image, technician, 0.5, note="typo")
        with pytest.raises(UnknownKeywordError, match="Did you mean 'detection_bbox'"):
            db.store_prediction(image, 1, 0.5, 0.5, detection_box=[0, 0, 1, 1])
        with pytest.raises(UnknownKeywordError, match="Did you mean 'magnification'"):
            db.store_image(path, magnificaton=400.0)
        with pytest.raises(UnknownKeywordError, match="Did you mean 'email'"):
            db.register_technician("t2", "Al", e_mail="al@lab")
        with pytest.raises(UnknownKeywordError, match="Did you mean 'label'"):
            db.store_labels([{"image_id": image, "technician_id": technician, "labl": 0.5}])


def test_an_unknown_keyword_is_also_a_type_error(db, image, technician):
    with pytest.raises(TypeError):
        db.store_label(image, technician, 0.5, note="typo")


def test_a_missing_image_file_is_refused(db, tmp_path, nothing_written):
    with nothing_written(), pytest.raises(ImageMissingError, match=r"gone\.png") as told:
        db.store_image(tmp_path / "gone.png")
    assert isinstance(told.value, FileNotFoundError)


def test_a_text_file_named_jpg_is_refused(db, tmp_path, nothing_written):
    (tmp_path / "fake.jpg").write_text("this is no picture\n" * 50)
    with nothing_written(), pytest.raises(ImageFileError, match=r"fake\.jpg"):
        db.store_image(tmp_path / "fake.jpg")


def test_an_empty_or_cut_image_file_is_refused(db, draw, nothing_written):
    whole = draw("whole.png")
    empty, cut = whole.with_name("empty.png"), whole.with_name("cut.png")
    empty.touch()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for path in (empty, cut, whole.parent):
        with nothing_written(), pytest.raises(ImageFileError):
            db.store_image(path)


def test_what_is_no_path_is_refused(db, refuses):
    for path in ["", "  ", "a\x00.png", "half\ud800.png", None, 5, b"a.png"]:
        refuses(ValidationError, "image_path", db.store_image, path)


WRONG_METADATA = [
    ("magnification", math.nan),
    ("magnification", "400"),
    ("magnification", 0),
    ("magnification", True),
    ("quality_score", 1.1),
    ("specimen_id", "x" * 101),
    ("specimen_id", "\ud800"),
    ("timestamp", NAIVE),
    ("acquisition_settings", [1, 2]),
    ("acquisition_settings", {"gain": math.nan}),
    ("is_valid", "no"),
    ("image_path", "/elsewhere"),
]


def test_an_image_with_wrong_metadata_is_refused(db, draw, refuses):
    path = draw("a.png")
    key = db.store_image(draw("b.png", seed=1))
    for field, value in WRONG_METADATA:
        wrong = {field: value}
        if field != "image_path":  # given twice: Python itself refuses that
            refuses(ValidationError, field, db.store_image, path, **wrong)
        refuses(ValidationError, field, db.update_image, key, **wrong)
        refuses(ValidationError, field, db.ingest, [path], **wrong)


def test_a_fact_that_every_image_has_cannot_be_cleared(db, draw, refuses):
    key = db.store_image(draw("a.png"))
    for field in ("timestamp", "is_valid"):
        refuses(ValidationError, field, db.update_image, key, **{field: None})


def test_a_quality_that_is_no_fraction_is_refused(db, image, refuses):
    for score in [None, math.nan, "0.5", True, 1.5, -0.1]:
        refuses(ValidationError, "quality_score", db.update_image_quality, image, score)


NO_VECTORS = [
    [],
    [1.0, math.nan],
    [math.inf],
    ["1"],
    [True, False],
    [[1.0], [2.0]],
    None,
    "abc",
    5.0,
    [1.0, [2.0]],
    [None, 1.0],
]


def test_what_is_no_vector_is_refused(db, image, refuses):
    for vector in NO_VECTORS:
        refuses(ValidationError, "feature_vector", db.features.add, image, "cnn", vector, "v1")


def test_a_number_too_large_for_its_format_is_refused(db, image, nothing_written):
    with nothing_written(), pytest.raises(ValidationError, match="not finite as float16"):
        db.store_features(image, "cnn", [1e6], "v1", dtype="float16")
    with nothing_written(), pytest.raises(ValidationError, match="not finite as float16"):
        db.store_features([image], "cnn", np.array([[1e6]]), "v1", dtype="float16")


def test_a_vector_without_type_or_version_is_refused(db, image, nothing_written):
    with nothing_written():
        with pytest.raises(ValidationError, match="feature_type"):
            db.store_features(image, "", [1.0], "v1")
        with pytest.raises(ValidationError, match="extractor_version"):
            db.store_features(image, "cnn", [1.0], None)
        with pytest.raises(ValidationError, match="dtype"):
            db.store_features(image, "cnn", [1.0], "v1", dtype="int8")


def test_the_message_names_value_limit_and_meaning(db, image):
    with pytest.raises(ValidationError) as told:
        db.store_prediction(image, 1, 0.5, 7.5)
    assert "confidence=7.5" in str(told.value)
    assert "from 0 to 1" in str(told.value)
    assert isinstance(told.value, ValueError)


def test_a_time_in_another_zone_is_kept_as_the_same_instant(db, image, technician):
    zone = datetime.strptime("-0730", "%z").tzinfo
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=zone)
    key = db.store_label(image, technician, 0.5, timestamp=at)
    assert db.labels.get(key).timestamp == at
    assert db.labels.get(key).timestamp.tzinfo is UTC
