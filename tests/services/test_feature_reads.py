"""Vectors for training: row i for id i, from the table or the matrix alike, never stale."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config
from mlmcsc.errors import AmbiguousError, IntegrityError, UnknownRecordError, ValidationError
from mlmcsc.services import feature_reads


@pytest.fixture
def by_matrix(monkeypatch):
    """Every read goes through the matrix, however few ids are asked for."""
    monkeypatch.setattr(feature_reads, "DIRECT_READ", 0)


@pytest.fixture(params=["table", "matrix"])
def path_taken(request, monkeypatch):
    limit = 0 if request.param == "matrix" else 10**9
    monkeypatch.setattr(feature_reads, "DIRECT_READ", limit)
    if request.param == "table":
        monkeypatch.setattr(feature_reads.FeatureReads, "_at_hand", lambda *_: None)
    return request.param


def vectors_of(images, dimension=4, seed=0):
    shape = (len(images), dimension)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def matrix_folder(db):
    (folder,) = db._database.matrices.root.glob("set-*")
    return folder


def test_rows_follow_ids_in_any_order_with_repeats(db, images_of, path_taken):
    images = images_of(6)
    stored = vectors_of(images)
    db.store_features(images, "cnn", stored, "v1")
    order = [5, 0, 0, 3, 5]
    asked = [images[i] for i in order]
    for ids in (asked, tuple(asked), np.array(asked), np.array(asked, dtype=np.uint64)):
        found = db.get_features_for_training(ids, "cnn")
        assert found.dtype == np.float32
        assert np.array_equal(found, stored[order])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_formats_are_read_as_float32(db, images_of, path_taken, dtype):
    images = images_of(3)
    stored = vectors_of(images)
    db.store_features(images, "cnn", stored, "v1", dtype=dtype)
    wanted = stored.astype(dtype).astype(np.float32)
    assert np.array_equal(db.get_features_for_training(images, "cnn"), wanted)


def test_an_image_without_a_vector_is_an_error_a_gap_or_left_out(db, images_of, path_taken):
    images = images_of(4)
    stored = vectors_of(images[:3])
    db.store_features(images[:3], "cnn", stored, "v1")
    asked = [images[3], images[1], 10**12]
    with pytest.raises(UnknownRecordError, match=f"2 images have no cnn v1 vector.*{images[3]}"):
        db.get_features_for_training(asked, "cnn")
    gaps = db.get_features_for_training(asked, "cnn", missing="nan")
    assert np.isnan(gaps[[0, 2]]).all()
    assert np.array_equal(gaps[1], stored[1])
    left = db.get_features_for_training(asked, "cnn", missing="drop")
    assert np.array_equal(left, stored[[1]])


def test_no_ids_are_no_rows_of_the_right_width(db, images_of, path_taken):
    db.store_features(images_of(2), "cnn", np.ones((2, 7)), "v1")
    for missing in ("error", "nan", "drop"):
        assert db.get_features_for_training([], "cnn", missing=missing).shape == (0, 7)


def test_no_ids_of_features_that_nobody_stored_are_an_empty_array(db, image):
    for wanted in (("cnn",), ("cnn", "v1")):
        found = db.get_features_for_training([], *wanted)
        assert (found.shape, found.dtype) == ((0, 0), np.float32)
    db.store_features(image, "cnn", [1.0, 2.0], "v1")
    assert db.get_features_for_training([], "cnn").shape == (0, 2)
    assert db.get_features_for_training([], "cnn", "v9").shape == (0, 0)


def test_several_extractor_versions_are_listed_until_one_is_named(db, images_of, path_taken):
    images = images_of(2)
    db.store_features(images, "cnn", np.ones((2, 2)), "v1")
    db.store_features(images[:1], "cnn", np.zeros((1, 3)), "v2")
    with pytest.raises(AmbiguousError, match=r"'v1' \(2 images\), 'v2' \(1 images\)"):
        db.get_features_for_training(images, "cnn")
    assert db.get_features_for_training(images[:1], "cnn", "v2").shape == (1, 3)
    assert db.get_features_for_training(images, "cnn", extractor_version="v1").sum() == 4


def test_features_that_are_not_there_are_named_with_those_that_are(db, image):
    db.store_features(image, "cnn", [1.0], "v1")
    with pytest.raises(UnknownRecordError, match=r"'lbp' features\. Stored: cnn v1"):
        db.get_features_for_training([image], "lbp")
    with pytest.raises(UnknownRecordError, match="cnn v9"):
        db.get_features_for_training([image], "cnn", "v9")


def test_what_are_no_ids_is_refused(db, image, path_taken):
    db.store_features(image, "cnn", [1.0], "v1")
    for wrong in (
        ["1"],
        [1.5],
        [True],
        [[1]],
        [0],
        [-1],
        [None],
        [10**30],
        np.array([2**63], dtype=np.uint64),
        np.array([2**64 - 1], dtype=np.uint64),
    ):
        with pytest.raises(ValidationError, match="image_ids"):
            db.get_features_for_training(wrong, "cnn")
    with pytest.raises(ValidationError, match="missing"):
        db.get_features_for_training([image], "cnn", missing="zero")


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["write", "read", "another", "reopen"]),
        st.lists(st.integers(0, 7), min_size=1, max_size=6),
    ),
    max_size=12,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=WRITES, case=st.integers(0, 2**32))
def test_reads_between_writes_and_replacements_are_never_stale(
    db, url, images_of, path_taken, steps, case
):
    images = images_of(8)
    model: dict[int, np.ndarray] = {}
    version = f"v{case}-{images[0]}"
    with DatabaseManager(url) as other:
        for number, (what, members) in enumerate([("write", [0]), *steps, ("read", range(8))]):
            ids = [images[i] for i in members]
            if what in {"write", "another"}:
                ids = list(dict.fromkeys(ids))
                new = vectors_of(ids, dimension=3, seed=number)
                (db if what == "write" else other).store_features(ids, "cnn", new, version)
                model |= dict(zip(ids, new, strict=True))
            elif what == "reopen":
                db._database.matrices.matrices.clear()
            gap = np.full(3, np.nan, np.float32)
            wanted = np.array([model.get(i, gap) for i in ids])
            for manager in (db, other):
                found = manager.get_features_for_training(ids, "cnn", version, missing="nan")
                assert np.array_equal(found, wanted, equal_nan=True)


def damage_state(folder):
    (folder / "state.json").write_text('{"token": "1"')


def misname_state(folder):
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"folder": "0" * 32}))


def cut_vectors(folder):
    path = next(folder.glob("*/vectors.f32"))
    os.truncate(path, path.stat().st_size - 4)


def cut_ids(folder):
    os.truncate(next(folder.glob("*/image_ids.i64")), 9)


def remove_all(folder):
    shutil.rmtree(folder)


def replace_by_a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("in the way")


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    "damage",
    [damage_state, misname_state, cut_vectors, cut_ids, remove_all, replace_by_a_file],
    ids=lambda f: f.__name__,
)
def test_a_damaged_matrix_is_built_again_or_passed_by(db, url, images_of, by_matrix, damage):
    images = images_of(20)
    stored = vectors_of(images)
    db.store_features(images, "cnn", stored, "v1")
    assert np.array_equal(db.get_features_for_training(images, "cnn"), stored)
    damage(matrix_folder(db))
    with DatabaseManager(url) as fresh:
        assert np.array_equal(fresh.get_features_for_training(images, "cnn"), stored)
        fresh.store_features(images[:1], "cnn", np.ones((1, 4)), "v1")
        stored[0] = 1
        assert np.array_equal(fresh.get_features_for_training(images, "cnn"), stored)


def test_damage_to_a_matrix_never_reaches_outside_its_folder(db, url, images_of, by_matrix):
    images = images_of(3)
    stored = vectors_of(images)
    db.store_features(images, "cnn", stored, "v1")
    db.get_features_for_training(images, "cnn")
    folder = matrix_folder(db)
    bystander = folder.parent / "bystander"
    bystander.mkdir()
    (bystander / "precious").touch()
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"folder": "../bystander"}))
    with DatabaseManager(url) as fresh:
        assert np.array_equal(fresh.get_features_for_training(images, "cnn"), stored)
    assert (bystander / "precious").exists()


def test_where_no_cache_can_be_kept_reads_still_answer(url, tmp_path, monkeypatch, by_matrix):
    monkeypatch.chdir(tmp_path)
    blocked = Path("/proc/mlmcsc-cannot-be-made")
    config = load_config(overrides={"performance": {"cache_directory": str(blocked)}})
    with DatabaseManager(url, config=config) as db:
        db.register_specimen("S")
        with db._database.store._writer.begin() as conn:
            conn.exec_driver_sql(
                "INSERT INTO images (path, filename, timestamp) "
                "VALUES ('/a', 'a', '2026-01-01 00:00:00')"
            )
        db.store_features(1, "cnn", [1.0, 2.0], "v1")
        assert db.get_features_for_training([1], "cnn").tolist() == [[1.0, 2.0]]
    assert not blocked.exists()


def test_two_hundred_thousand_ids_at_once(db, images_of):
    images = images_of(1000)
    stored = vectors_of(images, dimension=2)
    db.store_features(images, "cnn", stored, "v1")
    pick = np.random.default_rng(1).integers(0, 1000, 200_000)
    found = db.get_features_for_training(np.array(images)[pick], "cnn")
    assert np.array_equal(found, stored[pick])
    db.store_features(images[:1], "lbp", [[1.0]], "v1")
    many = np.arange(1, 200_001) + max(images)
    table = feature_reads._from_table
    assert np.isnan(db.get_features_for_training(many, "cnn", missing="nan")).all()
    with db._database.store.read() as view:
        chosen = feature_reads.feature_queries.choose(view, "cnn", None)
        everything = table(view, chosen, np.array(images)[pick], feature_reads.Missing.ERROR)
    assert np.array_equal(everything, stored[pick])


def test_a_number_beyond_float32_is_an_error_and_never_infinity(db, draw):
    image = db.store_image(draw("a.png"))
    db.store_features(image, "raw", [1.0, 1e300], "v1", dtype="float64")
    with pytest.raises(IntegrityError, match="beyond float32"):
        db.get_features_for_training([image], "raw")
    with pytest.raises(IntegrityError, match="beyond float32"):
        db.get_features_for_training([image] * 3, "raw")
