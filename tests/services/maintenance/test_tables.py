"""`database validate` on rows and schema: every defect is planted by raw SQL and found."""

from __future__ import annotations

import numpy as np
import pytest
import sqlcipher3.dbapi2 as driver

from mlmcsc import DatabaseManager


def seen(findings):
    return {(f.check, f.table, f.ids) for f in findings}


def test_a_sound_database_has_no_findings(laboratory):
    assert laboratory.maintenance.validate(hash_files=True) == ()


def test_an_empty_database_has_no_findings(db):
    assert db.maintenance.validate() == ()


DEFECTS = {
    "orphaned label": (
        ["UPDATE labels SET image_id = 99 WHERE id = 2"],
        {("orphan", "labels", (2,))},
    ),
    "orphaned revision": (
        ["UPDATE label_revisions SET label_id = 99"],
        {("orphan", "label_revisions", (1,)), ("label_history", "labels", (1,))},
    ),
    "unregistered specimen": (
        ["DELETE FROM specimens WHERE specimen_id = 'S1'"],
        {("orphan", "images", (2,))},
    ),
    "label above the range": (
        ["UPDATE labels SET label = 7.5 WHERE id = 3"],
        {("broken_range", "labels", (3,))},
    ),
    "difficulty of 9": (
        ["UPDATE labels SET difficulty_rating = 9"],
        {("broken_range", "labels", (1, 2, 3))},
    ),
    "unknown storage": (
        ["UPDATE images SET storage = 'attic' WHERE id = 1"],
        {("broken_range", "images", (1,))},
    ),
    "colder than absolute zero": (
        ["UPDATE specimens SET temperature_c = -300 WHERE id = 2"],
        {("broken_range", "specimens", (2,))},
    ),
    "infinite label": (
        ["UPDATE labels SET label = 'Infinity' WHERE id = 1"],
        {("not_finite", "labels", (1,))},
    ),
    "vector cut short": (
        ["UPDATE features SET feature_dimension = 9 WHERE id = 2"],
        {("vector_length", "features", (2,)), ("vector_set", "features", (2,))},
    ),
    "vectors without set": (
        ["DELETE FROM feature_sets"],
        {("vector_set", "features", (1, 2, 3))},
    ),
    "wrong number of vectors": (
        ["UPDATE feature_sets SET n_vectors = 7"],
        {("vector_count", "feature_sets", (1,))},
    ),
    "wrong number of labels": (
        ["UPDATE technicians SET total_labels = 0"],
        {("label_count", "technicians", (1,))},
    ),
    "lost revision": (
        ["DELETE FROM label_revisions"],
        {("label_history", "labels", (1,))},
    ),
    "renumbered revision": (
        ["UPDATE label_revisions SET revision = 5"],
        {("label_history", "labels", (1,))},
    ),
    "verified by nobody": (
        ["UPDATE labels SET verified_by = NULL WHERE id = 2"],
        {("verification", "labels", (2,))},
    ),
    "verifier of an unverified label": (
        ["UPDATE labels SET verified_by = 't2' WHERE id = 3"],
        {("verification", "labels", (3,))},
    ),
    "blank specimen": (
        [
            "UPDATE specimens SET specimen_id = ' ' WHERE id = 3",
            "UPDATE images SET specimen_id = ' ' WHERE id = 3",
        ],
        {("empty_specimen", "specimens", (3,)), ("empty_specimen", "images", (3,))},
    ),
    "label from the future": (
        ["UPDATE labels SET timestamp = '2999-01-01 00:00:00.000000' WHERE id = 1"],
        {("future_time", "labels", (1,))},
    ),
    "unknown hash": (
        ["UPDATE images SET hash_algorithm = 'md5' WHERE id = 1"],
        {("hash_algorithm", "images", (1,))},
    ),
    "no label range": (
        ["DELETE FROM settings WHERE key = 'label_range'"],
        {("settings", "settings", ())},
    ),
    "dropped index": (
        ["DROP INDEX idx_labels_image_id"],
        {("schema", "labels", ())},
    ),
    "dropped table": (
        ["DROP TABLE image_fingerprints"],
        {("schema", "image_fingerprints", ())},
    ),
    "dropped column": (
        ["ALTER TABLE images DROP COLUMN detector"],
        {("schema", "images", ())},
    ),
    "two active models": (
        [
            "DROP INDEX uq_model_versions_one_active",
            (
                "INSERT INTO model_versions (version, name, model_path, is_active) "
                "VALUES ('a', 'a', 'a', true), ('b', 'b', 'b', true)"
            ),
        ],
        {("schema", "model_versions", ()), ("active_models", "model_versions", (2, 3))},
    ),
}


TOGETHER = {
    "schema": ("dropped index", "dropped table", "dropped column"),
    "registers": (
        "orphaned revision",
        "unregistered specimen",
        "difficulty of 9",
        "vectors without set",
        "verifier of an unverified label",
        "blank specimen",
        "two active models",
    ),
    "history": ("renumbered revision", "wrong number of vectors", "no label range"),
}
"""Defects that do not hide each other share a database: every one of them costs a second."""
TOGETHER["values"] = tuple(d for d in DEFECTS if not any(d in group for group in TOGETHER.values()))


@pytest.mark.parametrize("defects", TOGETHER.values(), ids=TOGETHER)
def test_planted_defects_are_found_and_nothing_else(laboratory, defects, plant):
    expected = set()
    for defect in defects:
        statements, findings = DEFECTS[defect]
        plant(laboratory, *statements)
        assert not findings & expected
        expected |= findings
    assert seen(laboratory.maintenance.validate()) == expected


def test_infinity_hidden_from_the_range_is_told_once(laboratory, plant):
    plant(laboratory, "UPDATE predictions SET confidence = 'NaN'")
    assert seen(laboratory.maintenance.validate()) == {("not_finite", "predictions", (1,))}


def test_a_number_that_is_none_inside_a_vector_is_found_by_reading_content(laboratory, plant):
    raw = np.array([1, 2, np.nan, 4, 5, 6, 7, 8], "<f4").tobytes().hex()
    sqlite = laboratory.labels.db.engine.dialect.name == "sqlite"
    blob = f"x'{raw}'" if sqlite else f"decode('{raw}', 'hex')"
    plant(laboratory, f"UPDATE features SET feature_vector = {blob} WHERE id = 2")
    assert laboratory.maintenance.validate() == ()
    found = laboratory.maintenance.validate(hash_files=True)
    assert seen(found) == {("not_finite", "features", (2,))}


@pytest.mark.postgres
def test_a_damaged_index_is_told(postgres_url, plant):
    with DatabaseManager(postgres_url) as db:
        plant(
            db,
            "UPDATE pg_index SET indisvalid = false "
            "WHERE indexrelid = 'idx_labels_image_id'::regclass",
        )
        (finding,) = db.maintenance.validate()
    assert finding.check == "storage"
    assert "idx_labels_image_id" in finding.message


def test_every_foreign_key_and_check_of_the_schema_is_looked_at(laboratory, plant):
    statements = [
        "UPDATE predictions SET model_version_id = 77",
        "UPDATE labels SET technician_id = 77",
        "UPDATE features SET image_id = 77 WHERE id = 3",
        "UPDATE image_fingerprints SET image_id = 77 WHERE image_id = 3",
        "UPDATE technicians SET accuracy_score = 2",
        "UPDATE feature_sets SET n_vectors = -1",
    ]
    plant(laboratory, *statements)
    found = seen(laboratory.maintenance.validate())
    assert found >= {
        ("orphan", "predictions", (1,)),
        ("orphan", "labels", (1, 2, 3)),
        ("orphan", "features", (3,)),
        ("orphan", "image_fingerprints", (77,)),
        ("broken_range", "technicians", (1,)),
        ("broken_range", "feature_sets", (1,)),
    }


def test_a_dropped_constraint_and_the_duplicate_it_let_in_are_found(laboratory, plant):
    copy = (
        "INSERT INTO images SELECT 9 AS id, 'copy.png' AS path, "
        "filename, timestamp, created_at, updated_at, width, height, channels, file_size, format, "
        "magnification, specimen_id, acquisition_settings, is_valid, quality_score, content_hash, "
        "hash_algorithm, file_mtime_ns, bit_depth, pages, pixel_size_um, detector, "
        "accelerating_voltage_kv, instrument, storage FROM images WHERE id = 1"
    )
    if laboratory.labels.db.engine.dialect.name == "sqlite":
        drop = [
            "CREATE TABLE bare AS SELECT * FROM images",
            "DROP TABLE images",
            "ALTER TABLE bare RENAME TO images",
        ]
    else:
        drop = ["ALTER TABLE images DROP CONSTRAINT uq_images_content_hash"]
    plant(laboratory, *drop, copy)
    found = laboratory.maintenance.validate()
    assert ("same_content", "images", (1, 9)) in seen(found)
    (schema,) = [f for f in found if f.check == "schema"]
    assert schema.table == "images"
    assert "constraint uq_images_content_hash" in schema.message
    laboratory.update_image(9, is_valid=False)
    assert "same_content" not in {f.check for f in laboratory.maintenance.validate()}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_range_is_this_database_s_own(kind, request, tmp_path, monkeypatch, draw, plant):
    monkeypatch.chdir(tmp_path)
    sqlite = kind == "sqlite"
    url = "sqlite:///charpy.db" if sqlite else request.getfixturevalue("empty_postgres_url")
    with DatabaseManager(url, label_range=(0, 100)) as db:
        image = db.store_image(draw("a.png"))
        person = db.register_technician("t1", "Ada")
        db.store_label(image, person, 85.0)
        assert db.maintenance.validate() == ()
        plant(db, "UPDATE labels SET label = 101")
        assert seen(db.maintenance.validate()) == {("broken_range", "labels", (1,))}


def test_only_the_first_hundred_ids_are_named_but_all_are_counted(laboratory, plant):
    ids = range(1000, 1150)
    values = ", ".join(f"({i}, 'm', 1.0, CURRENT_TIMESTAMP)" for i in ids)
    plant(
        laboratory,
        f"INSERT INTO system_metrics (id, metric_name, metric_value, timestamp) VALUES {values}",
        "UPDATE system_metrics SET metric_value = 'Infinity'",
    )
    (finding,) = [f for f in laboratory.maintenance.validate() if f.check == "not_finite"]
    assert finding.count == 150
    assert finding.ids == tuple(range(1000, 1100))


def test_every_message_says_what_to_do(laboratory, plant):
    plant(laboratory, *(DEFECTS["label above the range"][0]), *DEFECTS["lost revision"][0])
    messages = {f.check: f.message for f in laboratory.maintenance.validate()}
    assert "labels correct" in messages["broken_range"]
    assert "labels history" in messages["label_history"]


def test_progress_reaches_the_end_of_every_stage(laboratory):
    last = {}

    def note(stage, done, total):
        assert last.get(stage, (0, 0))[0] < done <= total
        last[stage] = (done, total)

    laboratory.maintenance.validate(progress=note)
    assert {"tables", "files", "caches"} <= last.keys()
    assert all(done == total for done, total in last.values())


def test_damaged_pages_are_told_and_the_other_checks_go_on(sqlite_url, draw, tmp_path):
    path = tmp_path / "mlmcsc.db"
    with DatabaseManager(sqlite_url) as db:
        image = db.store_image(draw("a.png"))
        db.register_technician("t1", "Ada")
        db.store_label(image, 1, 0.5)
        (tmp_path / "a.png").unlink()
    with driver.connect(str(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'labels'"
        ).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with DatabaseManager(sqlite_url) as db:
        checks = {f.check for f in db.maintenance.validate()}
    assert {"storage", "not_checked", "file_missing"} <= checks
