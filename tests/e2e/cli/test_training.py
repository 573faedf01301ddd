"""`training split` and `training features`."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mlmcsc import DatabaseManager


def test_a_split_is_complete_repeatable_and_keeps_specimens_together(labelled):
    ran = labelled("training", "split", "--json")
    assert ran.code == 0
    splits = {name: ran.json[name] for name in ("train", "val", "test")}
    assert sorted(i for pairs in splits.values() for i, _ in pairs) == list(range(1, 13))
    homes = {}
    for name, pairs in splits.items():
        for image, _ in pairs:
            assert homes.setdefault((image - 1) // 2, name) == name
    assert labelled("training", "split", "--json").json == ran.json
    assert labelled("training", "split", "--seed", 5, "--json").json["train"] != splits["train"]


def test_the_table_tells_sizes_groups_and_labels(labelled):
    out = labelled("training", "split").out
    assert re.search(r"^split +images +groups +label mean +sd +min +max$", out, re.MULTILINE)
    assert re.search(r"^train +\d+ +\d+ +0\.\d{3} ", out, re.MULTILINE)
    assert "12 of 12 labelled images, label policy latest, seed 0" in out


def test_shares_must_sum_to_one(labelled):
    ran = labelled("training", "split", "--train", 0.9)
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_what_is_left_out_is_told_with_the_reason(labelled):
    labelled("images", "set", 1, "--is-valid", "false")
    out = labelled("training", "split", "--min-confidence", 0.5).out
    assert "1 left out: marked invalid" in out


def test_splits_are_written_as_csv_or_json(labelled):
    assert labelled("training", "split", "--output", "splits.csv").err == "written to splits.csv\n"
    with Path("splits.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert sorted(int(line["image_id"]) for line in lines) == list(range(1, 13))
    labelled("training", "split", "--output", "splits.json")
    document = json.loads(Path("splits.json").read_text())
    assert {(i, label) for i, label in document["train"]} == {
        (int(line["image_id"]), float(line["label"])) for line in lines if line["split"] == "train"
    }
    assert labelled("training", "split", "--output", "splits.xls").code == 2


def test_an_empty_database_gives_empty_splits(mlmcsc):
    ran = mlmcsc("training", "split")
    assert ran.code == 0
    assert re.search(r"^train +0 +0 +- ", ran.out, re.MULTILINE)


def test_a_version_that_does_not_exist_is_named(labelled):
    ran = labelled("training", "split", "--data-version", "v9")
    assert (ran.code, "v9" in ran.err) == (1, True)


@pytest.fixture
def described(labelled):
    """Vectors of eight of the twelve labelled images, by two extractor versions."""
    for version, images in (("1", range(1, 9)), ("2", range(1, 5))):
        lines = [f"{i},cnn,{version},[{i}.0]".replace("[", '"[').replace("]", ']"') for i in images]
        header = "image_id,feature_type,extractor_version,feature_vector"
        Path("vectors.csv").write_text("\n".join([header, *lines]) + "\n")
        assert labelled("import", "features", "vectors.csv").code == 0
    return labelled


def test_a_split_by_feature_type_names_the_extractor_when_there_are_several(described):
    ran = described("training", "split", "--type", "cnn")
    assert (ran.code, "'1' (8 images), '2' (4 images)" in ran.err) == (2, True)
    ran = described("training", "split", "--type", "cnn", "--extractor-version", 2)
    assert "8 left out: no cnn 2 features" in ran.out


def test_a_frozen_version_is_trained_on_as_it_was(described, sqlite_url):
    before = described("training", "split", "--seed", 4, "--json").json
    with DatabaseManager(sqlite_url) as db:
        db.create_data_version("v1.0", seed=4)
        db.store_features(list(range(1, 9)), "cnn", np.zeros((8, 1), np.float32), "1")
    ran = described("training", "split", "--data-version", "v1.0", "--json")
    assert ran.json["train"] == before["train"]
    ran = described("training", "split", "--data-version", "v1.0", "--seed", 5)
    assert (ran.code, "seed=5" in ran.err) == (2, True)
    words = ("training", "features", "--type", "cnn", "--extractor-version", 1)
    ran = described(*words, "--data-version", "v1.0", "--output", "frozen.npz")
    assert "8 of 12 labelled images" in ran.out
    assert "4 left out: no cnn features" in ran.out
    with np.load("frozen.npz") as made:
        for split in ("train", "val", "test"):
            assert made[f"{split}_features"][:, 0].tolist() == made[f"{split}_ids"].tolist()


@pytest.mark.parametrize(("missing", "rows", "empty"), [("drop", 8, 0), ("nan", 12, 4)])
def test_images_without_a_vector_are_dropped_or_nan_as_asked(described, missing, rows, empty):
    words = ("training", "features", "--type", "cnn", "--extractor-version", 1)
    ran = described(*words, "--missing", missing, "--output", "train.npz")
    assert ran.code == 0
    with np.load("train.npz") as made:
        ids, vectors = (
            np.concatenate([made[f"{split}_{what}"] for split in ("train", "val", "test")])
            for what in ("ids", "features")
        )
    assert vectors.shape == (rows, 1)
    absent = np.isnan(vectors[:, 0])
    assert absent.sum() == empty
    assert (vectors[~absent, 0] == ids[~absent]).all()


def test_images_without_a_vector_are_refused_when_asked(described):
    words = ("training", "features", "--type", "cnn", "--extractor-version", 1)
    ran = described(*words, "--missing", "error", "--output", "train.npz")
    assert (ran.code, "have no cnn 1 vector" in ran.err) == (1, True)
    assert not Path("train.npz").exists()


def test_a_file_that_is_there_is_replaced_only_when_asked(labelled, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("precious")
    ran = labelled("training", "split", "--output", mine)
    assert (ran.code, mine.read_text()) == (2, "precious")
    assert "--overwrite" in ran.err
    assert labelled("training", "split", "--output", mine, "--overwrite").code == 0
    assert mine.read_text().startswith("split,image_id,label")
