"""The database itself refuses wrong values and loose ends, whoever writes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

NAN = {"sqlite": "(9e999 - 9e999)", "postgresql": "'NaN'::float8"}
INFINITY = {"sqlite": "9e999", "postgresql": "'Infinity'::float8"}
MINUS_INFINITY = {"sqlite": "-9e999", "postgresql": "'-Infinity'::float8"}


@pytest.fixture
def filled(db, sql):
    """One row in each table that is checked."""
    at = "'2026-01-01 00:00:00'"
    sql("INSERT INTO specimens (specimen_id) VALUES ('S1')")
    sql("INSERT INTO technicians (technician_id, name) VALUES ('t', 'Jo')")
    sql(f"INSERT INTO images (path, filename, timestamp) VALUES ('/a', 'a', {at})")
    sql(
        "INSERT INTO predictions (image_id, model_version_id, prediction, confidence, timestamp) "
        f"VALUES (1, 1, 0.5, 0.5, {at})"
    )
    sql(f"INSERT INTO labels (image_id, technician_id, label, timestamp) VALUES (1, 1, 0.5, {at})")
    sql("INSERT INTO data_versions (version, name) VALUES ('d1', 'first')")
    sql(
        f"INSERT INTO system_metrics (metric_name, metric_value, timestamp) VALUES ('m', 1.5, {at})"
    )


@pytest.fixture
def refused(sql):
    def check(statement):
        print(statement)  # noqa: T201  # shown when the check fails
        with pytest.raises(sa.exc.DBAPIError):
            sql(statement)

    return check


FRACTIONS = [
    ("predictions", "prediction"),
    ("predictions", "confidence"),
    ("predictions", "detection_confidence"),
    ("labels", "label"),
    ("labels", "original_prediction"),
    ("labels", "original_confidence"),
    ("images", "quality_score"),
    ("technicians", "accuracy_score"),
    ("model_versions", "test_accuracy"),
    ("data_versions", "train_split"),
]
NOT_NEGATIVE = [
    ("predictions", "processing_time"),
    ("labels", "time_spent"),
    ("images", "magnification"),
    ("specimens", "kv_joule"),
    ("specimens", "le_mm"),
]
FINITE = [("system_metrics", "metric_value"), ("model_versions", "training_loss")]


def test_a_measured_number_is_finite_and_in_range(db, filled, sql, refused):
    kind = db._database.store.dialect.name
    wrong = [INFINITY[kind], MINUS_INFINITY[kind], "'much'"]
    for table, column in FRACTIONS + NOT_NEGATIVE + FINITE:
        sql(f"UPDATE {table} SET {column} = 0.5")
        outside = ["1.0000001", "-0.0000001"] if (table, column) in FRACTIONS else []
        negative = ["-0.0000001"] if (table, column) in NOT_NEGATIVE else []
        for value in wrong + outside + negative:
            refused(f"UPDATE {table} SET {column} = {value}")


def test_nan_never_stands_for_a_number(db, filled, sql, refused):
    kind = db._database.store.dialect.name
    for table, column in [
        ("predictions", "prediction"),
        ("predictions", "confidence"),
        *FINITE[:1],
    ]:
        refused(f"UPDATE {table} SET {column} = {NAN[kind]}")
    if kind == "postgresql":  # SQLite turns NaN into NULL: no number, which optional columns allow
        for table, column in FRACTIONS + NOT_NEGATIVE + FINITE:
            refused(f"UPDATE {table} SET {column} = {NAN[kind]}")


def test_counted_things_are_in_range(filled, refused):
    for table, column, values in [
        ("labels", "difficulty_rating", (0, 6)),
        ("labels", "revision", (0,)),
        ("images", "width", (0, -1)),
        ("technicians", "total_labels", (-1,)),
        ("specimens", "temperature_c", (-273.16, 2001)),
    ]:
        for value in values:
            refused(f"UPDATE {table} SET {column} = {value}")
    refused("UPDATE images SET storage = 'cloud'")


def test_what_must_be_there_is_there(filled, refused):
    for table, column in [
        ("images", "path"),
        ("images", "timestamp"),
        ("images", "is_valid"),
        ("labels", "label"),
        ("labels", "label_type"),
        ("predictions", "confidence"),
        ("technicians", "name"),
    ]:
        refused(f"UPDATE {table} SET {column} = NULL")


def test_references_point_somewhere(filled, refused):
    for table, column in [
        ("predictions", "image_id"),
        ("predictions", "model_version_id"),
        ("labels", "image_id"),
        ("labels", "technician_id"),
    ]:
        refused(f"UPDATE {table} SET {column} = 999")
    refused("UPDATE images SET specimen_id = 'unknown'")
    for parent in ("images", "technicians", "model_versions"):
        refused(f"DELETE FROM {parent} WHERE id = 1")


def test_names_and_paths_are_unique(filled, refused):
    at = "'2026-01-01 00:00:00'"
    refused(f"INSERT INTO images (path, filename, timestamp) VALUES ('/a', 'b', {at})")
    refused("INSERT INTO technicians (technician_id, name) VALUES ('t', 'Al')")
    refused(
        "INSERT INTO model_versions (version, name, model_path) VALUES ('unversioned', 'x', '/')"
    )
    refused("INSERT INTO data_versions (version, name) VALUES ('d1', 'again')")


def test_two_models_are_never_active_at_once(filled, sql, refused):
    sql("INSERT INTO model_versions (version, name, model_path) VALUES ('v1', 'x', '/')")
    refused("UPDATE model_versions SET is_active = TRUE")
    sql("UPDATE model_versions SET is_active = TRUE WHERE id = 1")
