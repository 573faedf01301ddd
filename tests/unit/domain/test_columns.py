from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.columns import check_columns, read_input, to_columns
from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.domain.tables import LABELS
from mlmcsc.errors import RejectedRowsError, UnknownKeywordError, ValidationError

SPEC = RowSpec(
    "things",
    (
        Field("key", Kind.INTEGER, "id", required=True, minimum=1),
        Field("size", Kind.REAL, "mm", minimum=0.0, maximum=1.0),
        Field("note", Kind.TEXT, "text"),
        Field("box", Kind.BOX, "where"),
    ),
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_a_column_accepts_exactly_the_values_that_single_rows_accept(rows):
    checked = check_columns(SPEC, {"key": [r[0] for r in rows], "size": [r[1] for r in rows]})
    for index, (key, size) in enumerate(rows):
        try:
            wanted = SPEC.check({"key": key, "size": size})
        except ValidationError:
            assert index in checked.rejected
        else:
            assert index not in checked.rejected
            assert checked.columns["key"][index] == wanted["key"]
            assert checked.columns["size"][index] == wanted["size"]


@given(st.lists(st.integers(1, 2**63 - 1), min_size=1))
def test_ids_keep_all_their_digits(keys):
    for column in (keys, np.array(keys), np.array(keys, dtype=np.uint64), [*keys, 1.0]):
        checked = check_columns(SPEC, {"key": column})
        assert checked.rejected == {}
        assert [int(k) for k in checked.columns["key"]][: len(keys)] == keys


@pytest.mark.parametrize(
    "column",
    [[1e19], np.array([1e19]), np.array([2**63], np.uint64), [10**400], np.array([True]), ["1"]],
)
def test_ids_beyond_64_bits_or_of_another_kind_are_rejected(column):
    assert list(check_columns(SPEC, {"key": column}).rejected) == [0]


def test_rows_may_leave_out_what_others_have():
    assert to_columns([{"a": 1}, {"b": 2}]) == {"a": [1, None], "b": [None, 2]}


def test_nothing_is_no_columns():
    assert to_columns(None) == {}
    assert to_columns([]) == {}


def test_a_column_beside_the_data_is_one_value_per_row_unless_the_field_is_a_list_itself():
    checked = read_input(SPEC, None, {"key": [1, 2], "size": (0.5, 0.25), "box": [0, 0, 1, 1]})
    assert list(checked.columns["size"]) == [0.5, 0.25]
    assert checked.columns["box"] == [[0, 0, 1, 1]] * 2
    assert read_input(SPEC, [{"key": 3}], {"note": "same"}).columns["note"] == ["same"]


def test_good_rows_come_without_the_rejected_and_remember_their_place():
    checked = check_columns(SPEC, {"key": [1, 0, 3], "note": ["a", "b", "c"]})
    columns, index = checked.good()
    assert [int(k) for k in columns["key"]] == [1, 3]
    assert columns["note"] == ["a", "c"]
    assert index.tolist() == [0, 2]
    assert [r.where for r in checked.rejections()] == ["row 1"]
    with pytest.raises(RejectedRowsError, match="1 of 3 rows for things"):
        checked.refuse_if_any("things")


def test_a_long_list_of_wrong_rows_is_shortened():
    checked = check_columns(SPEC, {"key": [0] * 50})
    with pytest.raises(RejectedRowsError, match="and 45 more") as told:
        checked.refuse_if_any("things")
    assert len(told.value.rejected) == 50


def test_a_missing_or_unknown_column_is_named():
    with pytest.raises(ValidationError, match="key is missing"):
        check_columns(SPEC, {"size": [0.5]})
    with pytest.raises(UnknownKeywordError, match="Did you mean 'size'"):
        check_columns(SPEC, {"key": [1], "sizes": [0.5]})


def test_no_rows_have_every_required_column():
    assert check_columns(SPEC, {}).columns == {"key": []}


@pytest.mark.parametrize("data", [[{}], [{}, {}]])
def test_rows_without_any_field_are_an_error_and_never_nothing(data):
    with pytest.raises(ValidationError, match="no field"):
        read_input(LABELS, data, {})


def test_a_frame_with_rows_and_no_column_is_an_error():
    import pandas as pd

    with pytest.raises(ValidationError, match="no column"):
        read_input(LABELS, pd.DataFrame(index=range(3)), {})
