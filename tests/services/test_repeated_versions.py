"""An automatic version is made like the newest one, where something would differ."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config


@pytest.fixture
def db(sqlite_url, tmp_path, draw):
    """Four images of two specimens, each labelled; two more changes make the next version."""
    versioning = {"auto_new_labels": 2, "name_pattern": "auto-{n}"}
    config = load_config(overrides={"versioning": versioning})
    with DatabaseManager(sqlite_url, config=config) as manager:
        for n in range(4):
            manager.store_image(draw(f"{n}.png", seed=n), specimen_id=f"S{n % 2}")
        for name in ("t1", "t2"):
            manager.register_technician(name, name)
        for image in range(1, 5):
            manager.store_label(image, 1, 0.5)
        yield manager


def test_the_next_is_made_as_the_newest_was(db):
    shares = {"train_split": 0.5, "val_split": 0.25, "test_split": 0.25}
    db.store_features(1, "cnn", np.zeros(2), "1")
    kept = {"label_policy": "mean", "seed": 7, "features": [], **shares}
    db.versions.create("v1", specimen_ids=["S0"], **kept)
    db.store_features(1, "texture", np.zeros(2), "1")
    for image in (1, 3):
        db.store_label(image, 2, 0.25)
    made = db.automatic_versions.create_due().made
    manifest = made.manifest
    assert made.total_images == 2
    assert (manifest["label_policy"], manifest["seed"]) == ("mean", 7)
    assert manifest["ratios"] == [0.5, 0.25, 0.25]
    assert manifest["filters"] == {"specimen_ids": ["S0"]}
    assert [each["feature_type"] for each in manifest["features"]] == ["texture"]  # new since


def test_changes_that_decide_nothing_make_none_and_do_not_count_again(db, nothing_written):
    db.create_data_version("v1")
    for label in (1, 2):
        db.verify_label(label, "chief")
    told = "2 label changes since v1, none of which decides a value"
    with nothing_written():
        dry = db.automatic_versions.create_due(dry_run=True)
    assert (dry.due.due, dry.due.reason) == (False, told)
    seen = db.automatic_versions.create_due()
    assert (seen.made, seen.due.reason, seen.due.labels_missing) == (None, told, 2)
    with nothing_written():
        assert db.automatic_versions.create_due().due.reason == told
    db.store_label(1, 2, 0.25)
    found = db.automatic_versions.due()
    assert "3 label changes since v1, 2 of which decide no value" in found.reason
    db.store_label(2, 2, 0.25)
    assert db.automatic_versions.create_due().made.version == "auto-1"


def test_names_of_deleted_versions_and_of_tags_are_passed_over(db):
    db.versions.create("other", tags=["auto-1"])
    db.versions.create("auto-2", seed=1)
    db.versions.delete("auto-2")
    assert db.automatic_versions.due().version == "auto-3"
