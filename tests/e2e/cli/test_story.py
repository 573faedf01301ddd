"""The main job from the command line, on real micrographs, on each kind of database."""

from __future__ import annotations

import numpy as np


def test_the_main_job_runs_from_images_to_training_data(cli, url, micrographs, db):
    def run(*words, code=0):
        ran = cli("--database", url, "--json", *words)
        assert ran.code == code, ran.err
        return ran.json

    report = run("images", "ingest", micrographs)
    ids = report["image_ids"]
    assert report["stored"] == len(ids) > 10
    run("technician", "register", "tech_001", "--name", "John Doe")
    run("models", "register", "1.0", "--name", "ridge", "--model-path", "ridge.npz")
    run("models", "activate", "1.0")
    for number, image in enumerate(ids):
        label = number / len(ids)
        run("predictions", "add", image, label, "--confidence", 0.9, "--model", "1.0")
        run("labels", "add", image, label, "--technician", "tech_001")
    db.store_features(np.asarray(ids), "cnn", np.eye(len(ids), dtype=np.float32), "v1")
    run("labels", "verify", 1, "--by", "tech_002")
    run("labels", "correct", 2, "--label", 0.5, "--reason", "second look")
    splits = run("training", "split", "--train", 0.6, "--val", 0.2, "--test", 0.2)
    assert sum(len(splits[name]) for name in ("train", "val", "test")) == len(ids)
    written = run("training", "features", "--type", "cnn", "--output", "train.npz")
    assert sum(shape[0] for shape in written["shapes"].values()) == len(ids)
    status = run("database", "status")
    assert status["coverage"]["labelled_images"] == len(ids)
    assert run("database", "validate", "--hash")["findings"] == []
