"""Candidates for near-duplicates: bounded work, however many images share a key."""

from __future__ import annotations

import pytest

from mlmcsc.domain.image_facts import Fingerprint, band_keys
from mlmcsc.store.models import image_fingerprints, images
from mlmcsc.store.queries import near_duplicates
from mlmcsc.store.queries.near_duplicates import CANDIDATES

COARSE = 12345
MANY = CANDIDATES + 300


def add_images(tx, count):
    ids = tx.dialect.reserve_ids(tx.conn, images, count).tolist()
    rows = [{"id": i, "path": f"/{i}", "filename": str(i), "timestamp": tx.now} for i in ids]
    tx.conn.execute(images.insert(), rows)
    return ids


def fine(number):
    """Far from those of other numbers."""
    return number.to_bytes(2) * 16


@pytest.fixture
def store(db):
    return db._database.store


@pytest.fixture
def alike(db, store):
    """More images with one key than are compared."""
    with store.write(db.actor) as tx:
        ids = add_images(tx, MANY)
        keys = dict(zip(("key0", "key1", "key2", "key3"), band_keys(COARSE), strict=True))
        tx.conn.execute(
            image_fingerprints.insert(),
            [{"image_id": i, "coarse": COARSE, "fine": fine(i), **keys} for i in ids],
        )
    return ids


def test_the_newest_images_of_a_key_are_compared_and_no_others(db, store, alike):
    oldest_compared, too_old = alike[-CANDIDATES], alike[-CANDIDATES - 1]
    with store.write(db.actor) as tx:
        first, second = add_images(tx, 2)
        near_duplicates.link(tx, {first: Fingerprint(COARSE, fine(oldest_compared))})
        assert near_duplicates.of(tx, first)[0] == (oldest_compared, 0)
        near_duplicates.link(tx, {second: Fingerprint(COARSE, fine(too_old))})
        assert too_old not in dict(near_duplicates.of(tx, second))


def test_what_is_fetched_does_not_grow_with_the_images_that_share_a_key(db, store, alike):
    assert len(alike) > CANDIDATES
    with store.read() as view:
        buckets = near_duplicates._newest(view, [band_keys(COARSE), band_keys(~COARSE)])
    for band, bucket in enumerate(buckets):
        assert set(bucket) == {band_keys(COARSE)[band]}
        ids = [image_id for image_id, _ in next(iter(bucket.values()))]
        assert ids == alike[-CANDIDATES:]


@pytest.mark.usefixtures("alike")
def test_an_index_finds_the_newest_of_a_key_without_sorting(db, store):
    on_sqlite = db._database.store.dialect.name == "sqlite"
    statement = near_duplicates._SQLITE if on_sqlite else near_duplicates._POSTGRESQL
    with store.write(db.actor) as tx:
        if not on_sqlite:
            tx.conn.exec_driver_sql("ANALYZE image_fingerprints")
            tx.conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # else: a small table
            tx.conn.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
        rows = tx.dialect.execute(tx.conn, explain + statement.format(band=2), ["[1]"])
    plan = "\n".join(str(row[-1]) for row in rows)
    assert "idx_image_fingerprints_key2" in plan
    assert "SCAN f" not in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan
    assert "Sort" not in plan


def test_images_of_one_batch_are_linked_to_each_other(db, store):
    with store.write(db.actor) as tx:
        first, second, other = add_images(tx, 3)
        prints = {first: fine(1), second: fine(1), other: fine(0xFFFF)}
        nearest = near_duplicates.link(tx, {i: Fingerprint(7, f) for i, f in prints.items()})
    assert nearest == {second: first}
