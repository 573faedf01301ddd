"""Times come back as they were stored, however early; text that is no time is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmcsc.store.dialects.sqlite import encode_time
from mlmcsc.store.models import metadata
from mlmcsc.store.types import UtcDateTime

EARLY = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(812, 3, 4, 5, 6, 7, 8, tzinfo=UTC),
    datetime(1899, 12, 31, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
]


@pytest.fixture
def image(sql):
    sql("INSERT INTO images (path, filename, timestamp) VALUES ('/a', 'a', '2026-01-01 00:00:00')")
    return 1


def test_a_time_of_any_year_comes_back(db, image):
    who = db.register_technician("t1", "Jo")
    single = [db.store_label(image, who, 0.5, timestamp=at) for at in EARLY]
    many = db.store_labels(
        image_id=[image] * 4, label=[0.5] * 4, timestamp=EARLY, technician_id=who
    )
    assert [db.labels.get(key).timestamp for key in single] == EARLY
    assert [db.labels.get(key).timestamp for key in many.ids.tolist()] == EARLY


def test_stored_times_sort_as_text():
    written = [encode_time(at) for at in EARLY]
    assert written == sorted(written)
    assert written[0] == "0001-01-01 00:00:00.000000"


UNREADABLE = {
    "sqlite": [
        "1-01-01 00:00:00.000000",
        "yesterday",
        "2026-02-31 00:00:00",
        "2026-01-01 24:00:00",
        "0000-01-01 00:00:00",
        "2026-01-01 00:61",
        "12:00",
        "",
    ],
    "postgresql": ["infinity", "-infinity", "0044-03-15 BC", "12026-01-01"],
}
READABLE = [
    "2026-01-01 00:00:00",
    "2026-01-01 00:00:00.5",
    "2024-02-29T23:59:59+02:00",
    "2026-01-01",
    "0001-01-01 00:00:00.000000",
]


def findings(db):
    return [(f.check, f.table, f.ids) for f in db.maintenance.validate() if f.table == "labels"]


def test_validate_tells_times_that_cannot_be_read(db, image, sql):
    kind = db._database.store.dialect.name
    label = db.store_label(image, db.register_technician("t1", "Jo"), 0.5)
    for text in UNREADABLE[kind]:
        sql(f"UPDATE labels SET timestamp = '{text}'")
        assert findings(db) == [("unreadable_time", "labels", (label,))], text


@pytest.mark.parametrize("text", READABLE)
def test_validate_passes_times_that_can_be_read(db, image, sql, text):
    label = db.store_label(image, db.register_technician("t1", "Jo"), 0.5)
    sql(f"UPDATE labels SET timestamp = '{text}'")
    assert findings(db) == []
    assert db.labels.get(label).timestamp.year == int(text[:4])


def test_validate_survives_an_unreadable_time_in_every_column(db, image, sql):
    kind = db._database.store.dialect.name
    db.store_label(image, db.register_technician("t1", "Jo"), 0.5)
    db.store_prediction(image, 1, 0.5, 0.5)
    told = set()
    for table in metadata.sorted_tables:
        if table.name in {"audit_logs", "audit_checkpoints"}:  # triggers keep raw SQL off
            continue
        for column in table.c:
            if isinstance(column.type, UtcDateTime):
                sql(f"UPDATE {table.name} SET {column.name} = '{UNREADABLE[kind][0]}'")
                told |= {table.name} if sql(f"SELECT 1 FROM {table.name}") else set()
    found = db.maintenance.validate(hash_files=True)
    assert {f.table for f in found if f.check == "unreadable_time"} == told
    assert {"images", "predictions", "labels", "technicians"} <= told
