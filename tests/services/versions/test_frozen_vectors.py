"""Vectors that a version holds survive being replaced; images that it holds are never due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import feature_revisions, features, metadata, version_features

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archive"))
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def images(db, images_of):
    """Three labelled images, and a fourth without a label, each with vectors of two sets."""
    tom = db.register_technician("tom", "Tom")
    every = images_of(4)
    for image in every[:3]:
        db.store_label(image, tom, 0.5, timestamp=LONG_AGO)
    for kind in ("cnn", "texture"):
        store(db, every, kind, 1.0)
    return every


def store(db, images, kind, value):
    db.store_features(images, kind, [[value, value]] * len(images), "v1")


def frozen(db, version, kind):
    """Image id to the first number of its vector, as the version has it."""
    f, r, v = features.c, feature_revisions.c, version_features.c
    with db._database.store.read() as view:
        number = sa.select(metadata.tables["data_versions"].c.id).where(
            metadata.tables["data_versions"].c.version == version
        )
        of_set = (v.version_id == number.scalar_subquery(), v.feature_type == kind)
        marker = view.conn.scalar(sa.select(v.marker).where(*of_set))
        now = sa.select(f.image_id, f.feature_vector).where(f.feature_type == kind, f.id < marker)
        then = sa.select(r.image_id, r.feature_vector).where(
            r.feature_type == kind, r.id < marker, marker < r.gone_at
        )
        rows = [*view.conn.execute(now), *view.conn.execute(then)]
    assert len({row.image_id for row in rows}) == len(rows)
    return {row.image_id: np.frombuffer(row.feature_vector, "<f4")[0] for row in rows}


def revisions(sql):
    return sql("SELECT count(*) FROM feature_revisions")[0][0]


def test_nothing_is_copied_where_no_version_holds_the_set(db, images, sql):
    store(db, images, "cnn", 2.0)
    assert revisions(sql) == 0
    db.versions.create("v1", features=["texture"])
    store(db, images, "cnn", 3.0)
    assert revisions(sql) == 0


def test_a_version_reads_the_vectors_that_it_froze(db, images, sql):
    db.versions.create("v1")
    store(db, images, "cnn", 2.0)
    store(db, images, "cnn", 3.0)  # 2.0 is in no version: it is not kept
    assert revisions(sql) == 3
    db.versions.create("v2")
    store(db, images[:1], "cnn", 4.0)
    then, later = frozen(db, "v1", "cnn"), frozen(db, "v2", "cnn")
    assert {i: then[i] for i in images[:3]} == dict.fromkeys(images[:3], 1.0)
    assert {i: later[i] for i in images[:3]} == dict.fromkeys(images[:3], 3.0)
    assert db.get_features_for_training(images, "cnn")[:, 0].tolist() == [4, 3, 3, 3]


def test_a_vector_that_came_after_a_version_of_several_sets_is_in_none_of_them(db, images_of):
    tom = db.register_technician("tom", "Tom")
    first, late = images_of(2)
    db.store_label(first, tom, 0.5)
    db.store_label(late, tom, 0.5)
    for kind in ("a", "b", "c"):
        store(db, [first], kind, 1.0)
    db.versions.create("v1")
    for kind in ("a", "b", "c"):
        store(db, [late], kind, 2.0)
    assert [frozen(db, "v1", kind) for kind in ("a", "b", "c")] == [{first: 1.0}] * 3


def test_frozen_vectors_are_not_archived_and_none_come_back_into_a_version(
    db, images, images_of, sql
):
    aged = "UPDATE features SET extraction_timestamp = '2015-01-01 00:00:00'"
    sql(aged)
    db.archives.create("features", timedelta(days=365))
    (entry,) = db.archives.list()
    (late,) = images_of(1)
    db.store_label(late, 1, 0.5)
    store(db, [late], "cnn", 2.0)
    store(db, [late], "texture", 2.0)
    sql(aged)
    db.versions.create("v1", features=["cnn"])
    with pytest.raises(ConflictError, match=r"3 images.*frozen in a data version"):
        db.archives.restore(entry.archive.name)
    planned = db.archives.plan("features", timedelta(days=365))
    assert (planned.n_rows, planned.n_held) == (1, 1)
    db.versions.delete("v1")
    db.archives.restore(entry.archive.name)
    assert sql("SELECT count(*) FROM features") == [(10,)]


def test_images_of_a_version_are_never_due_but_their_labels_are(db, images, sql):
    sql("UPDATE images SET created_at = '2015-01-01 00:00:00'")
    db.versions.create("v1")
    lines = {line.type: line for line in db.retention.plan().types}
    assert lines["images"].held_by == {"in a frozen version": 3}
    assert (lines["images"].to_do, lines["labels"].to_do) == (1, 3)
    db.retention.apply()
    assert sql("SELECT count(*) FROM labels") == [(0,)]
    assert [row[0] for row in sql("SELECT id FROM images ORDER BY id")] == images[:3]
    assert db.versions.get("v1").n_redacted == 0
    assert set(frozen(db, "v1", "cnn")) == set(images[:3])
    db.versions.delete("v1")
    assert {line.type: line for line in db.retention.plan().types}["images"].to_do == 3


def test_numbers_that_were_reserved_are_given_to_no_other_row(db, images):
    """Else a vector removed without a successor would be read as if it were still held."""
    store_ = db._database.store
    with store_.write(db.actor) as tx:
        first = tx.dialect.reserve_ids(tx.conn, features, 2).tolist()
    with store_.write(db.actor) as tx:
        second = tx.dialect.reserve_ids(tx.conn, features, 2).tolist()
        never_used = tx.dialect.reserve_ids(tx.conn, metadata.tables["dataset_exports"], 2)
    assert first[0] < first[1] < second[0] < second[1]
    assert never_used.tolist() == [1, 2]
    store(db, images[:1], "cnn", 2.0)
    assert min(f.id for f in db.get_features(images[0], feature_type="cnn")) > second[1]
