"""What is due and not held goes, in whole batches, and the trail tells."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from mlmcsc.errors import StoreError, UnknownRecordError
from mlmcsc.services.retention import applying, leftovers
from mlmcsc.store.queries import batches
from mlmcsc.store.queries.retention.batches import take

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(applying, "BATCH_ROWS", 2)
    monkeypatch.setattr(applying, "IMAGE_BATCH_ROWS", 2)


def ids(sql, table):
    return sql(f"SELECT id FROM {table} ORDER BY id")


def payload(value):
    return json.loads(value) if isinstance(value, str) else value


def retained(audit, table=None):
    return [e for e in audit() if e.operation == "RETAIN" and table in {None, e.table_name}]


def test_what_is_due_goes_and_the_rest_stays(lab, sql):
    report = lab.retention.apply()
    assert [row.id for row in ids(sql, "labels")] == [2]
    assert [row.id for row in ids(sql, "images")] == [2]
    rows = {line.type: line.rows for line in report.types if line.rows}
    assert rows == {"labels": 3, "images": 5}
    assert sql("SELECT total_labels FROM technicians ORDER BY id") == [(1,), (0,)]


def test_applied_again_there_is_nothing_to_do(lab, nothing_written):
    lab.retention.apply()
    with nothing_written():
        assert lab.retention.apply().rows == 0


def test_a_dry_plan_tells_what_applying_does(lab, hold):
    hold(specimen="S2")
    planned = {line.type: line.to_do for line in lab.retention.plan().types}
    done = {line.type: line.rows for line in lab.retention.apply().types}
    assert done == {name: planned[name] for name in done}


def test_a_legal_hold_wins(lab, sql, hold):
    hold(person="tech_001")
    lab.retention.apply()
    assert [row.id for row in ids(sql, "labels")] == [1, 2, 3]
    assert [row.id for row in ids(sql, "images")] == [1, 2, 4]


def test_a_hold_placed_meanwhile_wins_from_the_next_batch_on(lab, sql, hold, small_batches):
    def watch(doing, done, _total):
        if (doing, done) == ("labels", 2):
            hold(person="tech_002")

    lab.retention.apply(["labels"], progress=watch)
    assert [row.id for row in ids(sql, "labels")] == [2, 4]


def test_no_hold_is_placed_between_choosing_a_batch_and_its_end(lab, hold, ago, person_of):
    person_of("tech_002")  # known before, so that placing the hold is one statement
    placed = threading.Event()

    def place():
        hold(person="tech_002")
        placed.set()

    store = lab._database.store
    other = threading.Thread(target=place)
    with store.write(lab.actor) as tx:
        _, chosen = take(tx, "labels", {"labels": ago(1095)}, after_id=0, size=9)
        other.start()
        assert not placed.wait(0.3)
    other.join()
    assert placed.is_set()
    assert chosen.tolist() == [1, 3, 4]


def test_each_batch_leaves_an_event_that_commits_to_its_rows(lab, sql, audit, small_batches):
    stored = sql("SELECT * FROM labels ORDER BY id")
    with lab._database.store.read() as view:
        from mlmcsc.store.models import labels

        rows = view.conn.execute(labels.select().order_by(labels.c.id)).all()
    report = lab.retention.apply(["labels"])
    assert len(stored) == 4
    first, second = retained(audit, "labels")
    assert (first.n_rows, second.n_rows) == (2, 1)
    assert report.types[0].batches == 2
    old, new = payload(first.old_values), payload(first.new_values)
    assert (old["first_id"], old["last_id"], old["id_ranges"]) == (1, 3, [[1, 1], [3, 3]])
    assert new["ground"].startswith("retention.label_retention_days = 1095 days")
    assert second.record_id == 4
    gone = [row for row in rows if row.id in {1, 3}]
    assert first.digest == batches.digest(list(zip(*gone, strict=True)))


def test_the_revisions_of_a_label_go_with_it(lab, sql, audit):
    lab.labels.correct(1, reason="typo", label=0.6)
    lab.labels.correct(2, reason="typo", label=0.6)
    (line,) = lab.retention.apply(["labels"]).types
    assert line.along == {"label_revisions": 1}
    assert sql("SELECT label_id FROM label_revisions") == [(2,)]
    (event,) = retained(audit, "labels")
    assert payload(event.new_values)["along"] == {"label_revisions": 1}


def test_no_image_changes_its_split_when_others_go(db, images_of, ago):
    db.register_technician("tech_001", "Jo Lund")
    for number in range(20):
        for image in images_of(2, f"S{number}", created_at=ago(800)):
            age = 1200 if number % 3 else 10
            db.store_label(image, 1, number / 20, timestamp=ago(age))
    before = db.get_training_data(seed=3)
    db.retention.apply()
    after = db.get_training_data(seed=3)
    left = {image for part in after.values() for image, _ in part}
    assert len(left) == 14
    for name, part in before.items():
        assert after[name] == [pair for pair in part if pair[0] in left]


def test_only_the_chosen_types_are_dealt_with(lab, sql):
    lab.retention.apply(["images"])
    assert [row.id for row in ids(sql, "images")] == [1, 2, 4, 5]
    assert len(ids(sql, "labels")) == 4


def test_old_metrics_go(lab, insert, sql, ago, audit):
    for days in (91, 92, 10):
        insert("system_metrics", metric_name="cpu", metric_value=1.0, timestamp=ago(days))
    lab.retention.apply(["metrics"])
    assert [row.id for row in ids(sql, "system_metrics")] == [3]
    (event,) = retained(audit)
    assert (event.table_name, event.n_rows) == ("system_metrics", 2)


def test_progress_reaches_the_end(lab, small_batches):
    told = []
    lab.retention.apply(["labels", "images"], progress=lambda *now: told.append(now))
    assert told[0] == ("labels", 0, 3)
    assert told[-1] == ("images", 5, 5)


@pytest.fixture
def shot(db, draw, sql, now):
    """One image in place and one managed, stored in the year 2020, each with a thumbnail."""
    in_place = db.images.add(draw("a.png", seed=1))
    managed = db.images.add(draw("b.png", seed=2), storage="managed")
    for image in (in_place, managed):
        db.images.thumbnail(image.id)
        db.store_features(image.id, "hog", np.ones(4, np.float32), "1")
    sql("UPDATE images SET created_at = '2020-01-01 00:00:00'")
    return in_place, managed


def files_in(folder):
    return [Path(at, name) for at, _, names in os.walk(folder) for name in names]


def test_copies_and_thumbnails_of_deleted_images_go_and_the_laboratory_s_files_stay(db, shot, sql):
    in_place, managed = shot
    copy = Path(db.images.get(managed.id).path)
    report = db.retention.apply()
    assert Path(in_place.path).exists()
    assert not copy.exists()
    assert files_in(db._database.images.thumbnails) == []
    assert (report.files_removed, report.files_left) == (3, 1)
    assert report.examples_left == (in_place.path,)
    (line,) = (line for line in report.types if line.type == "images")
    assert (line.rows, line.along["features"]) == (2, 2)
    for table in ("features", "image_fingerprints", "image_aliases"):
        assert sql(f"SELECT * FROM {table}") == []


def test_a_feature_matrix_forgets_the_vectors_by_itself(db, images_of, sql, now):
    known = images_of(4)
    vectors = np.eye(4, dtype=np.float32)
    db.features.store(known, "hog", vectors, "1")
    matrix = db.get_features_for_training(known, "hog")
    np.testing.assert_array_equal(matrix, vectors)
    sql(f"UPDATE images SET created_at = '2020-01-01 00:00:00' WHERE id < {known[2]}")
    db.retention.apply()
    np.testing.assert_array_equal(db.get_features_for_training(known[2:], "hog"), vectors[2:])
    with pytest.raises(UnknownRecordError):
        db.get_features_for_training(known, "hog")
    assert "feature_matrix" not in {finding.check for finding in db.maintenance.validate()}


def test_files_that_an_interrupted_run_left_are_removed_by_the_next(db, shot, monkeypatch):
    copy = Path(db.images.get(shot[1].id).path)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "remove_noted", interrupted)
        with pytest.raises(KeyboardInterrupt):
            db.retention.apply()
    assert copy.exists()
    assert db.retention.apply().files_removed == 3
    assert not copy.exists()
    assert db.retention.apply().files_removed == 0


def test_a_content_that_was_stored_again_keeps_its_files(db, shot, draw, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "remove_noted", lambda *_: 0)
        db.retention.apply()
    again = db.images.add(draw("b.png", seed=2), storage="managed")
    db.retention.apply()
    assert again.created
    assert Path(db.images.get(again.id).path).exists()
    assert db.images.thumbnail(again.id).exists()


def test_a_file_that_cannot_be_removed_is_named_and_tried_again(db, shot, monkeypatch):
    def refused(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        with pytest.raises(StoreError, match=r"cannot be removed: Permission denied.*again"):
            db.retention.apply()
    assert db.retention.apply().files_removed == 3
