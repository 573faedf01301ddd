"""`technician`, `specimens`, `models`, `predictions`, `labels`, `features`."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mlmcsc import DatabaseManager


def test_a_technician_is_registered_once(mlmcsc):
    words = ("technician", "register", "tech_001", "--name", "John Doe")
    assert mlmcsc(*words, "--experience-level", "expert").out == "tech_001 is technician 1\n"
    assert mlmcsc(*words, "--experience-level", "expert", "--json").json["id"] == 1
    assert mlmcsc("technician", "register", "tech_001", "--name", "Jane Roe").code == 2
    assert mlmcsc("technician", "register", "tech_002").code == 2
    assert re.search(
        r"^ *1 +tech_001 +John Doe +expert", mlmcsc("technician", "list").out, re.MULTILINE
    )
    assert mlmcsc("technician", "show", "tech_001", "--json").json["name"] == "John Doe"
    assert mlmcsc("technician", "show", "nobody").code == 1


def test_a_technician_who_left_may_no_longer_label(labelled):
    assert (
        labelled("technician", "set", "tech_001", "--inactive", "--json").json["is_active"] is False
    )
    ran = labelled("labels", "add", 1, 0.8, "--technician", "tech_001")
    assert (ran.code, "tech_001 is not active and may not label" in ran.err) == (2, True)
    ran = labelled("technician", "set", "tech_001", "--active", "--department", "QA", "--json")
    assert (ran.json["is_active"], ran.json["department"]) == (True, "QA")
    assert labelled("labels", "add", 1, 0.8, "--technician", "tech_001").code == 0


def test_a_specimen_is_registered_and_changed(mlmcsc):
    made = mlmcsc("specimens", "set", "S1", "--material", "S355", "--temperature-c", -40, "--json")
    assert (made.json["material"], made.json["temperature_c"]) == ("S355", -40)
    assert mlmcsc("specimens", "set", "S1", "--heat", "H1", "--json").json["material"] == "S355"
    assert mlmcsc("specimens", "list", "--heat", "H2", "--json").json["items"] == []
    assert "S355" in mlmcsc("specimens", "show", "S1").out
    assert mlmcsc("specimens", "show", "S2").code == 1
    assert mlmcsc("specimens", "set", "S1", "--temperature-c", "-300").code == 2


def test_models_are_registered_and_one_is_active(mlmcsc):
    none = mlmcsc("models", "active")
    assert (none.code, none.out) == (1, "")
    words = ("models", "register", "1.2.0", "--name", "ridge", "--model-path", "ridge.npz")
    assert mlmcsc(*words, "--test-accuracy", "0.93").out == "1.2.0 is model version 2\n"
    assert mlmcsc("models", "activate", "1.2.0").out == "1.2.0 is active\n"
    assert mlmcsc("models", "active", "--json").json["version"] == "1.2.0"
    assert mlmcsc("models", "show", "1.2.0", "--json").json["test_accuracy"] == 0.93
    assert re.search(r"^ *2 +1.2.0 +ridge +yes", mlmcsc("models", "list").out, re.MULTILINE)
    assert mlmcsc("models", "activate", "9.9").code == 1


def test_a_prediction_needs_a_model_and_values_in_range(labelled):
    words = ("predictions", "add", 1, 0.85)
    stored = labelled(*words, "--confidence", 0.92, "--model", "unversioned", "--json")
    assert stored.json == {"id": 13}
    assert labelled(*words, "--confidence", 7.5, "--model-number", 1).code == 2
    assert labelled(*words, "--confidence", "nan", "--model-number", 1).code == 2
    assert "--model VERSION" in labelled(*words, "--confidence", 0.9).err
    assert labelled("predictions", "add", 99, 0.5, "--confidence", 1, "--model-number", 1).code == 1
    listed = labelled("predictions", "list", "--image", 1, "--min-confidence", 0.91, "--json").json
    assert [p["id"] for p in listed["items"]] == [13]


def test_a_prediction_keeps_its_details(labelled):
    box = '{"x": 1, "y": 2, "width": 30, "height": 20}'
    labelled(
        *("predictions", "add", 1, 0.85, "--confidence", 0.92, "--model-number", 1),
        *("--detection-bbox", box, "--processing-time", 0.02, "--raw-output", '{"logit": 1.7}'),
    )
    stored = labelled("predictions", "list", "--after-id", 12, "--json").json["items"][0]
    assert stored["detection_bbox"]["width"] == 30
    assert (stored["processing_time"], stored["raw_output"]) == (0.02, {"logit": 1.7})


def test_a_label_names_its_technician_in_one_of_two_ways(labelled):
    assert labelled("labels", "add", 1, 0.8, "--technician", "tech_001").out == "label 13 stored\n"
    assert labelled("labels", "add", 1, 0.8, "--technician-number", 1).code == 0
    assert labelled("labels", "add", 1, 0.8).code == 2
    both = labelled("labels", "add", 1, 0.8, "--technician", "tech_001", "--technician-number", 1)
    assert both.code == 2
    assert labelled("labels", "add", 1, 0.8, "--technician", "nobody").code == 1


def test_a_label_out_of_range_is_refused_with_the_range(labelled):
    ran = labelled("labels", "add", 1, 1.5, "--technician", "tech_001")
    assert ran.code == 2
    assert "from 0 to 1" in ran.err
    nan = labelled("labels", "add", 1, "nan", "--technician", "tech_001")
    assert (nan.code, "finite" in nan.err) == (2, True)


def test_a_correction_keeps_the_earlier_value_and_takes_the_verification_back(labelled):
    assert labelled("labels", "verify", 5, "--by", "tech_002", "--json").json["is_verified"]
    assert labelled("labels", "correct", 5, "--label", 0.9).code == 2
    words = ("labels", "correct", 5, "--label", 0.9, "--reason", "lips counted as cleavage")
    corrected = labelled(*words, "--json").json
    assert (corrected["label"], corrected["is_verified"]) == (0.9, False)
    history = labelled("labels", "history", 5)
    assert re.search(
        r"^ *1 +0.333333 +manual +yes .*lips counted as cleavage", history.out, re.MULTILINE
    )
    assert history.out.endswith("now: 0.9 (revision 2)\n")
    assert labelled("labels", "history", 6).err == "it was never corrected\n"


def test_a_verification_can_be_withdrawn(labelled):
    labelled("labels", "verify", 5, "--by", "tech_002")
    ids = [i["id"] for i in labelled("labels", "list", "--verified", "--json").json["items"]]
    assert ids == [5]
    labelled("labels", "verify", 5, "--by", "tech_002", "--withdraw")
    assert labelled("labels", "show", 5, "--json").json["is_verified"] is False


def test_labels_are_listed_by_person_and_image(labelled):
    assert len(labelled("labels", "list", "--technician", "tech_001", "--json").json["items"]) == 12
    assert labelled("labels", "list", "--image", 3, "--json").json["items"][0]["id"] == 3
    assert labelled("labels", "list", "--technician", "nobody").code == 1


@pytest.fixture
def with_features(labelled, sqlite_url):
    vectors = np.arange(12 * 8, dtype=np.float32).reshape(12, 8)
    with DatabaseManager(sqlite_url) as db:
        db.store_features(np.arange(1, 13), "cnn", vectors, "v1")
    return labelled


def test_features_are_told_by_set_list_and_image(with_features):
    assert re.search(
        r"^cnn +v1 +8 +float32 +12$", with_features("features", "sets").out, re.MULTILINE
    )
    assert len(with_features("features", "list", "--type", "cnn", "--json").json["items"]) == 12
    shown = with_features("features", "show", 2)
    assert re.search(r"cnn +v1 +8 +8 +11.5 +15 +8, 9, 10, 11, 12, 13, …", shown.out)
    assert with_features("features", "show", 2, "--json").json["items"][0]["vector"][0] == 8
    missing = with_features("features", "show", 2, "--type", "hog")
    assert (missing.code, missing.out) == (1, "")


def test_training_features_are_written_aligned_with_ids_and_labels(with_features, tmp_path):
    ran = with_features("training", "features", "--type", "cnn", "--output", "train.npz")
    assert ran.code == 0, ran.err
    with np.load(tmp_path / "train.npz") as data:
        ids = np.concatenate([data[f"{name}_ids"] for name in ("train", "val", "test")])
        assert sorted(ids) == list(range(1, 13))
        for name in ("train", "val", "test"):
            vectors = data[f"{name}_features"]
            assert vectors.dtype == np.float32
            np.testing.assert_array_equal(vectors[:, 0], (data[f"{name}_ids"] - 1) * 8)
            np.testing.assert_allclose(data[f"{name}_labels"], (data[f"{name}_ids"] - 1) / 12)
    assert not list(tmp_path.glob("*.part"))
    assert with_features("training", "features", "--type", "cnn", "--output", "x.txt").code == 2
    assert with_features("training", "features", "--type", "hog", "--output", "x.npz").code == 1
