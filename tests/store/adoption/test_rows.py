"""What becomes of each row of an original database."""

import os
import pickle

import numpy as np
import pytest
import sqlcipher3.dbapi2 as sqlite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc import DatabaseManager
from mlmcsc.config import Config

ONE_IMAGE = {"images": [{}]}
PARENTS = {"images": [{}], "technicians": [{}], "model_versions": [{}]}


class Exploding:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def account(report, table):
    return next(a for a in report.tables if a.table == table)


def reasons(report):
    return {(row.table, row.id): row.reason for row in report.rejected}


def test_rows_that_break_a_rule_are_left_behind_with_the_reason(write_original, adopt):
    labels = [{}, {"difficulty_rating": 9}, {"time_spent": -1.0}, {"original_confidence": 1.5}]
    predictions = [{}, {"confidence": 7.5}, {"confidence": float("inf")}, {"prediction": -0.1}]
    report = adopt(write_original(**PARENTS, labels=labels, predictions=predictions))
    assert report.balanced
    assert account(report, "labels").adopted == 1
    assert reasons(report) == {
        ("labels", 2): "difficulty_rating=9: the rule is difficulty_rating >= 1 AND "
        "difficulty_rating <= 5",
        ("labels", 3): "time_spent=-1.0: the rule is time_spent >= 0 AND time_spent <= 1e308",
        ("labels", 4): "original_confidence=1.5: the rule is original_confidence >= 0 AND "
        "original_confidence <= 1",
        ("predictions", 2): "confidence=7.5: the rule is confidence >= 0 AND confidence <= 1",
        ("predictions", 3): "confidence=inf: not finite",
        ("predictions", 4): "prediction=-0.1: the rule is 0 to 1",
    }


def test_children_of_a_rejected_row_and_dangling_rows_are_left_behind(
    write_original, adopt, pickled
):
    report = adopt(
        write_original(
            images=[{}, {"quality_score": 3.0, "specimen_id": "S9"}],
            technicians=[{}],
            model_versions=[{}],
            labels=[{}, {"image_id": 2}, {"technician_id": 7}],
            features=[{"image_id": 2, "feature_vector": pickled([1.0])}],
        )
    )
    assert report.balanced
    found = reasons(report)
    assert found["images", 2].startswith("quality_score=3.0")
    assert found["labels", 2] == "image_id=2: no such row in images (dangling or rejected)"
    assert (
        found["labels", 3] == "technician_id=7: no such row in technicians (dangling or rejected)"
    )
    assert found["features", 1] == "image_id=2: no such row in images (dangling or rejected)"


def test_a_specimen_is_made_once_and_only_for_adopted_images(write_original, adopt, rows_of):
    images = [
        {"specimen_id": "S1"},
        {"specimen_id": "S1"},
        {"specimen_id": "S2", "width": -3},
        {"specimen_id": "  "},
        {},
    ]
    path = write_original(images=images)
    report = adopt(path)
    assert rows_of(path, "SELECT specimen_id FROM specimens") == [("S1",)]
    assert rows_of(path, "SELECT specimen_id FROM images ORDER BY id") == [
        ("S1",),
        ("S1",),
        (None,),
        (None,),
    ]
    assert "images.specimen_id was blank and became NULL: 1 rows" in report.notes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"timestamp": "yesterday"}, "timestamp is not a date and time"),
        ({"timestamp": "0001-01-01 00:00:00", "id": 3}, "timestamp is not a date and time"),
        ({"acquisition_settings": '{"a": NaN}'}, "acquisition_settings is not JSON"),
        ({"filename": b"\xff\xfe"}, "filename is bytes"),
        ({"width": "wide"}, "width is text"),
        ({"magnification": "big"}, "magnification is text"),
        ({"is_valid": 7}, "is_valid is 7"),
        ({"id": -4}, "id=-4"),
        ({"id": 2**62}, "id=4611686018427387904"),
    ],
)
def test_values_that_cannot_be_read_are_named(write_original, adopt, row, reason):
    # Far east: midnight of the year 1 there lies before the calendar.
    east = {"timestamp": "2025-08-03 07:00:00.250000"}
    report = adopt(write_original(images=[{"id": 1} | east, {"id": 2} | east | row]))
    assert account(report, "images").adopted == 1
    assert next(iter(reasons(report).values())).startswith(reason)


def test_text_that_is_not_utf8_is_left_behind(write_original, adopt, rows_of):
    path = write_original(images=[{}, {}])
    connection = sqlite.connect(str(path))
    connection.execute("UPDATE images SET format = CAST(x'6aff' AS TEXT) WHERE id = 2")
    connection.commit()
    connection.close()
    assert reasons(adopt(path)) == {("images", 2): "format is not valid UTF-8"}


def test_nulls_take_the_originals_own_defaults(write_original, adopt):
    path = write_original(**PARENTS, labels=[{"label_type": None, "is_verified": None}])
    report = adopt(path)
    assert "labels.label_type was NULL and became 'manual': 1 rows" in report.notes
    with DatabaseManager(f"sqlite:///{path}") as manager:
        (label,) = manager.get_labels(1).items
        assert (label.label_type, label.is_verified) == ("manual", False)
        assert manager.get_image(1).is_valid is True


# Label range


def test_labels_in_percent_make_a_database_in_percent(write_original, adopt):
    labels = [{"label": 95.0}, {"label": 0.5}, {"label": 250.0}]
    report = adopt(write_original(**PARENTS, labels=labels))
    assert report.label_range == (0, 100)
    assert any("1 of 3 labels" in note for note in report.notes)
    assert reasons(report) == {("labels", 3): "label=250.0: the rule is 0 to 100"}


def test_the_range_asked_for_counts_more_than_the_values(write_original, adopt):
    path = write_original(**PARENTS, labels=[{"label": 0.5}, {"label": 7.5}])
    report = adopt(path, label_range=(0, 1))
    assert report.label_range == (0, 1)
    assert reasons(report) == {("labels", 2): "label=7.5: the rule is 0 to 1"}


def test_fractions_are_not_read_as_percent_because_the_configuration_says_so(write_original, adopt):
    config = Config.model_validate({"quality": {"label_range": [0, 100]}})
    assert adopt(write_original("a.db", **PARENTS, labels=[{}]), config=config).label_range == (
        0,
        1,
    )
    assert adopt(write_original("b.db"), config=config).label_range == (0, 100)


# Models, technicians, ids


def test_an_original_model_1_takes_the_place_of_the_seeded_one(write_original, adopt, rows_of):
    path = write_original(model_versions=[{"id": 1, "version": "demo"}])
    adopt(path)
    assert rows_of(path, "SELECT id, version FROM model_versions") == [(1, "demo")]


def test_predictions_of_the_model_that_was_never_registered_are_kept(
    write_original, adopt, rows_of
):
    path = write_original(images=[{}], predictions=[{}], model_versions=[{"id": 4}])
    report = adopt(path)
    assert account(report, "predictions").adopted == 1
    assert any("never registered" in note for note in report.notes)
    assert rows_of(path, "SELECT id, version FROM model_versions") == [
        (1, "unversioned"),
        (4, "v4"),
    ]


def test_an_original_model_called_unversioned_keeps_its_id(write_original, adopt, rows_of):
    path = write_original(model_versions=[{"id": 3, "version": "unversioned"}])
    assert adopt(path).rejected == ()
    assert rows_of(path, "SELECT id, version FROM model_versions") == [(3, "unversioned")]


def test_of_several_active_models_the_newest_stays_active(write_original, adopt):
    models = [
        {"is_active": 1, "created_at": "2025-08-05 02:00:00"},
        {"is_active": 1, "created_at": "2025-08-04 02:00:00"},
        {"is_active": 0, "created_at": "2025-08-06 02:00:00"},
    ]
    path = write_original(model_versions=models)
    report = adopt(path)
    assert "model_versions: 2 were active; 1, the newest, still is, 2 no longer" in report.notes
    with DatabaseManager(f"sqlite:///{path}") as manager:
        assert manager.get_active_model().id == 1


def test_a_label_count_that_does_not_match_is_kept_and_reported(write_original, adopt, rows_of):
    path = write_original(images=[{}], technicians=[{"total_labels": 5}], labels=[{}])
    report = adopt(path)
    assert any("technician 1: 5, has 1" in note for note in report.notes)
    assert rows_of(path, "SELECT total_labels FROM technicians") == [(5,)]


def test_new_ids_begin_beyond_every_id_that_ever_was(write_original, adopt, draw):
    path = write_original(
        images=[{"id": 4}, {"id": 9, "width": -1}],
        technicians=[{}],
        labels=[{"image_id": 4, "id": 3}],
        audit_logs=[
            {"record_id": 41},
            {"record_id": 2**63 - 1},
            {"record_id": 50, "table_name": "x"},
        ],
    )
    adopt(path)
    with DatabaseManager(f"sqlite:///{path}") as manager:
        assert manager.store_image(draw("new.png")) == 10
        assert manager.store_label(4, 1, 0.5) == 42


# Features


def test_the_newest_readable_vector_of_each_kind_is_current(
    write_original, adopt, pickled, rows_of
):
    features = [
        {"feature_vector": pickled([1.0, 2.0]), "extraction_timestamp": "2025-08-05 02:00:00"},
        {"feature_vector": pickled([3.0, 4.0]), "extraction_timestamp": "2025-08-04 02:00:00"},
        {"feature_vector": b"junk", "extraction_timestamp": "2025-08-06 02:00:00"},
        {"feature_vector": pickled([5.0, 6.0]), "extractor_version": "r2"},
        {"feature_vector": pickled([7.0, 8.0]), "image_id": 2},
        {"feature_vector": None, "image_id": 2},
        {"feature_vector": pickled([9.0, 9.0]), "extraction_time": -2.0, "image_id": 2},
        {"feature_vector": pickled([1.0, 1.0, 1.0]), "image_id": 3},
    ]
    path = write_original(images=[{}, {}, {}], features=features)
    report = adopt(path)
    assert [row.id for row in report.superseded] == [2]
    assert {row.id: row.reason.split(".")[0] for row in report.rejected} == {
        3: "the pickle is cut short or malformed",
        6: "the vector is NoneType, not bytes",
        7: "extraction_time=-2",
        8: "it has 3 numbers; most of cnn r1 have 2",
    }
    assert rows_of(path, "SELECT id FROM features ORDER BY id") == [(1,), (4,), (5,)]
    query = (
        "SELECT extractor_version, feature_dimension, n_vectors, json_array_length(tokens) "
        "FROM feature_sets"
    )
    assert sorted(rows_of(path, query)) == [("r1", 2, 2, 1), ("r2", 2, 1, 1)]


def test_a_set_of_mixed_precision_keeps_every_value_exactly(write_original, adopt, pickled):
    path = write_original(
        images=[{}, {}],
        features=[
            {"feature_vector": pickled([0.1, 0.2], "f4")},
            {"feature_vector": pickled([0.1, 0.2], ">f8"), "image_id": 2},
        ],
    )
    adopt(path)
    with DatabaseManager(f"sqlite:///{path}") as manager:
        single, double = (record.vector for record in manager.get_features().items)
        assert single.dtype == double.dtype == np.dtype("<f8")
        assert single.tolist() == np.array([0.1, 0.2], "f4").tolist()
        assert double.tolist() == [0.1, 0.2]


def test_single_precision_stays_single(write_original, adopt, pickled):
    path = write_original(images=[{}], features=[{"feature_vector": pickled([0.1], "<f4")}])
    adopt(path)
    with DatabaseManager(f"sqlite:///{path}") as manager:
        assert manager.get_features(1).items[0].dtype == "float32"


def test_a_hostile_vector_is_left_behind_and_never_runs(write_original, adopt, tmp_path, pickled):
    canary = tmp_path / "canary"
    path = write_original(
        images=[{}, {}],
        features=[
            {"feature_vector": pickle.dumps(Exploding(canary))},
            {"feature_vector": pickled([1.0]), "image_id": 2},
        ],
    )
    report = adopt(path)
    assert not canary.exists()
    assert account(report, "features").adopted == 1
    assert "posix.system" in reasons(report)["features", 1]


def test_many_vectors_come_out_in_order(write_original, adopt, pickled):
    matrix = np.random.default_rng(1).random((1000, 64))
    path = write_original(
        images=[{} for _ in matrix],
        features=[
            {"image_id": i, "feature_vector": pickled(row, protocol=2 + i % 4)}
            for i, row in enumerate(matrix, 1)
        ],
    )
    adopt(path)
    with DatabaseManager(f"sqlite:///{path}") as manager:
        found = manager.get_features_for_training(list(range(1, 1001)), "cnn")
    assert (found == matrix.astype("f4")).all()


values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "difficulty_rating": values,
                "label_type": values,
                "annotation_data": values,
                "notes": values,
                "time_spent": values,
                "verification_timestamp": values,
                "is_verified": values,
            },
        ),
        max_size=6,
    )
)
def test_whatever_is_in_the_rows_they_are_accounted_for_and_readable(write_original, adopt, labels):
    path = write_original("fuzz.db", **PARENTS, labels=labels)
    try:
        report = adopt(path)
        assert report.balanced
        assert account(report, "labels").found == len(labels)
        with DatabaseManager(f"sqlite:///{path}") as manager:
            assert len(manager.get_labels(1).items) == account(report, "labels").adopted
    finally:
        path.unlink()
