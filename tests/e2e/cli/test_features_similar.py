"""`mlmcsc features similar` and `features duplicates`."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from mlmcsc import DatabaseManager


@pytest.fixture
def images(sqlite_url, draw, tmp_path):
    """Four images with features, the third one the first saved again; their ids."""
    with DatabaseManager(sqlite_url) as db:
        who = db.register_technician("tech_001", "Jo Lund")
        for n in (0, 1):
            draw(f"{n}.png", seed=n, size=(256, 192))
        with Image.open(tmp_path / "0.png") as picture:
            picture.save(tmp_path / "again.jpg", quality=80)
        draw("3.png", seed=3)
        ids = [db.store_image(tmp_path / name) for name in ("0.png", "1.png", "again.jpg", "3.png")]
        vectors = np.asarray([[1, 0], [0, 1], [1, 0.001], [-1, 0.5]], np.float32)
        db.store_features(ids, "cnn", vectors, "v1")
        db.store_labels(image_id=ids, technician_id=who, label=[0.1, 0.2, 0.7, 0.9])
        db.versions.create("v1", group_by="image")
    return ids


def test_similar_images_are_listed_and_drawn(mlmcsc, images, tmp_path):
    ran = mlmcsc("features", "similar", tmp_path / "0.png", "--k", 2, "--contact-sheet", "a.jpg")

    assert ran.code == 0
    first, second = [line.split() for line in ran.out.splitlines()[2:]]
    assert (first[1], second[1]) == (str(images[2]), str(images[1]))
    assert float(second[0]) == 1
    assert "cnn v1, cosine, exact, of 3 vectors" in ran.err
    with Image.open("a.jpg") as sheet:
        assert sheet.width > 3 * 224
    again = mlmcsc("features", "similar", images[0], "--k", 2, "--contact-sheet", "a.jpg")
    assert (again.code, "--overwrite" in again.err) == (2, True)


def test_a_vector_from_a_file_is_searched_in_a_version(mlmcsc, images):
    np.save("vector.npy", np.asarray([0.0, 2.0]))
    asked = ("features", "similar", "vector.npy", "--k", 1, "--data-version", "v1", "--json")

    assert mlmcsc(*asked).json["items"][0]["image_id"] == images[1]
    found = mlmcsc(*asked, "--type", "cnn", "--max-label", 0.5).json
    assert [each["image_id"] for each in found["items"]] == [images[1]]
    assert found["data_version"] == "v1"


@pytest.mark.usefixtures("images")
def test_what_cannot_be_searched_is_told_without_a_traceback(mlmcsc):
    for words, code, message in (
        (("99", "--k", 1), 1, "image 99 has no cnn v1 vector"),
        (("1", "--k", 4), 2, "k=4: must be from 1 to 3"),
        (("nowhere.png",), 1, "is not a stored image"),
        (("nowhere.npy", "--type", "cnn"), 3, "nowhere.npy"),
        (("1", "--k", 2, "--min-label", 2), 1, "no image fits"),
    ):
        ran = mlmcsc("features", "similar", *words)
        assert (ran.code, message in ran.err) == (code, True), ran.err


def test_an_approximate_search_tells_its_recall(mlmcsc, images):
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")
    ran = mlmcsc("features", "similar", images[0], "--k", 2, "--approximate")

    assert ran.code == 0
    assert "approximate, recall 100.0%" in ran.err


def test_duplicates_are_a_finding_in_a_table_and_a_file(mlmcsc, images, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    ran = mlmcsc("features", "duplicates", "--type", "cnn", "--output", "same.csv")

    assert ran.code == 1
    assert "fingerprint + features, labels differ by 0.6" in ran.out
    assert "1 group of 2 images" in ran.err
    assert "compared: fingerprints and 4 vectors of cnn v1" in ran.err
    with open("same.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [int(line["image_id"]) for line in lines] == [images[0], images[2]]
    assert {line["labels_disagree"] for line in lines} == {"True"}
    for columns in (80, 100):  # a line for each image, what ties them is said once
        monkeypatch.setenv("COLUMNS", str(columns))
        narrow = mlmcsc("features", "duplicates", "--data-version", "v1")
        lines = narrow.out.splitlines()
        assert max(map(len, lines)) <= columns
        assert [line.split()[:2] for line in lines[-2:]] == [
            [str(images[0]), "0.png"],
            [str(images[2]), "again.jpg"],
        ]
        assert narrow.out.count("labels differ") == 1
        assert "features were not compared; add --type" in narrow.err
    frozen = mlmcsc("features", "duplicates", "--data-version", "v1", "--json").json
    assert isinstance(frozen["groups"][0]["straddles"], bool)
    none = mlmcsc("features", "duplicates", "--type", "cnn", "--no-perceptual", "--max-distance", 0)
    assert (none.code, "0 groups" in none.err) == (0, True)
