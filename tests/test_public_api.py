"""The documented API works as printed."""

from __future__ import annotations

import inspect
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from src.database import DatabaseManager, load_config  # the documented import

import mlmcsc

README = Path(__file__).resolve().parents[2] / "shared" / "ORIGINAL_README.md"

DOCUMENTED = [
    "store_image",
    "register_technician",
    "store_prediction",
    "store_label",
    "get_training_data",
    "get_features_for_training",
    "register_model_version",
    "set_active_model",
    "get_active_model",
    "verify_label",
    "update_image_quality",
    "store_features",
    "get_features",
    "get_images",
    "get_predictions",
    "get_labels",
    "get_system_health",
    "check_data_quality",
    "update_label",
    "ingest",
    "store_predictions",
    "store_labels",
]


def quick_start():
    """The Python blocks of the quick start, as printed."""
    if not README.is_file():
        pytest.skip(f"the documented quick start is not at hand: {README} is absent")
    text = README.read_text("utf-8")
    part = text[text.index("## Quick Start") : text.index("## Configuration")]
    return re.findall(r"```python\n(.*?)```", part, re.DOTALL)


def test_the_quick_start_runs_line_by_line_as_printed(tmp_path, monkeypatch, micrographs):
    first, pipeline, training = quick_start()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path/to").mkdir(parents=True)
    shutil.copy(micrographs / "retina.jpg", tmp_path / "path/to/image.jpg")
    names: dict[str, object] = {}
    exec(compile(first, "quick start 1", "exec"), names)  # noqa: S102  # the documentation itself
    db = names["db_manager"]
    label = db.get_labels()[0]
    assert (label.label, label.notes) == (0.87, "High quality specimen")
    assert db.get_predictions()[0].confidence == 0.92
    image = db.get_image(names["image_id"])
    assert (image.specimen_id, image.magnification) == ("SPEC_001", 400.0)
    with pytest.raises(ImportError, match="DataPipeline"):  # a later part brings it
        exec(compile(pipeline, "quick start 2", "exec"), names)  # noqa: S102  # the same
    exec(compile(training, "quick start 3", "exec"), names)  # noqa: S102  # the same
    assert list(names["training_data"]) == ["train", "val", "test"]
    assert not any(names["training_data"].values())  # nobody has verified the label
    assert names["features"].shape == (0, 0)
    db.verify_label(names["label_id"], "chief")
    db.store_features(names["image_id"], "cnn", [0.25] * 8, "resnet50-1")
    exec(compile(training, "quick start 3", "exec"), names)  # noqa: S102  # the same
    every = [pair for pairs in names["training_data"].values() for pair in pairs]
    assert every == [(names["image_id"], 0.87)]
    assert names["features"].shape == (len(names["training_data"]["train"]), 8)
    db.close()


def test_the_documented_set_up_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/configured.db")
    config = load_config()
    db_url = config.database.get_connection_url()
    db_manager = DatabaseManager(db_url)
    assert db_manager.get_system_health().status in {"healthy", "degraded"}
    db_manager.close()
    assert (tmp_path / "configured.db").exists()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_call_is_there_and_documented(name):
    call = getattr(mlmcsc.DatabaseManager, name)
    assert inspect.getdoc(call)


def test_the_facade_and_the_package_are_the_same_class():
    assert DatabaseManager is mlmcsc.DatabaseManager


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Databse"):
        _ = mlmcsc.Databse


def test_predictions_and_labels_keep_every_documented_keyword(db, draw):
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    image = db.store_image(draw("a.png"))
    who = db.register_technician(technician_id="t1", name="Jo")
    prediction = {
        "detection_bbox": [10, 20, 110, 220],
        "detection_confidence": 0.8,
        "detection_class": "fracture",
        "processing_time": 0.05,
        "timestamp": at,
        "raw_output": {"logits": [0.1, 0.9]},
        "preprocessing_params": {"resize": [224, 224]},
    }
    db.store_prediction(
        image_id=image, model_version_id=1, prediction=0.85, confidence=0.92, **prediction
    )
    found = db.get_predictions(image)[0].to_dict()
    assert {name: found[name] for name in prediction} == prediction
    label = {
        "label_type": "corrected",
        "original_prediction": 0.85,
        "original_confidence": 0.92,
        "model_version_used": "v1",
        "timestamp": at,
        "time_spent": 12.5,
        "difficulty_rating": 3,
        "notes": "µ and ☃",
        "is_verified": True,
        "verified_by": "chief",
        "verification_timestamp": at,
        "annotation_data": {"A_mm": 5.5, "B_mm": 7.0},
    }
    db.store_label(image_id=image, technician_id=who, label=0.87, **label)
    found = db.get_labels(image)[0].to_dict()
    assert {name: found[name] for name in label} == label


def test_the_limits_of_the_ranges_are_inside(db, draw):
    image, who = db.store_image(draw("a.png")), db.register_technician("t1", "Jo")
    for value in (0, 1, 0.0, 1.0, 5e-324):
        assert db.labels.get(db.store_label(image, who, value)).label == value
        db.store_prediction(image, 1, value, value)


def test_health_tells_the_state_at_a_glance(db, draw):
    image, who = db.store_image(draw("a.png")), db.register_technician("t1", "Jo")
    db.verify_label(db.store_label(image, who, 0.5), "chief")
    db.register_model_version("v1", "net", "/m")
    db.set_active_model("v1")
    health = db.get_system_health()
    assert health["status"] == health.status
    assert health.tables["images"] == health.tables["labels"] == 1
    assert health.coverage == {"labelled_images": 1, "verified_labels": 1, "invalid_images": 0}
    assert health.active_model == "v1"
    assert health.database_bytes > 0
    assert health.label_range == (0.0, 1.0)
    with pytest.raises(KeyError):
        health["colour"]
