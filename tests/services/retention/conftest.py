"""A laboratory whose data is of any age, and holds on its persons and specimens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def now(db, monkeypatch):
    """The time that the database goes by."""
    monkeypatch.setattr(db._database.store, "clock", lambda: NOW)
    return NOW


@pytest.fixture
def ago(now):
    """A moment so many days before now."""
    return lambda days: now - timedelta(days=days)


@pytest.fixture
def insert(db):
    """Insert a row past the API; returns its id."""
    from mlmcsc.store.models import metadata

    def run(table, **values):
        found = metadata.tables[table]
        with db._database.store._writer.begin() as conn:
            return conn.execute(found.insert().values(**values)).inserted_primary_key[0]

    return run


@pytest.fixture
def person_of(db):
    """The subject id of a staff number or login."""

    def find(identifier):
        with db._database.store.write(db.actor) as tx:
            return tx.vault.person(tx, identifier)

    return find


@pytest.fixture
def hold(insert, now, person_of):
    """Place a legal hold (or a restriction) on a person or a specimen; returns its id."""

    def place(person=None, specimen=None, kind="hold", **values):
        return insert(
            "privacy_holds",
            kind=kind,
            subject_id=None if person is None else person_of(person),
            specimen_id=specimen,
            ground="court case 7",
            placed_at=now,
            placed_by="dpo",
            **values,
        )

    return place


@pytest.fixture
def lab(db, images_of, ago):
    """Images of two specimens and two technicians' labels of three ages.

    Images 1-3 are of S1, 4-6 of S2; all were entered 800 days ago. tech_001 labelled 1, 2, 4
    (1200, 1000, 1200 days ago), tech_002 labelled 5 (1200 days ago); 3 and 6 have no label.
    """
    db.register_technician("tech_001", "Jo Lund")
    db.register_technician("tech_002", "Kim Berg")
    for specimen in ("S1", "S2"):
        images_of(3, specimen, created_at=ago(800))
    for image, technician, days in ((1, 1, 1200), (2, 1, 1000), (4, 1, 1200), (5, 2, 1200)):
        db.store_label(image, technician, 0.5, timestamp=ago(days))
    return db


@pytest.fixture
def line(db):
    """The plan's line about a data type."""

    def find(name, only=()):
        (found,) = (line for line in db.retention.plan(only).types if line.type == name)
        return found

    return find
