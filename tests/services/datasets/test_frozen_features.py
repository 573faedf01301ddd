"""Vectors are read as they were when the version was made, whatever became of them since."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.adapters.frozen_tables import FrozenMatrix, matrix
from mlmcsc.errors import AmbiguousError, IntegrityError, UnknownRecordError, ValidationError
from mlmcsc.services.datasets import vectors
from mlmcsc.store.models import features


@pytest.fixture
def lab(db, images_of, technician):
    """Twelve labelled images, all but the last with a vector."""
    images = images_of(12)
    data = {"image_id": images, "technician_id": [technician] * 12, "label": [0.5] * 12}
    db.store_labels(data)
    return images


def copy_all(monkeypatch):
    """Vectors come from the database alone, not from the live matrix' file."""
    monkeypatch.setattr(vectors, "linkable", lambda *_: False)


def random(n, dimension=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


@pytest.mark.parametrize(
    ("dtype", "way"),
    [
        ("float32", "linked"),
        ("float32", "copied"),
        ("float32", "many changed"),
        ("float16", "linked"),
        ("float64", "linked"),
    ],
)
def test_later_vectors_change_nothing(db, lab, monkeypatch, dtype, way):
    if way == "copied":
        copy_all(monkeypatch)
    if way == "linked":
        monkeypatch.setattr(matrix, "OWN_SHARE", 1.0)
    stored = random(11).astype(dtype)
    db.features.store(lab[:11], "cnn", stored, "v1", dtype=dtype)
    db.create_data_version("v1.0")
    before = db.datasets.open("v1.0").to_numpy("cnn", missing="nan")
    db.features.store(lab[2:5], "cnn", random(3, seed=1).astype(dtype), "v1", dtype=dtype)
    db.features.store(lab[11:], "cnn", random(1, seed=2).astype(dtype), "v1", dtype=dtype)
    db.create_data_version("v1.1")
    db.features.store(lab[:3], "cnn", random(3, seed=3).astype(dtype), "v1", dtype=dtype)
    dataset = db.datasets.open("v1.0")
    (kept,) = dataset._table.folder.glob("features-*/state.json")
    kept.unlink()  # lay them out anew, from what is stored by now
    ids, _, found = dataset.to_numpy("cnn", missing="nan")
    assert ids.tolist() == lab
    assert found.dtype == np.float32
    assert np.array_equal(found[:11], stored.astype(np.float32))
    assert np.isnan(found[11]).all()
    assert np.array_equal(before[2], found, equal_nan=True)
    later = db.datasets.open("v1.1").to_numpy("cnn")[2]
    assert np.array_equal(later[2:5], random(3, seed=1).astype(dtype).astype(np.float32))
    assert np.array_equal(later[11], random(1, seed=2).astype(dtype).astype(np.float32)[0])


def test_samples_without_a_vector_are_refused_filled_or_dropped(db, lab):
    stored = random(11)
    db.store_features(lab[:11], "cnn", stored, "v1")
    db.create_data_version("v1.0")
    dataset = db.datasets.open("v1.0")
    with pytest.raises(UnknownRecordError, match=f"e.g. {lab[11]}"):
        dataset.to_numpy("cnn")
    ids, labels, found = dataset.to_numpy("cnn", missing="drop")
    assert ids.tolist() == lab[:11]
    assert len(labels) == 11
    assert np.array_equal(found, stored)
    batches = list(dataset.batches(5, features="cnn", missing="drop"))
    assert [len(batch) for batch in batches] == [5, 5, 1]
    assert batches[-1].left_out.tolist() == [lab[11]]
    assert batches[-1].position["next"] == 12


def test_a_set_is_named_like_live_ones(db, lab):
    db.store_features(lab[:3], "cnn", random(3), "v1")
    db.store_features(lab[:3], "cnn", random(3), "v2")
    db.create_data_version("v1.0")
    db.store_features(lab[:3], "hog", random(3), "v1")
    dataset = db.datasets.open("v1.0")
    with pytest.raises(AmbiguousError, match="'v1', 'v2'"):
        dataset.to_numpy("cnn")
    with pytest.raises(UnknownRecordError, match=r"cnn v1, cnn v2"):
        dataset.to_numpy("hog")
    assert dataset.where(lab[:2]).to_numpy("cnn", "v2")[2].shape == (2, 6)


@pytest.mark.parametrize("linked", [True, False])
def test_vectors_changed_past_us_are_never_trained_on(db, lab, monkeypatch, linked):
    if not linked:
        copy_all(monkeypatch)
    db.store_features(lab, "cnn", random(12), "v1")
    db.create_data_version("v1.0")
    with db._database.store._writer.begin() as conn:
        forged = features.update().where(features.c.image_id == lab[0])
        conn.execute(forged.values(feature_vector=random(1, seed=9).tobytes()))
    with pytest.raises(IntegrityError, match="not those that the version holds"):
        db.datasets.open("v1.0").to_numpy("cnn")


def test_live_vectors_are_not_stored_twice(db, lab):
    db.store_features(lab, "cnn", random(12), "v1")
    db.create_data_version("v1.0")
    dataset = db.datasets.open("v1.0")
    dataset.to_numpy("cnn")
    (base,) = dataset._table.folder.glob("features-*/base.f32")
    assert base.stat().st_nlink == 2
    assert FrozenMatrix(base.parent)._straight
    db.store_features(lab[:1], "cnn", random(1, seed=4), "v1")  # the live file grows
    live = db.get_features_for_training(lab, "cnn")
    assert not np.array_equal(live, random(12))
    assert np.array_equal(dataset.to_numpy("cnn")[2], random(12))


def test_splits_of_a_version_are_the_frozen_ones(db, lab, technician):
    frozen = db.get_training_data(seed=3)
    db.create_data_version("v1.0", seed=3)
    db.store_labels({"image_id": lab[:4], "technician_id": [technician] * 4, "label": [0.9] * 4})
    data = db.get_training_data(data_version="v1.0")
    assert dict(data) == dict(frozen)
    assert data.report == frozen.report
    assert dict(db.get_training_data(data_version="v1.0", seed=3)) == dict(frozen)
    with pytest.raises(ValidationError, match=r"seed=4 .*3.*label_policy='mean'"):
        db.get_training_data(data_version="v1.0", seed=4, label_policy="mean")
    with pytest.raises(ValidationError, match=r"train_split=0\.8"):
        db.get_training_data(0.8, 0.1, 0.1, data_version="v1.0")
    with pytest.raises(UnknownRecordError, match=r"Known: v1\.0"):
        db.get_training_data(data_version="v9")
    db.holds.restrict("tech_001", "the labels are contested")
    data = db.get_training_data(data_version="v1.0")
    assert data.report.left_out == {"labelled by restricted people": 12}
    assert (data.report.used, data.report.restricted_labels) == (0, 12)


def test_dimension_and_format_are_those_of_the_signed_manifest(db, lab, sql):
    db.store_features(lab, "cnn", random(12), "v1")
    db.create_data_version("v1.0")
    for table in ("features", "feature_sets"):
        sql(f"UPDATE {table} SET dtype = 'float16', feature_dimension = 12")  # ours
    assert np.array_equal(db.datasets.open("v1.0").to_numpy("cnn")[2], random(12))
    (kept,) = db.datasets.open("v1.0")._table.folder.glob("features-*/state.json")
    kept.unlink()
    sql("UPDATE version_features SET dtype = 'float16', feature_dimension = 12")
    with pytest.raises(IntegrityError, match=r"12 of 6 float32.* promises"):
        db.datasets.open("v1.0").to_numpy("cnn")


def test_damaged_row_numbers_of_vectors_are_written_again(db, lab):
    db.store_features(lab, "cnn", random(12), "v1")
    db.create_data_version("v1.0")
    db.datasets.open("v1.0").to_numpy("cnn")
    (rows,) = db.datasets.open("v1.0")._table.folder.glob("features-*/rows.i64")
    rows.write_bytes(rows.read_bytes()[::-1])
    assert np.array_equal(db.datasets.open("v1.0").to_numpy("cnn")[2], random(12))
