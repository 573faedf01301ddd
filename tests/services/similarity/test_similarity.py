"""Searching by feature vector: exact, narrowed, fresh, as of a version."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import (
    AmbiguousError,
    UnknownKeywordError,
    UnknownRecordError,
    UnsupportedError,
    ValidationError,
)

EAST = [1, 0, 0, 0]
REFUSED = [
    ([1, 0, 0], {}, ValidationError, "4 numbers each"),
    ([1, 0, 0, np.nan], {}, ValidationError, "not finite"),
    ([0, 0, 0, 0], {}, ValidationError, "no direction"),
    (EAST, {"k": 0}, ValidationError, "k=0: must be from 1 to 6"),
    (EAST, {"k": 7}, ValidationError, "k=7: must be from 1 to 6"),
    ([EAST], {}, ValidationError, "search_many"),
    (EAST, {"metric": "hamming"}, ValidationError, "cosine, l2, dot"),
    (EAST, {"feature_type": "sift"}, UnknownRecordError, "Stored: cnn v1"),
    (EAST, {"where": {"specimen": "S1"}}, UnknownKeywordError, "specimen_id"),
    (EAST, {"where": {"min_label": "x"}}, ValidationError, "min_label"),
    (EAST, {"where": {"labelled": True}, "approximate": True}, ValidationError, "Leave it out"),
    (EAST, {"where": 5}, ValidationError, "where=5"),
    (EAST, {"approximate": 1}, ValidationError, "approximate=1"),
    (EAST, {"versoin": "v1"}, UnknownKeywordError, "versoin: not known here"),
    (EAST, {"data_version": "v9"}, UnknownRecordError, "v9.*does not exist"),
]


def found(result):
    return [each.image_id for each in result]


def test_the_nearest_come_first_with_what_is_known_of_them(db, gallery):
    result = db.features.search(EAST, 3, feature_type="cnn")

    assert found(result) == gallery[:3]
    assert [each.distance for each in result] == pytest.approx([0, 1 - 9 / 82**0.5, 1 - 0.5**0.5])
    assert (result[0].path, result[0].specimen_id, result[0].label) == ("/lab/0.png", "S1", 0.1)
    assert (result.exact, result.recall, result.searched) == (True, None, 6)


def test_many_vectors_are_answered_in_their_order(db, gallery):
    results = db.similarity.search_many([[0, 0, 1, 0], EAST], 1, feature_type="cnn")

    assert [found(each) for each in results] == [[gallery[4]], [gallery[0]]]


def test_another_metric_gives_another_order(db, gallery):
    by_length = db.features.search(EAST, 2, feature_type="cnn", metric="dot")
    by_place = db.features.search(EAST, 2, feature_type="cnn", metric="l2")

    assert found(by_length) == [gallery[1], gallery[0]]
    assert found(by_place) == [gallery[0], gallery[2]]


def test_an_image_is_not_its_own_neighbour(db, gallery):
    assert found(db.features.similar(gallery[0], k=2)) == gallery[1:3]
    assert found(db.features.similar("/lab/0.png", k=2)) == gallery[1:3]
    assert len(db.features.similar(gallery[0], k=5)) == 5


def test_a_filter_narrows_before_the_search(db, gallery):
    for where, places in (
        ({"specimen_id": "S2"}, [3, 4, 5]),
        ({"min_label": 0.3, "max_label": 0.4}, [2, 3]),
        ({"min_label": 0.3, "specimen_id": "S1"}, [2]),
        ({"labelled": False}, []),
        ({"image_ids": [gallery[4], gallery[0]]}, [0, 4]),
    ):
        result = db.features.search(EAST, 5, feature_type="cnn", where=where)

        assert found(result) == [gallery[at] for at in places]
        assert result.searched == len(places)


def test_the_label_of_a_filter_is_the_one_stored_last(db, gallery, technician):
    db.store_label(gallery[5], technician, 0.31)

    near = db.features.search(EAST, 6, feature_type="cnn", where={"max_label": 0.35})

    assert found(near) == [*gallery[:3], gallery[5]]


def test_new_replaced_and_removed_vectors_are_seen_at_once(db, gallery, images_of, sql):
    assert found(db.features.search(EAST, 1, feature_type="cnn")) == gallery[:1]
    (new,) = images_of(1)
    db.store_features(new, "cnn", [1, 0.01, 0, 0], "v1")
    db.store_features(gallery[0], "cnn", [0, 0, 0, 1], "v1")

    result = db.features.search(EAST, 2, feature_type="cnn")

    assert found(result) == [new, gallery[1]]
    assert result.searched == 7


def test_a_zero_vector_has_no_cosine_and_is_told(db, gallery):
    db.store_features(gallery[0], "cnn", [0, 0, 0, 0], "v1")

    result = db.features.search(EAST, 6, feature_type="cnn")

    assert found(result) == gallery[1:]
    assert (result.searched, result.no_direction) == (5, 1)


def test_the_same_vectors_in_memory_and_in_a_file_give_the_same(gallery, db):
    every = db.features.search(EAST, 6, feature_type="cnn")
    with DatabaseManager("sqlite://", label_range=(0, 1)) as memory:
        table = memory._database.store
        with table._writer.begin() as conn:
            for at in range(6):
                conn.exec_driver_sql(
                    "INSERT INTO images (path, filename, timestamp) VALUES (?, 'x', '2026-01-01')",
                    (f"/lab/{at}.png",),
                )
        vectors = [each.vector for each in db.features.list()]
        memory.store_features(list(range(1, 7)), "cnn", vectors, "v1")
        again = memory.features.search(EAST, 6, feature_type="cnn")
        with pytest.raises(UnsupportedError, match="in memory"):
            memory.features.search(EAST, 2, feature_type="cnn", approximate=True)

    assert [each.path for each in again] == [each.path for each in every]
    assert [each.distance for each in again] == [each.distance for each in every]


def test_what_cannot_be_searched_is_refused(refuses, db, gallery):
    for vector, asked, error, message in REFUSED:
        given = {"k": 2, "feature_type": "cnn", **asked}
        refuses(error, message, db.features.search, vector, **given)


def test_several_types_and_extractors_must_be_told_apart(db, gallery):
    db.store_features(gallery, "cnn", np.eye(6, dtype=np.float32), "v2")
    with pytest.raises(AmbiguousError, match="extractor_version="):
        db.features.similar(gallery[0], k=1)
    assert found(db.features.similar(gallery[0], k=1, extractor_version="v1")) == [gallery[1]]

    db.store_features(gallery, "lbp", np.eye(6, dtype=np.float32), "v1")
    with pytest.raises(ValidationError, match="cnn, lbp"):
        db.features.similar(gallery[0], k=1)


def test_without_a_type_the_only_set_of_so_many_numbers_is_searched(refuses, db, gallery):
    db.store_features(gallery, "lbp", np.eye(6, dtype=np.float32), "v1")
    search = db.features.search

    result = search(EAST, k=3, where={"specimen_id": "S1"})
    assert (found(result), result.feature_type) == (gallery[:3], "cnn")
    many = db.similarity.search_many(np.eye(6)[:2], 1)
    assert [(found(each), each.feature_type) for each in many] == [
        ([gallery[0]], "lbp"),
        ([gallery[1]], "lbp"),
    ]
    refuses(ValidationError, r"There are: 4 \(cnn v1\), 6 \(lbp v1\)", search, [1, 0, 0], 1)

    db.store_features(gallery[::-1], "cnn", np.eye(6, 4, dtype=np.float32), "v2")
    refuses(AmbiguousError, "4 numbers: cnn v1, cnn v2", search, EAST, 1)
    assert found(search(EAST, 1, extractor_version="v2")) == [gallery[5]]
    refuses(ValidationError, "by extractor 'v9'", search, EAST, 1, extractor_version="v9")


def test_an_image_without_a_vector_and_a_path_of_none_are_refused(db, gallery, images_of):
    (bare,) = images_of(1)
    with pytest.raises(UnknownRecordError, match=f"image {bare} has no cnn v1 vector"):
        db.features.similar(bare, k=1)
    with pytest.raises(UnknownRecordError, match="is not a stored image"):
        db.features.similar("/lab/nowhere.png", k=1)


def test_the_index_finds_what_is_near_and_says_how_well(db, gallery, images_of):
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")
    rng = np.random.default_rng(0)
    more = images_of(500)
    vectors = rng.standard_normal((500, 4)).astype(np.float32)
    db.store_features(more, "cnn", vectors, "v1")

    result = db.features.search(EAST, 5, feature_type="cnn", approximate=True)
    exact = db.features.search(EAST, 5, feature_type="cnn")

    assert not result.exact
    assert result.recall > 0.8
    assert set(found(result)) & set(found(exact))
    # The index grows; replaced rows in it are not given.
    db.store_features(gallery[0], "cnn", [0, 0, 0, 1], "v1")
    db.store_features(more[0], "cnn", [5, 0, 0, 0], "v1")
    again = db.features.search(EAST, 5, feature_type="cnn", approximate=True)
    assert again[0].image_id == more[0]
    assert gallery[0] not in found(again)
    assert more[0] not in found(db.features.similar(more[0], k=3, approximate=True))


@pytest.mark.parametrize("count", [26, 1500])
def test_equally_near_images_of_the_index_come_by_their_ids(db, images_of, count):
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")
    images = images_of(count)
    db.store_features(images, "cnn", np.ones((count, 4), np.float32), "v1")
    result = db.features.search(EAST, 5, feature_type="cnn", approximate=True)
    assert found(result) == images[:5]


def test_erasing_purges_the_index_with_the_caches(db, gallery):
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")
    db.features.search(EAST, 2, feature_type="cnn", approximate=True)
    caches = db._database.images.thumbnails.parent
    assert list(caches.rglob("*.usearch"))

    db.delete_user_data("tech_001")

    assert not list(caches.rglob("*.usearch"))
    assert not list(caches.rglob("norms.f64"))
