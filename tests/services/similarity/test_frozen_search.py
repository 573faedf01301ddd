"""As of a version: its images, with the vectors, specimens and labels frozen in it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import AmbiguousError, UnknownRecordError

pytestmark = pytest.mark.sqlite_tells

EAST = [1, 0, 0, 0]


def answer(result):
    return [(each.image_id, round(each.distance, 6), each.label) for each in result]


def search(db, **asked):
    return answer(db.features.search(EAST, 6, feature_type="cnn", data_version="v1", **asked))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, monkeypatch, tmp_path):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def frozen(db, gallery):
    db.versions.create("v1", train_split=0.5, val_split=0.25, test_split=0.25)
    return gallery


def test_later_vectors_labels_and_images_change_nothing(db, frozen, images_of, technician):
    before = search(db)
    assert [image for image, *_ in before] == frozen
    db.store_features(frozen[:2], "cnn", [[0, 0, 0, 1], [0, 0, 0, 2]], "v1")
    db.store_features(frozen[0], "cnn", [0, 0, 1, 1], "v1")  # twice: the first stays frozen
    (new,) = images_of(1)
    db.store_features(new, "cnn", EAST, "v1")
    db.store_label(frozen[0], technician, 0.9)

    assert search(db) == before
    assert db.features.search(EAST, 1, feature_type="cnn")[0].image_id == new
    assert search(db, where={"max_label": 0.15}) == before[:1]
    assert search(db, where={"specimen_id": "S2"}) == before[3:]
    assert db.features.search(EAST, 1, feature_type="cnn", data_version="v1").data_version == "v1"


def test_each_version_has_its_own_vectors(db, frozen):
    db.store_features(frozen[0], "cnn", [0, 0, 0, 1], "v1")
    db.versions.create("v2", train_split=0.5, val_split=0.25, test_split=0.25)
    db.store_features(frozen[0], "cnn", [0, 0, 1, 0], "v1")

    def first(version):
        near = db.features.similar(frozen[4], k=5, feature_type="cnn", data_version=version)
        return {each.image_id: each.distance for each in near}[frozen[0]]

    assert (first("v1"), first("v2")) == (1, 1)
    last = db.features.similar(frozen[4], k=1, feature_type="cnn")
    assert (last[0].image_id, last[0].distance) == (frozen[0], 0)
    own = db.features.similar(frozen[0], k=1, feature_type="cnn", data_version="v1")
    assert own[0].image_id == frozen[1]


def test_a_version_is_searched_when_no_vector_of_it_is_left(db, frozen, sql):
    before = search(db)
    db.store_features(frozen, "cnn", np.ones((6, 4), np.float32), "v1")
    sql("DELETE FROM features")
    sql("UPDATE feature_sets SET n_vectors = 0")

    assert search(db) == before


def test_a_set_that_the_version_does_not_hold_is_refused(db, frozen):
    db.store_features(frozen, "lbp", np.ones((6, 2), np.float32), "v1")
    with pytest.raises(UnknownRecordError, match=r"holds no 'lbp' features\. It holds: cnn v1"):
        db.features.search([1, 1], 1, feature_type="lbp", data_version="v1")


def test_without_a_type_the_sets_of_the_version_count(db, frozen):
    db.store_features(frozen, "lbp", np.ones((6, 4), np.float32), "v1")
    with pytest.raises(AmbiguousError, match="cnn v1, lbp v1"):
        db.features.search(EAST, 6)
    assert answer(db.features.search(EAST, 6, data_version="v1")) == search(db)


def test_of_several_extractors_one_is_named(db, frozen):
    db.store_features(frozen, "cnn", np.ones((6, 4), np.float32), "v2")
    db.versions.create("v2", train_split=0.5, val_split=0.25, test_split=0.25)
    with pytest.raises(AmbiguousError, match="'v1', 'v2'"):
        db.features.search(EAST, 1, feature_type="cnn", data_version="v2")


def test_a_version_is_opened_once(db, frozen):
    search(db)
    _, _, table = db.similarity.open_version("v1")
    search(db)
    assert db.similarity.open_version("v1")[2] is table
    (table.folder / "labels.f64").write_bytes(b"")  # caches were emptied
    assert [label for *_, label in search(db)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_what_is_of_today_is_no_part_of_the_version(db, frozen, images_of):
    (new,) = images_of(1, "S3", quality_score=0.5)
    db.store_features(new, "cnn", EAST, "v1")

    today = {"specimen_id": "S3", "min_quality": 0.4, "since": datetime(2020, 1, 1, tzinfo=UTC)}
    assert db.features.search(EAST, 2, feature_type="cnn", where=today)[0].image_id == new
    assert search(db, where={"min_quality": 0.4}) == []
    report = db.similarity.duplicates(feature_type="cnn", max_distance=0)
    assert [[i.image_id for i in group.images] for group in report.groups] == [[frozen[0], new]]
    with pytest.raises(UnknownRecordError, match=r"in data version 'v1'\."):
        db.features.similar(new, k=1, feature_type="cnn", data_version="v1")


def test_another_process_sees_the_same(db, frozen):
    before = search(db)
    db.store_features(frozen[0], "cnn", [0, 0, 0, 1], "v1")
    url = db._database.store.engine.url.render_as_string(hide_password=False)
    with DatabaseManager(url) as other:
        assert search(other) == before
