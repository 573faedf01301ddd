"""Feature vectors: stored exactly, replaced not repeated, one dimension per set."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from mlmcsc.errors import RejectedRowsError, ValidationError


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_vector_comes_back_bit_by_bit(db, image, dtype):
    info = np.finfo(dtype)
    vector = np.array([0.1, -0.0, info.max, info.tiny, info.smallest_subnormal, 1 / 3], dtype)
    db.store_features(image, "cnn", vector, "v1", dtype=dtype)
    (found,) = db.get_features(image)
    assert found.vector.dtype == dtype
    assert found.vector.tobytes() == vector.tobytes()
    assert (found.feature_dimension, found.dtype) == (6, dtype)
    assert not found.vector.flags.writeable
    assert found.to_dict()["vector"] == vector.tolist()


def test_details_are_kept(db, image):
    db.store_features(
        image, "cnn", [1, 2], "v1", extraction_time=0.25, preprocessing_params={"resize": 224}
    )
    (found,) = db.get_features(image, feature_type="cnn", extractor_version="v1")
    assert (found.extraction_time, found.preprocessing_params) == (0.25, {"resize": 224})


def test_storing_again_replaces_the_vector(db, image, counts):
    db.store_features(image, "cnn", [1.0, 2.0], "v1")
    db.store_features(image, "cnn", [3.0, 4.0], "v1")
    assert [f.vector.tolist() for f in db.get_features(image)] == [[3.0, 4.0]]
    assert counts()["features"] == 1
    assert [s.n_vectors for s in db.features.sets()] == [1]


def recorded(value):
    """JSON of an audit event, which raw SQL gives as text or decoded."""
    return json.loads(value) if isinstance(value, str) else value


def test_the_audit_trail_says_which_vectors_were_replaced_and_what_they_were(db, images_of, audit):
    images = images_of(5)
    first = np.arange(10, dtype=np.float32).reshape(5, 2)
    ids = db.store_features(images, "cnn", first, "v1").ids.tolist()
    assert audit()[-1].old_values is None
    chosen = [4, 1, 0]
    db.store_features([images[i] for i in chosen], "cnn", np.ones((3, 2)), "v1")
    (replaced,) = recorded(audit()[-1].old_values)["replaced"]
    rows = [[ids[i], images[i], hashlib.sha256(first[i].tobytes()).hexdigest()] for i in (0, 1, 4)]
    assert replaced == {
        "feature_type": "cnn",
        "extractor_version": "v1",
        "n_rows": 3,
        "id_ranges": [[ids[0], ids[1]], [ids[4], ids[4]]],
        "image_id_ranges": [[images[0], images[1]], [images[4], images[4]]],
        "columns": ["id", "image_id", "feature_vector"],
        "digest": hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest(),
    }


def test_sets_are_told_with_their_sizes(db, images_of):
    images = images_of(3)
    db.store_features(images, "cnn", np.ones((3, 4)), "v1")
    db.store_features(images[:2], "cnn", np.ones((2, 8)), "v2")
    db.store_features(images[:1], "lbp", np.ones((1, 2)), "v1", dtype="float16")
    assert [
        (s.feature_type, s.extractor_version, s.feature_dimension, s.dtype, s.n_vectors)
        for s in db.features.sets()
    ] == [
        ("cnn", "v1", 4, "float32", 3),
        ("cnn", "v2", 8, "float32", 2),
        ("lbp", "v1", 2, "float16", 1),
    ]


def test_another_dimension_or_format_is_refused_and_named(db, images_of, refuses):
    images = images_of(2)
    db.store_features(images[0], "cnn", [1.0, 2.0], "v1")
    wrong = ValidationError
    told = "3 numbers of float32, but cnn v1 has 2 of float32"
    refuses(wrong, told, db.store_features, images[1], "cnn", [1.0, 2.0, 3.0], "v1")
    told = "2 numbers of float64, but cnn v1 has 2 of float32"
    refuses(wrong, told, db.store_features, images[1], "cnn", [1.0, 2.0], "v1", dtype="float64")


def test_one_wrong_vector_refuses_all_or_is_collected(db, images_of, nothing_written):
    images = images_of(3)
    vectors = np.ones((3, 2))
    vectors[1, 1] = np.inf
    with nothing_written(), pytest.raises(RejectedRowsError, match="row 1"):
        db.store_features(images, "cnn", vectors, "v1")
    result = db.store_features(images, "cnn", vectors, "v1", on_error="collect")
    assert result.stored == 2
    assert [f.image_id for f in db.get_features()] == [images[0], images[2]]


def test_two_vectors_of_one_image_in_one_call_are_refused(db, image, nothing_written):
    with nothing_written(), pytest.raises(RejectedRowsError, match="two vectors"):
        db.store_features([image, image], "cnn", np.ones((2, 2)), "v1")


def test_rows_may_name_their_own_sets(db, images_of):
    images = images_of(2)
    rows = [
        {"image_id": i, "feature_type": t, "extractor_version": "v1", "feature_vector": [1.0] * d}
        for i in images
        for t, d in (("cnn", 3), ("lbp", 2))
    ]
    assert db.store_features(rows).stored == 4
    assert {(s.feature_type, s.n_vectors) for s in db.features.sets()} == {("cnn", 2), ("lbp", 2)}
