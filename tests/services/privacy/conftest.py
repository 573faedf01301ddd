"""Two technicians, a verifier, a login, and what they have done to each other's measurements."""

from __future__ import annotations

import pytest

from mlmcsc.domain.permissions import Actor


@pytest.fixture
def own_keys(url, own_settings):
    """Databases of tests are copies of one, and would share its key file."""


def acting(db, subject):
    """The same database in the name of this login."""
    return db.acting_as(Actor(subject, ip="10.1.2.3", user_agent="probe/1"))


@pytest.fixture
def staffed(db, draw):
    """John measures, Jane corrects and is corrected, a written name verifies; returns ids."""
    john = db.register_technician(
        "tech_001", "John Doe", email="john@lab.example", department="Fractography"
    )
    jane = db.register_technician("tech_002", "Jane Roe", email="jane@lab.example")
    image = db.store_image(draw("one.png"))
    first = db.store_label(image, john, 0.5, notes="as Jane Roe (tech_002) said, ductile")
    second = db.store_label(image, jane, 0.6, notes="JANE-SECRET")
    db.labels.verify(first, "Dr. Quill")
    by_john = acting(db, "tech_001")
    by_john.labels.correct(second, label=0.7, reason="my own reason")
    by_jane = acting(db, "tech_002")
    by_jane.labels.correct(first, label=0.4, reason="tech_002 saw it")
    return {"john": john, "jane": jane, "image": image, "first": first, "second": second}
