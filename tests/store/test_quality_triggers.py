"""Sums of quality are marked as wrong by whatever writes images, labels or predictions.

The triggers of migration 0005 mark the 4,096 images among which something changed. On SQLite what
is added is found by its id instead, when a check is about to make sums.
"""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.domain.permissions import Actor
from mlmcsc.store import schema
from mlmcsc.store.migrations import triggers_0005
from mlmcsc.store.models import metadata
from mlmcsc.store.models.quality import IMAGES_PER_CHUNK
from mlmcsc.store.queries.quality import aggregates

ME = Actor("test")
IMAGES = (10, 11, IMAGES_PER_CHUNK - 1, IMAGES_PER_CHUNK, 5000)
"""Three in chunk 0, two in chunk 1."""
LABEL = "INSERT INTO labels (image_id, technician_id, label, timestamp) VALUES"
AT = "'2026-01-01 00:00:00'"


def image(key):
    return f"({key}, '/{key}.png', '{key}.png', {AT})"


def add_images(sql, keys=IMAGES):
    rows = ", ".join(map(image, keys))
    sql(f"INSERT INTO images (id, path, filename, timestamp) VALUES {rows}")


@pytest.fixture
def filled(db, sql):
    """Images in two chunks with a label and a prediction each; nothing marked."""
    add_images(sql)
    sql("INSERT INTO technicians (technician_id, name) VALUES ('t1', 'Jo'), ('t2', 'Al')")
    for key in IMAGES:
        sql(f"{LABEL} ({key}, 1, 0.5, {AT})")
        sql(
            "INSERT INTO predictions (image_id, model_version_id, prediction, confidence, "
            f"timestamp) VALUES ({key}, 1, 0.5, 0.5, {AT})"
        )
    claim(db)
    sql("DELETE FROM quality_marks")
    return db


def claim(db):
    """What a check does before it looks; on PostgreSQL it need not."""
    with db._database.store.write(ME) as tx:
        if aggregates.must_claim(tx):
            aggregates.claim(tx)


def marked(sql, db=None):
    """The chunks that bear a mark, or would bear one in the next check of `db`."""
    if db is not None:
        claim(db)
    chunks = [row.chunk for row in sql("SELECT chunk FROM quality_marks")]
    return {chunk if chunk >= 0 else -1 - chunk for chunk in chunks}


NEW_IMAGES = "INSERT INTO images (id, path, filename, timestamp) VALUES"
WRITES = {
    "an image is added": (f"{NEW_IMAGES} {image(8192)}", {2}),
    "images of many chunks are added at once": (
        f"{NEW_IMAGES} {image(9000)}, {image(20000)}, {image(20001)}",
        {2, 4},
    ),
    "an image turns invalid": ("UPDATE images SET is_valid = false WHERE id = 4096", {1}),
    "an image is scored": ("UPDATE images SET quality_score = 0.1 WHERE id = 4095", {0}),
    "a label is added": (f"{LABEL} (11, 2, 0.4, {AT})", {0}),
    "a label is corrected": ("UPDATE labels SET label = 0.6 WHERE image_id = 4096", {1}),
    "a label moves": ("UPDATE labels SET image_id = 5000 WHERE image_id = 10", {0, 1}),
    "a label goes": ("DELETE FROM labels WHERE image_id = 4095", {0}),
    "every label goes": ("DELETE FROM labels", {0, 1}),
    "a prediction changes": ("UPDATE predictions SET confidence = 0.9 WHERE image_id = 10", {0}),
    "a prediction moves": ("UPDATE predictions SET image_id = 10 WHERE image_id = 4096", {0, 1}),
    "a prediction goes": ("DELETE FROM predictions WHERE image_id = 5000", {1}),
    "nothing fits": ("UPDATE labels SET label = 0.6 WHERE image_id = 999", set()),
    "a technician is promoted": ("UPDATE technicians SET experience_level = 'expert'", set()),
}


def test_every_kind_of_write_marks_the_chunks_it_touched_and_no_other(filled, sql):
    for what, (statement, chunks) in WRITES.items():
        sql("DELETE FROM quality_marks")
        sql(statement)
        assert marked(sql, filled) == chunks, what


def test_what_goes_with_its_image_marks_the_chunk(filled, sql):
    """A foreign key's cascade is a write like others, and so is the image itself."""
    for table in ("labels", "predictions"):
        sql(f"DELETE FROM {table} WHERE image_id = 5000")
    sql("DELETE FROM quality_marks")
    sql("DELETE FROM images WHERE id = 5000")
    assert marked(sql) == {1}


def test_bulk_calls_mark_too(filled, sql, draw):
    ids = np.array([10, 11, 4096])
    filled.store_labels(image_id=ids, technician_id=1, label=[0.1, 0.2, 0.3])
    assert marked(sql, filled) == {0, 1}
    sql("DELETE FROM quality_marks")
    filled.store_predictions(
        image_id=ids[2:], model_version_id=1, prediction=[0.1], confidence=[0.2]
    )
    assert marked(sql, filled) == {1}
    sql("DELETE FROM quality_marks")
    stored = filled.ingest([draw("a.png")], workers=0).image_ids[0]
    assert marked(sql, filled) == {stored // IMAGES_PER_CHUNK}


def test_a_write_that_is_taken_back_leaves_no_mark(filled, sql):
    with filled._database.store._writer.connect() as conn, conn.begin() as transaction:
        conn.execute(sa.text(f"{LABEL} (10, 1, 0.4, {AT})"))
        conn.execute(sa.text("UPDATE labels SET label = 0.3"))
        transaction.rollback()
    assert marked(sql, filled) == set()


def test_a_chunk_that_is_written_again_and_again_bears_few_marks(filled, sql):
    many = ", ".join(f"({key}, 2, 0.4, {AT})" for key in IMAGES * 40)
    sql(f"{LABEL} {many}")
    sql("UPDATE labels SET label = 0.3")
    claim(filled)
    assert len(sql("SELECT id FROM quality_marks")) == 4


def test_on_sqlite_no_trigger_slows_an_insert(sqlite_url):
    with DatabaseManager(sqlite_url) as db, db._database.store.read() as view:
        found = view.conn.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%quality_insert'"
        )
        assert found.all() == []


@pytest.mark.postgres
class TestOnAServer:
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url

    def test_nobody_waits_for_the_mark_of_another(self, filled, sql):
        """Two people label the same images, each in an open transaction."""
        engine = filled._database.store._writer
        with engine.connect() as one, engine.connect() as two:
            for conn, who in ((one, 1), (two, 2)):
                conn.begin()
                conn.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
                conn.execute(sa.text(f"{LABEL} (10, {who}, 0.4, {AT}), (11, {who}, 0.4, {AT})"))
            two.commit()
            assert marked(sql) == {0}
            sql("DELETE FROM quality_marks")  # who makes the sums anew sees those of two only
            one.commit()
        assert marked(sql) == {0}

    def test_a_table_emptied_at_once_makes_every_sum_anew(self, filled, sql):
        assert filled.quality.check().counts["labels"] == len(IMAGES)
        sql("TRUNCATE labels CASCADE")
        assert filled.quality.check().counts["labels"] == 0


def test_the_triggers_count_in_the_chunks_of_the_release():
    assert triggers_0005.CHUNK == IMAGES_PER_CHUNK


def rows_of(db, tables):
    """Every row of the tables, in the columns that they have."""
    with db._database.store.read() as view:
        return {
            name: sorted(
                map(repr, view.conn.exec_driver_sql(f"SELECT {columns} FROM {name}").all())
            )
            for name, columns in tables.items()
        }


def columns_of(db):
    with db._database.store.read() as view:
        inspector = sa.inspect(view.conn)
        names = set(inspector.get_table_names()) & metadata.tables.keys()
        return {
            name: ", ".join(f'"{c["name"]}"' for c in inspector.get_columns(name)) for name in names
        }


def test_a_filled_database_goes_up_to_0005_and_down_again_with_every_row(url, draw):
    with DatabaseManager(url) as db:
        who = db.register_technician("t1", "Jo", email="jo@lab.example")
        key = db.store_image(draw("a.png"), specimen_id="S1")
        db.update_label(db.store_label(key, who, 0.5, notes="seen"), label=0.6, reason="again")
        db.store_prediction(key, 1, 0.4, 0.9)
        db.store_features(key, "cnn", [0.5] * 4, "e1")
        schema.migrate(db._database.store, ME, "0004")
        tables = columns_of(db)
        before = rows_of(db, tables)
    assert not {"image_quality", "quality_marks"} & tables.keys()
    with DatabaseManager(url) as db:  # opening upgrades, and tells so
        told = before.pop("audit_logs")
        assert len(rows_of(db, {"audit_logs": "id"})["audit_logs"]) == len(told) + 1
        assert rows_of(db, {name: tables[name] for name in before}) == before
        assert db.get_labels()[0].notes == "seen"
        schema.migrate(db._database.store, ME, "0004")
        assert columns_of(db) == tables
        assert rows_of(db, {name: tables[name] for name in before}) == before


def test_a_restored_backup_marks_as_before(sqlite_url, draw, tmp_path, own_settings):
    with DatabaseManager(sqlite_url) as db:
        who = db.register_technician("t1", "Jo")
        key = db.store_image(draw("a.png"))
        label = db.store_label(key, who, 0.5)
        db.quality.check()
        db.backups.create("b1", to=tmp_path / "backups")
        db.store_label(key, who, 0.5)
        db.quality.check()
    assert restore_backup("b1", sqlite_url, place=tmp_path / "backups").restored
    with DatabaseManager(sqlite_url) as db:
        assert db.quality.check().counts["labels"] == 1
        db.store_label(key, who, 0.7)
        assert db.quality.check().summed_chunks == 1
        db.update_label(label, label=0.6, reason="again")
        with db._database.store.read() as view:
            assert view.conn.exec_driver_sql("SELECT chunk FROM quality_marks").all() == [(0,)]
