"""Bulk calls: every shape of data, all or nothing, one event that commits to every row."""

from __future__ import annotations

import hashlib
import json
from collections import namedtuple
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.errors import RejectedRowsError, UnknownKeywordError, ValidationError
from mlmcsc.store.models import metadata

AT = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
Row = namedtuple("Row", "image_id technician_id label")  # noqa: PYI024  # users have these


@pytest.fixture
def lab(db, images_of, technician):
    return SimpleNamespace(images=images_of(4), technician=technician, labels=[0.1, 0.2, 0.3, 0.4])


def shapes(lab):
    rows = [
        {"image_id": i, "technician_id": lab.technician, "label": v}
        for i, v in zip(lab.images, lab.labels, strict=True)
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    kinds = [("image_id", "i8"), ("technician_id", "i8"), ("label", "f8")]
    return {
        "rows": rows,
        "a generator": (row for row in rows),
        "named tuples": [Row(**row) for row in rows],
        "columns of lists": columns,
        "columns of arrays": {name: np.asarray(values) for name, values in columns.items()},
        "a structured array": np.array([tuple(r.values()) for r in rows], dtype=kinds),
        "a DataFrame": pd.DataFrame(columns),
        "an Arrow table": pa.table(columns),
    }


def stored(db):
    return [(x.image_id, x.technician_id, x.label) for x in db.get_labels(limit=1000)]


def test_every_shape_of_data_means_the_same(db, lab):
    wanted = [(i, lab.technician, v) for i, v in zip(lab.images, lab.labels, strict=True)]
    for shape, data in shapes(lab).items():
        before = len(stored(db))
        result = db.store_labels(data)
        assert (result.stored, result.rejected) == (4, ()), shape
        assert stored(db)[before:] == wanted, shape
        assert [db.labels.get(i).label for i in result.ids.tolist()] == lab.labels, shape


def test_values_beside_the_data_stand_for_every_row_or_row_by_row(db, lab):
    for ids, values in [
        (lab.images, lab.labels),
        (tuple(lab.images), tuple(lab.labels)),
        (np.array(lab.images), np.array(lab.labels)),
        (pd.Series(lab.images), pd.Series(lab.labels)),
    ]:
        result = db.store_labels(image_id=ids, technician_id=lab.technician, label=values)
        assert result.stored == 4
    table = pd.DataFrame({"image_id": lab.images, "label": lab.labels})
    assert db.store_labels(table, technician_id=lab.technician).stored == 4
    assert len(stored(db)) == 20


def test_a_list_for_a_box_is_one_box_for_every_row(db, lab):
    boxes = db.store_predictions(
        image_id=lab.images,
        model_version_id=1,
        prediction=lab.labels,
        confidence=0.5,
        detection_bbox=[0, 0, 10, 20],
        raw_output={"z": 1, "a": [2]},
    )
    assert boxes.stored == 4
    assert {tuple(p.detection_bbox) for p in db.get_predictions()} == {(0, 0, 10, 20)}


def test_records_can_be_stored_again_elsewhere(db, lab):
    db.store_labels(shapes(lab)["rows"])
    rows = [
        {k: v for k, v in x.to_dict().items() if k not in {"id", "revision"}}
        for x in db.get_labels()
    ]
    assert db.store_labels(rows).stored == 4


def test_gaps_of_a_dataframe_are_gaps_not_numbers(db, lab):
    table = pd.DataFrame(
        {
            "image_id": lab.images,
            "technician_id": lab.technician,
            "label": lab.labels,
            "time_spent": [1.5, np.nan, np.nan, 2.5],
            "notes": ["a", None, np.nan, "d"],
            "difficulty_rating": pd.array([1, None, 3, None], dtype="Int64"),
            "timestamp": pd.to_datetime([AT, None, AT, None], utc=True),
        }
    )
    assert db.store_labels(table).stored == 4
    found = list(db.get_labels())
    assert [x.time_spent for x in found] == [1.5, None, None, 2.5]
    assert [x.notes for x in found] == ["a", None, None, "d"]
    assert [x.difficulty_rating for x in found] == [1, None, 3, None]
    assert found[0].timestamp == found[2].timestamp == AT
    assert found[1].timestamp > AT


def test_a_pandas_time_is_a_time(db, lab):
    key = db.store_label(lab.images[0], lab.technician, 0.5, timestamp=pd.Timestamp(AT))
    assert db.labels.get(key).timestamp == AT


def test_gaps_of_an_arrow_table_are_gaps(db, lab):
    table = pa.table(
        {
            "image_id": lab.images,
            "technician_id": [lab.technician] * 4,
            "label": lab.labels,
            "difficulty_rating": pa.array([1, None, 3, None]),
            "annotation_data": pa.array([{"a": 1}, None, {"a": 2}, None]),
        }
    )
    assert db.store_labels(table).stored == 4
    assert [x.difficulty_rating for x in db.get_labels()] == [1, None, 3, None]
    assert [x.annotation_data for x in db.get_labels()] == [{"a": 1}, None, {"a": 2}, None]


def test_one_wrong_row_refuses_all_and_is_named(db, lab, nothing_written):
    rows = shapes(lab)["rows"]
    rows[1] |= {"label": 7.5}
    rows[3] |= {"image_id": 999_999}
    with (
        nothing_written(),
        pytest.raises(RejectedRowsError, match=r"2 of 4 rows.*row 1.*row 3") as e,
    ):
        db.store_labels(rows)
    assert [index for index, _ in e.value.rejected] == [1, 3]


def test_collect_stores_the_good_rows_and_returns_the_others_with_reasons(db, lab):
    rows = shapes(lab)["rows"]
    rows[1] |= {"label": float("nan")}
    rows[2] |= {"technician_id": 999}
    result = db.store_labels(rows, on_error="collect")
    assert result.stored == 2
    assert [r.where for r in result.rejected] == ["row 1", "row 2"]
    assert "label" in result.rejected[0].reason
    assert "technician_id=999" in result.rejected[1].reason
    assert db.technicians.get(lab.technician).total_labels == 2


def test_every_row_wrong_stores_nothing(db, lab, nothing_written):
    rows = [row | {"label": 9} for row in shapes(lab)["rows"]]
    with nothing_written():
        result = db.store_labels(rows, on_error="collect")
    assert (result.stored, len(result.rejected)) == (0, 4)


@pytest.mark.parametrize("empty", [[], {}, iter(()), {"image_id": []}])
def test_no_rows_are_no_work(db, nothing_written, empty):
    with nothing_written():
        result = db.store_labels(empty)
    assert (result.stored, result.ids.tolist(), result.rejected) == (0, [], ())
    assert result.to_dict()["first_id"] is None


def test_an_empty_table_is_no_work(db, nothing_written):
    with nothing_written():
        frame = pd.DataFrame({"image_id": [], "label": []})
        assert db.store_labels(frame, technician_id=1).stored == 0
        assert db.store_predictions([], model_version_id=1).stored == 0
        assert db.store_features([]).stored == 0


def test_what_is_no_bulk_data_is_refused(db, lab, refuses):
    wrong = ValidationError
    one = {"image_id": lab.images[0], "technician_id": lab.technician, "label": 0.5}
    refuses(wrong, "no column names", db.store_labels, np.zeros((2, 3)))
    refuses(wrong, "not bulk data", db.store_labels, "labels.csv")
    refuses(wrong, "not bulk data", db.store_labels, 5)
    refuses(wrong, "Rows must be", db.store_labels, [1, 2])
    refuses(wrong, "differ in length", db.store_labels, {"image_id": [1, 2], "label": [0.5]})
    refuses(wrong, "differ in length", db.store_labels, image_id=[1, 2], label=[0.5])
    refuses(wrong, "given for each row and for all", db.store_labels, [one], label=0.5)
    refuses(wrong, "singular call", db.store_labels, **one)
    refuses(wrong, "singular call", db.store_labels)
    refuses(wrong, "technician_id is missing", db.store_labels, [{"image_id": 1, "label": 0.5}])
    refuses(wrong, "on_error", db.store_labels, [one], on_error="ignore")
    refuses(UnknownKeywordError, "'label'", db.store_labels, [one | {"lable": 1}])
    refuses(UnknownKeywordError, "'notes'", db.store_labels, [one], note="x")


def test_numbers_that_do_not_fit_are_refused_in_any_column_type(db, lab, refuses):
    good = {"image_id": lab.images[0], "technician_id": lab.technician, "label": 0.5}
    for ids in (
        np.array([1e19]),
        np.array([1.5]),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([True]),
        [2**70],
        [10**400],
        [float("inf")],
    ):
        refuses(
            RejectedRowsError,
            "image_id",
            db.store_labels,
            {**{k: [v] for k, v in good.items()}, "image_id": ids},
        )
    for values in (np.array(["0.5"]), [10**400], np.array([np.nan]), np.array([True]), [0.5j]):
        refuses(
            RejectedRowsError,
            "label",
            db.store_labels,
            {**{k: [v] for k, v in good.items()}, "label": values},
        )


def test_a_large_id_among_floats_keeps_all_its_digits(db, lab, refuses):
    ids = [2**53 + 1, 1.0]
    with pytest.raises(RejectedRowsError, match=str(2**53 + 1)):
        db.store_labels({"image_id": ids, "label": [0.5, 0.5]}, technician_id=lab.technician)


def recomputed(db, event):
    """The digest of the event's rows, from the rows as they are in the database."""
    table = metadata.tables[event["table_name"]]
    told = event["new_values"]
    ranges = told.get("id_ranges", [[told["first_id"], told["last_id"]]])
    rows = []
    with db._database.store.engine.connect() as conn:
        for first, last in ranges:
            query = table.select().where(table.c.id.between(first, last)).order_by(table.c.id)
            rows += [
                [getattr(row, name) for name in told["columns"]] for row in conn.execute(query)
            ]
    assert len(rows) == event["n_rows"]
    text = orjson.dumps(
        rows, default=lambda raw: hashlib.sha256(raw).hexdigest(), option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(text).hexdigest()


@pytest.fixture
def last_event(db):
    def read():
        table = metadata.tables["audit_logs"]
        with db._database.store.engine.connect() as conn:
            query = table.select().order_by(table.c.id.desc()).limit(1)
            return dict(conn.execute(query).mappings().one())

    return read


def test_a_batch_is_one_event_whose_digest_is_that_of_the_rows(db, lab, last_event, counts):
    before = counts()["audit_logs"]
    result = db.store_predictions(
        image_id=lab.images,
        model_version_id=1,
        prediction=lab.labels,
        confidence=[0.1, 1 / 3, 1e-9, 1.0],
        raw_output={"zeta": 1.5, "a": ["µ", None, True, 1e-7]},
        detection_bbox={"x": 0, "y": 1.25, "width": 3, "height": 4},
    )
    assert counts()["audit_logs"] == before + 1
    event = last_event()
    assert (event["operation"], event["table_name"], event["n_rows"]) == (
        "CREATE",
        "predictions",
        4,
    )
    assert event["new_values"]["first_id"] == result.ids[0]
    assert event["new_values"]["last_id"] == result.ids[-1]
    assert event["digest"] == recomputed(db, event)
    json.dumps(event["new_values"])


def test_a_changed_row_no_longer_fits_the_digest(db, lab, last_event, sql):
    db.store_labels(shapes(lab)["rows"])
    event = last_event()
    assert event["digest"] == recomputed(db, event)
    sql("UPDATE labels SET label = 0.9 WHERE id = :id", id=event["new_values"]["last_id"])
    assert event["digest"] != recomputed(db, event)


def test_features_and_ingests_leave_digests_that_can_be_recomputed(db, lab, last_event, draw):
    db.store_features(lab.images, "cnn", np.arange(8.0).reshape(4, 2), "v1", dtype="float16")
    event = last_event()
    assert event["digest"] == recomputed(db, event)
    db.ingest([draw("a.png"), draw("b.png", seed=1)], acquisition_settings={"z": 1, "a": 2})
    event = last_event()
    assert event["operation"] == "INGEST"
    assert event["digest"] == recomputed(db, event)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.floats(0, 1),
            st.none() | st.integers(1, 5),
            st.none()
            | st.text(
                st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
            ),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_goes_in_comes_out_exactly(db, lab, rows):
    result = db.store_labels(
        [
            {"image_id": lab.images[i], "label": v, "difficulty_rating": d, "notes": n}
            for i, v, d, n in rows
        ],
        technician_id=lab.technician,
    )
    found = [db.labels.get(key) for key in result.ids.tolist()]
    wanted = [(lab.images[i], v, d, n) for i, v, d, n in rows]
    assert [(x.image_id, x.label, x.difficulty_rating, x.notes) for x in found] == wanted
