"""Deleting labels and images for good: what goes with them, and that no split moves by it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.store.models import images, labels, predictions
from mlmcsc.store.queries import removal


@pytest.fixture
def remove(db):
    """Call a function of `removal` in a transaction of its own."""

    def run(function, *arguments):
        with db._database.store.write(db.actor) as tx:
            return function(tx, *arguments)

    return run


def where(data):
    return {image: split for split, pairs in data.items() for image, _ in pairs}


def link(sql, a, b):
    sql(
        "INSERT INTO near_duplicates (image_id, older_image_id, distance) VALUES (:a, :b, 3) "
        "ON CONFLICT DO NOTHING",
        a=max(a, b),
        b=min(a, b),
    )


# What goes


def test_the_first_label_leaves_its_place_and_stratum_but_not_its_measurement(
    db, images_of, technician, sql, remove
):
    first, second = images_of(2, "S1")
    gone = db.store_label(first, technician, 0.87)
    db.update_label(gone, label=0.11, reason="typing error")
    kept = db.store_label(first, technician, 0.5)
    later = db.store_label(second, technician, 0.2)
    assert remove(removal.delete_labels, labels.c.id == gone) == 1
    ((image, specimen, label, value),) = sql("SELECT * FROM split_anchors")
    assert (image, specimen, label) == (first, "S1", gone)
    assert value == pytest.approx(0.85)
    assert sql("SELECT count(*) FROM label_revisions") == [(0,)]
    assert [label.id for label in db.get_labels(limit=10)] == [kept, later]


def test_a_label_that_was_not_the_first_leaves_nothing(db, image, technician, sql, remove):
    db.store_label(image, technician, 0.1)
    remove(removal.delete_labels, labels.c.id == db.store_label(image, technician, 0.9))
    assert sql("SELECT * FROM split_anchors") == []


def test_the_older_anchor_stays(db, image, technician, sql, remove):
    first = db.store_label(image, technician, 0.1)
    second = db.store_label(image, technician, 0.9)
    remove(removal.delete_labels, labels.c.id == first)
    remove(removal.delete_labels, labels.c.id == second)
    remove(removal.delete_labels, labels.c.id == db.store_label(image, technician, 0.5))
    assert [row.first_label_id for row in sql("SELECT * FROM split_anchors")] == [first]


def test_label_counts_of_technicians_stay_right(db, images_of, technician, remove):
    other = db.register_technician("tech_002", "Al")
    ids = images_of(10)
    db.store_labels(image_id=ids, label=0.5, technician_id=technician)
    db.store_labels(image_id=ids[:4], label=0.5, technician_id=other)
    assert remove(removal.delete_labels, labels.c.image_id.in_(ids[:3])) == 6
    assert [db.technicians.get(who).total_labels for who in (technician, other)] == [7, 1]
    assert remove(removal.delete_labels, labels.c.technician_id == other) == 1
    assert [db.technicians.get(who).total_labels for who in (technician, other)] == [7, 0]


def test_more_labels_than_one_statement_takes_go_at_once(db, images_of, technician, monkeypatch):
    monkeypatch.setattr(removal.rows, "CHUNK", 7)
    ids = images_of(50)
    for value in (0.1, 0.9):
        db.store_labels(image_id=ids, label=value, technician_id=technician)
    with db._database.store.write(db.actor) as tx:
        assert removal.delete_labels(tx, labels.c.technician_id == technician) == 100
        anchors = tx.conn.exec_driver_sql("SELECT * FROM split_anchors ORDER BY 1").all()
    assert [row.image_id for row in anchors] == ids
    assert [row.initial_value for row in anchors] == pytest.approx([0.15] * 50)


def test_predictions_go_by_condition(db, images_of, remove):
    ids = images_of(4)
    db.store_predictions({"image_id": ids}, model_version_id=1, prediction=0.5, confidence=0.9)
    assert remove(removal.delete_predictions, predictions.c.image_id.in_(ids[:3])) == 3
    assert [p.image_id for p in db.get_predictions(limit=9)] == ids[3:]


def test_an_image_goes_with_all_that_hangs_on_it(db, draw, tmp_path, technician, counts, remove):
    before = counts()
    (tmp_path / "in").mkdir()
    stored = [db.images.add(draw(f"in/{n}.png", seed=n), specimen_id=f"S{n}") for n in range(3)]
    ids = [image.id for image in stored]
    db.store_labels(image_id=ids, label=0.5, technician_id=technician)
    db.store_predictions({"image_id": ids}, model_version_id=1, prediction=0.5, confidence=0.9)
    db.store_features(ids, "cnn", [[1.0, 2.0]] * 3, "v1")
    db.store_features(ids[:1], "hog", [[1.0]], "v1")
    hashes = {db.get_image(i).content_hash for i in ids[:2]}
    gone = remove(removal.delete_images, images.c.id <= ids[1])
    assert gone.image_ids.tolist() == ids[:2]
    assert (gone.labels, gone.predictions, gone.features) == (2, 2, 3)
    assert set(gone.content_hashes) == hashes
    assert gone.unused_files == ()  # they lie where the laboratory put them
    assert [(s.feature_type, s.n_vectors) for s in db.features.sets()] == [("cnn", 1)]
    assert remove(removal.delete_images, [ids[2], 10**9]).image_ids.tolist() == ids[2:]
    after = counts()
    left = {name for name in after if after[name] > before[name]}
    kept = {"audit_logs", "specimens", "feature_sets", "split_anchors", "subjects"}
    assert left <= kept | {"quality_marks"}
    assert after["split_anchors"] == 3


def test_removed_vectors_are_no_longer_read(db, images_of, remove):
    ids = images_of(40)
    db.store_features(ids, "cnn", [[float(i)] for i in ids], "v1")
    assert len(db.get_features_for_training(ids, "cnn")) == 40
    remove(removal.delete_images, ids[:5])
    assert db.get_features_for_training(ids, "cnn", missing="drop")[:, 0].tolist() == ids[5:]


def test_managed_copies_that_nobody_uses_are_named(db, draw, tmp_path, remove, sql):
    kept = db.images.add(draw("a.png", seed=1), storage="managed").id
    gone = db.images.add(draw("b.png", seed=2), storage="managed").id
    shared = db.images.add(draw("c.png", seed=3), storage="managed").id
    record, common = db.get_image(gone), db.get_image(shared)
    sql("INSERT INTO image_aliases (image_id, path) VALUES (:i, :p)", i=kept, p=common.path)
    (unused,) = remove(removal.delete_images, [gone, shared]).unused_files
    assert (unused.path, unused.content_hash) == (record.path, record.content_hash)


def test_a_failed_removal_removes_nothing(db, images_of, technician, counts, remove):
    ids = images_of(3)
    db.store_labels(image_id=ids, label=0.5, technician_id=technician)
    before = counts()

    def fail_after(tx):
        removal.delete_images(tx, ids)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        remove(fail_after)
    assert counts() == before


# What does not move

QUESTIONS = [
    {"seed": seed, "group_by": group_by, "stratify": stratify} | shares
    for seed, stratify, shares in [
        (0, True, {}),
        (1, True, {"train_split": 0.5, "val_split": 0.25, "test_split": 0.25}),
        (2, False, {}),
        (3, True, {"train_split": 0.34, "val_split": 0.33, "test_split": 0.33}),
        (-4, False, {"train_split": 0.4, "val_split": 0.0, "test_split": 0.6}),
    ]
    for group_by in ("specimen", "image")
]


def splits(db):
    return [where(db.get_training_data(**asked)) for asked in QUESTIONS]


NUMBER = st.integers(0, 10**6)
GROWTH = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 3), st.floats(0, 1), NUMBER, NUMBER),
    min_size=1,
    max_size=15,
)
LOSS = st.lists(
    st.tuples(st.sampled_from(["label", "image", "person", "untie"]), NUMBER),
    min_size=1,
    max_size=6,
)


def grow(db, images_of, sql, people, steps):
    for specimen, size, value, pick, other in steps:
        made = images_of(size, None if specimen == 0 else f"S{specimen}")
        known = [row.id for row in sql("SELECT id FROM images ORDER BY id")]
        if pick % 3 == 0:
            link(sql, made[0], known[other % len(known)]) if len(known) > size else None
        for image in made if pick % 4 else made[:-1]:  # some have no label
            label = db.store_label(image, people[pick % len(people)], value)
            if pick % 5 == 0:
                db.update_label(label, label=1 - value, reason="again")
        db.store_label(known[pick % len(known)], people[other % len(people)], 1 - value)
    sql("DELETE FROM near_duplicates WHERE image_id = older_image_id")


def lose(db, sql, remove, people, steps):
    for what, pick in steps:
        known = [row.id for row in sql("SELECT id FROM images ORDER BY id")]
        if what == "label":
            rows = [row.id for row in sql("SELECT id FROM labels ORDER BY id")]
            remove(removal.delete_labels, labels.c.id.in_(rows[pick % 5 :: 5]))
        elif what == "person":
            remove(removal.delete_labels, labels.c.technician_id == people[pick % len(people)])
        elif what == "image":
            remove(removal.delete_images, known[pick % 4 :: 4])
        else:  # the images that tie others together
            tied = sql("SELECT older_image_id AS id FROM near_duplicates ORDER BY 1")
            remove(removal.delete_images, [row.id for row in tied[:2]])


@pytest.mark.sqlite_tells
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.tuples(GROWTH, LOSS), min_size=1, max_size=2))
def test_no_other_image_moves_when_labels_images_or_people_go(
    db, images_of, sql, remove, technician, rounds
):
    people = [technician, db.register_technician("tech_002", "Al")]
    for growth, loss in rounds:
        grow(db, images_of, sql, people, growth)
        before = splits(db)
        lose(db, sql, remove, people, loss)
        for old, new in zip(before, splits(db), strict=True):
            assert new.items() <= old.items()
    label = sql("SELECT min(image_id) AS image FROM split_anchors")[0].image
    if label is not None and sql("SELECT 1 FROM images WHERE id = :i", i=label):
        before = splits(db)
        db.store_label(label, technician, 0.5)  # an image that had lost its labels
        for old, new in zip(before, splits(db), strict=True):
            assert old.items() <= new.items()


def test_an_image_that_lost_its_labels_comes_back_to_its_split(db, images_of, technician, remove):
    ids = images_of(60)
    for n, image in enumerate(ids):
        db.store_label(image, technician, n / 60)
    before = where(db.get_training_data())
    remove(removal.delete_labels, labels.c.image_id.in_(ids[::2]))
    assert where(db.get_training_data()) == {i: before[i] for i in ids[1::2]}
    assert db.get_training_data().report.labelled_images == 30
    db.store_labels(image_id=ids[::2], label=0.99, technician_id=technician)
    assert where(db.get_training_data()) == before


def test_images_tied_by_a_removed_one_stay_where_it_put_them(
    db, images_of, technician, sql, remove
):
    threes = [images_of(3) for _ in range(30)]
    for n, (oldest, one, other) in enumerate(threes):
        for image in (oldest, one, other):
            db.store_label(image, technician, n / 30)
        link(sql, one, oldest)
        link(sql, other, oldest)
    before = where(db.get_training_data())
    remove(removal.delete_images, [oldest for oldest, *_ in threes])
    after = where(db.get_training_data())
    assert after == {i: before[i] for _, *rest in threes for i in rest}
    assert all(after[one] == after[other] for _, one, other in threes)
    assert db.get_training_data().report.near_duplicate_links == 30


def test_the_last_specimen_of_a_removed_image_counts(db, images_of, technician, remove):
    homes = [images_of(2, f"S{n}") for n in range(30)]
    movers = images_of(30)
    for image in movers + [i for home in homes for i in home]:
        db.store_label(image, technician, 0.5)
    for n, mover in enumerate(movers):
        remove(removal.delete_labels, labels.c.image_id == mover)  # anchored without a specimen
        db.update_image(mover, specimen_id=f"S{29 - n}")
    before = where(db.get_training_data())
    remove(removal.delete_images, movers)
    assert where(db.get_training_data()) == before
