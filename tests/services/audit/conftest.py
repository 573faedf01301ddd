"""A small laboratory with a past."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlmcsc.domain.permissions import Permission


@pytest.fixture
def reader(db):
    """Somebody who may read the trail, but nobody's personal data."""
    rights = frozenset({Permission.READ, Permission.AUDIT})
    return db.acting_as(replace(db.actor, subject="auditor", permissions=rights))


@pytest.fixture
def past(db, draw, tmp_path):
    """12 images of 6 specimens, labelled in bulk; image 7 with a label of its own, corrected."""
    for n in range(12):
        draw(f"S_{n // 2:03d}_{n:02d}.png", seed=n)
    db.ingest(tmp_path, recursive=False, workers=0, specimen_from=r"(S_\d{3})")
    first = db.register_technician("tech_001", "Jo Lund", email="jo@lab.example")
    second = db.register_technician("tech_002", "Mia Röd")
    ids = range(1, 13)
    values = [i / 12 for i in range(12)]
    db.store_labels({"image_id": ids, "label": values}, technician_id=first)
    db.store_predictions({"image_id": ids}, model_version_id=1, prediction=0.5, confidence=0.9)
    own = db.store_label(7, second, 0.42, notes="edge unclear")
    db.update_label(own, label=0.47, reason="lips were counted as cleavage")
    db.verify_label(own, "tech_001")
    db.store_features(list(ids), "cnn", np.ones((12, 4)), "v1")
    db.store_features([6, 7], "cnn", np.zeros((2, 4)), "v1")
    named = replace(db.actor, ip="10.0.0.9", user_agent="bench/1", reason="recalibrated")
    db.acting_as(named).update_image(7, magnification=50.0, specimen_id="S_X")
    return own
