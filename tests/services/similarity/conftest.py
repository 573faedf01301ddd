"""A database of images with features of four numbers."""

from __future__ import annotations

import numpy as np
import pytest

VECTORS = np.asarray(
    [
        [1, 0, 0, 0],
        [9, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [-1, 0, 0, 0],
    ],
    np.float32,
)


@pytest.fixture
def url(sqlite_url):
    """Most of it is no matter of SQL; `test_frozen_search` runs on every kind of database."""
    return sqlite_url


@pytest.fixture
def gallery(db, images_of, technician):
    """Six labelled images, each further in angle from the first; returns their ids."""
    images = images_of(3, "S1") + images_of(3, "S2")
    db.store_features(images, "cnn", VECTORS, "v1")
    db.store_labels(image_id=images, technician_id=technician, label=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    return images
