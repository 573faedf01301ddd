"""Raters whose faults are known, because they were drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)
FAULTS = {"tech_001": (0.0, 0.02), "tech_002": (0.04, 0.02), "tech_003": (-0.03, 0.06)}
"""Bias and scatter of each."""


@pytest.fixture
def measure(db):
    """Store labels of one person: images, values, and what else is said of all of them."""

    def store(who, images, values, **said):
        hours = np.arange(len(images)).tolist()
        times = [START + timedelta(hours=hour) for hour in hours]
        common = {"timestamp": times} | said
        db.labels.add_many(image_id=list(images), technician_id=who, label=list(values), **common)

    return store


@pytest.fixture
def raters(db, images_of, measure):
    """Thirty images that three people measured blind; a third of the images twice."""
    generator = np.random.default_rng(3)
    images = images_of(30)
    truth = generator.uniform(0.2, 0.8, 30)
    people = {}
    for number, (bias, scatter) in FAULTS.items():
        people[number] = db.register_technician(number, f"name of {number}")
        for some in (slice(None), slice(10)):
            values = truth[some] + generator.normal(bias, scatter, len(truth[some]))
            measure(people[number], images[some], np.clip(values, 0, 1))
    return SimpleNamespace(images=images, truth=truth, people=people, rng=generator)


@pytest.fixture
def gold(db, raters, measure):
    """The same, with the truth known of fifteen images."""
    expert = db.register_technician("expert", "E")
    measure(expert, raters.images[:15], raters.truth[:15], label_type="gold")
    return raters
