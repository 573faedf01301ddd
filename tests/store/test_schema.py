"""The schema: migrations and tables say the same, up and down, on both databases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mlmcsc.domain.permissions import Actor
from mlmcsc.store import schema
from mlmcsc.store.migrations import HEAD
from mlmcsc.store.models import metadata

README = Path(__file__).resolve().parents[3] / "shared" / "ORIGINAL_README.md"

ME = Actor("test")

NINE = {
    "images",
    "predictions",
    "labels",
    "features",
    "model_versions",
    "technicians",
    "data_versions",
    "audit_logs",
    "system_metrics",
}


def tables(store):
    with store.read() as view:
        return set(sa.inspect(view.conn).get_table_names()) - {"alembic_version", "sqlite_sequence"}


def test_the_schema_goes_up_to_head_and_down_to_nothing_and_up_again(empty_url, open_store):
    store = open_store(empty_url)
    for _ in range(2):
        schema.migrate(store, ME, "head")
        assert tables(store) == set(metadata.tables)
        schema.migrate(store, ME, "base")
        assert tables(store) == set()


def test_the_migrated_schema_is_that_of_the_models(empty_url, open_store):
    store = open_store(empty_url)
    schema.migrate(store, ME, "head")
    with store.read() as view:
        context = MigrationContext.configure(
            view.conn, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_the_checks_of_the_migrated_schema_are_those_of_the_models(empty_url, open_store):
    store = open_store(empty_url)
    schema.migrate(store, ME, "head")
    with store.read() as view:
        inspector = sa.inspect(view.conn)
        for name, table in metadata.tables.items():
            found = {c["name"] for c in inspector.get_check_constraints(name)}
            wanted = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert found == wanted, name


def test_the_release_knows_its_own_head():
    assert ScriptDirectory(str(schema.SCRIPTS)).get_heads() == [HEAD]
    assert HEAD in schema.known_revisions()


def documented_columns():
    if not README.is_file():
        pytest.skip(f"the documented schema is not at hand: {README} is absent")
    blocks = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", README.read_text("utf-8"), re.DOTALL)
    return {table: re.findall(r"^\s+(\w+) ", body, re.MULTILINE) for table, body in blocks}


def test_the_nine_documented_tables_have_their_documented_columns(db):
    with db._database.store.read() as view:
        inspector = sa.inspect(view.conn)
        there = {t: {c["name"] for c in inspector.get_columns(t)} for t in NINE}
    documented = documented_columns()
    assert documented.keys() == {"images", "predictions", "labels"}
    for table, columns in documented.items():
        assert set(columns) <= there[table]
    assert len(documented["images"]) == 14


INSERTS = {
    "technicians": "(technician_id, name) VALUES ('t', 'Jo')",
    "images": "(path, filename, timestamp) VALUES ('/a.png', 'a.png', '2026-01-01 00:00:00')",
    "model_versions": "(version, name, model_path) VALUES ('v1', 'net', '/m')",
    "predictions": "(image_id, model_version_id, prediction, confidence, timestamp) "
    "VALUES (1, 1, 0.5, 0.5, '2026-01-01 00:00:00')",
    "labels": "(image_id, technician_id, label, timestamp) "
    "VALUES (1, 1, 0.5, '2026-01-01 00:00:00')",
    "data_versions": "(version, name) VALUES ('d1', 'first')",
    "audit_logs": "(operation, table_name, user_id, timestamp) "
    "VALUES ('CREATE', 'images', 'me', '2026-01-01 00:00:00')",
    "system_metrics": "(metric_name, metric_value, timestamp) "
    "VALUES ('m', 1.5, '2026-01-01 00:00:00')",
}


def test_raw_inserts_may_leave_out_what_has_a_default(db, sql):
    for table, values in INSERTS.items():
        sql(f"INSERT INTO {table} {values}")
    assert db.get_image(1).is_valid is True
    label = db.labels.get(1)
    assert (label.label_type, label.is_verified, label.revision) == ("manual", False, 1)
    who = db.technicians.get("t")
    assert (who.is_active, who.total_labels) == (True, 0)
    assert who.created_at.utcoffset().total_seconds() == 0
    assert db.models.get("v1").is_active is False


def test_rows_of_raw_sql_and_of_the_api_live_together(db, sql):
    for table in ("technicians", "images"):
        sql(f"INSERT INTO {table} {INSERTS[table]}")
    key = db.store_label(1, 1, 0.25)
    many = db.store_labels(image_id=[1, 1], label=[0.5, 0.75], technician_id=1)
    sql(f"INSERT INTO labels {INSERTS['labels']}")
    ids = [row.id for row in sql("SELECT id FROM labels ORDER BY id")]
    assert ids[:3] == [key, *many.ids.tolist()]
    assert len(set(ids)) == 4


def test_a_new_database_has_the_unversioned_model_as_model_one(db):
    assert db.models.get(1).version == "unversioned"
    assert len(db.models.list()) == 1


def test_ids_are_never_used_again(db, sql):
    sql(f"INSERT INTO technicians {INSERTS['technicians']}")
    sql(f"INSERT INTO images {INSERTS['images']}")
    last = db.store_label(1, 1, 0.5)
    sql("DELETE FROM labels WHERE id = :id", id=last)
    assert db.store_label(1, 1, 0.5) > last
    many = db.store_labels(image_id=[1, 1], label=[0.5, 0.5], technician_id=1).ids
    sql("DELETE FROM labels")
    assert db.store_labels(image_id=[1], label=[0.5], technician_id=1).ids[0] > many.max()
