"""Many at once: nothing lost, nobody told "locked", readers see whole states."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlmcsc import DatabaseManager

LABEL = """
import sys
from mlmcsc import DatabaseManager
url, name, image, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with DatabaseManager(url) as db:
    who = db.register_technician(name, name)
    for i in range(n):
        if i % 5 == 4:
            three = {"image_id": [image] * 3, "label": [0.1, 0.2, 0.3]}
            ids = db.store_labels(three, technician_id=who).ids
            print(*ids.tolist())
        else:
            print(db.store_label(image, who, 0.5))
"""


@pytest.fixture
def image(sql):
    sql("INSERT INTO images (path, filename, timestamp) VALUES ('/a', 'a', '2026-01-01 00:00:00')")
    return 1


def test_eight_threads_label_at_once_and_lose_nothing(db, image):
    who = db.register_technician("t1", "Jo")

    def work(number):
        single = [db.store_label(image, who, number / 8) for _ in range(10)]
        ids = [image] * 5
        many = db.store_labels(image_id=ids, label=[0.5] * 5, technician_id=who).ids.tolist()
        return single + many

    with ThreadPoolExecutor(8) as pool:
        ids = [key for keys in pool.map(work, range(8)) for key in keys]
    assert len(set(ids)) == 8 * 15
    assert [x.id for x in db.get_labels(limit=1000)] == sorted(ids)
    assert db.technicians.get(who).total_labels == 8 * 15


def test_four_processes_label_at_once_and_lose_nothing(db, url, image, spawn, sql):
    processes = [spawn(LABEL, url, f"t{i}", image, 20) for i in range(4)]
    acknowledged = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        acknowledged += [int(word) for word in out.split()]
    assert len(set(acknowledged)) == 4 * (16 + 4 * 3)
    assert [x.id for x in db.get_labels(limit=1000)] == sorted(acknowledged)
    assert sum(t.total_labels for t in db.technicians.list()) == len(acknowledged)
    (events,) = sql("SELECT sum(n_rows) FROM audit_logs WHERE table_name = 'labels'")
    assert events[0] == len(acknowledged)


def test_a_reader_sees_labels_and_their_count_of_the_same_moment(db, url, image):
    who = db.register_technician("t1", "Jo")
    stop = threading.Event()
    seen = set()

    def read():
        with DatabaseManager(url) as reader:
            while not stop.is_set():
                with reader._database.store.read() as view:
                    count = "SELECT count(*) FROM labels"
                    total = "SELECT total_labels FROM technicians"
                    first = view.conn.exec_driver_sql(count).scalar()
                    told = view.conn.exec_driver_sql(total).scalar()
                    again = view.conn.exec_driver_sql(count).scalar()
                    seen.add((first == told == again, first))

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(40):
                db.store_labels(image_id=[image] * 7, label=[0.5] * 7, technician_id=who)
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    assert {consistent for consistent, _ in seen} == {True}
    assert all(count % 7 == 0 for _, count in seen)
    assert len(seen) > 1


def test_the_same_registrations_at_once_give_one_id(db, url):
    managers = [DatabaseManager(url) for _ in range(4)]
    try:
        with ThreadPoolExecutor(8) as pool:
            people = pool.map(lambda i: managers[i % 4].register_technician("t1", "Jo"), range(24))
            specimens = pool.map(
                lambda i: managers[i % 4].register_specimen("S", heat="H"), range(24)
            )
            models = pool.map(
                lambda i: managers[i % 4].register_model_version("v1", "net", "/m"), range(24)
            )
            assert len(set(people)) == len(set(specimens)) == len(set(models)) == 1
            list(pool.map(lambda i: managers[i % 4].set_active_model(1 + i % 2), range(24)))
    finally:
        for manager in managers:
            manager.close()
    assert db.get_active_model() is not None


def test_the_same_files_stored_at_once_are_one_image_each(db, url, draw):
    paths = [draw(f"{i}.png", seed=i) for i in range(6)]
    managers = [DatabaseManager(url) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(lambda m: m.ingest(paths, workers=1).image_ids, managers))
            singles = list(pool.map(lambda m: m.store_image(paths[0], specimen_id="S"), managers))
    finally:
        for manager in managers:
            manager.close()
    assert len(set(runs)) == 1
    assert len(set(singles)) == 1
    assert len(db.get_images()) == 6


def test_vectors_written_at_once_are_all_there_and_counted(db, url, sql):
    for i in range(8):
        sql(
            "INSERT INTO images (path, filename, timestamp) "
            "VALUES (:p, 'a', '2026-01-01 00:00:00')",
            p=f"/{i}",
        )
    rows = [
        {"image_id": i, "feature_type": t, "extractor_version": "v1", "feature_vector": [float(i)]}
        for i in range(1, 9)
        for t in ("cnn", "lbp")
    ]

    def write(number):
        db.store_features(rows if number % 2 else rows[::-1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    assert [s.n_vectors for s in db.features.sets()] == [8, 8]
    found = db.get_features_for_training(range(1, 9), "lbp")
    assert found[:, 0].tolist() == [float(i) for i in range(1, 9)]
