"""Which rows a batch event speaks of, and how an event is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.audit.filters import check_filter
from mlmcsc.domain.audit.reach import replaced_for, touched
from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.domain.audit.telling import changes, headline, summary
from mlmcsc.errors import UnknownKeywordError, ValidationError

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def event(**facts):
    plain = dict.fromkeys(AuditRecord.__annotations__) | {
        "id": 5,
        "timestamp": NOON,
        "user_id": "root",
        "operation": "UPDATE",
        "table_name": "labels",
        "n_rows": 1,
        "redacted": (),
        "damaged": (),
    }
    return AuditRecord(**(plain | facts))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"first_id": 5, "last_id": 9}, (5, 9)),
        ({"first_id": 1, "last_id": 20, "id_ranges": [[1, 5], [12, 20]]}, (5, 12)),
        ({"ids": [9, 12]}, (9, 12)),
        ({"12": {"n": 1}, "5": None}, (5, 12)),
        ({"specimen_id": ["S-1"]}, ()),
        ({"first_id": "5", "last_id": None, "ids": "5"}, ()),
        ([5, 9], ()),
        (None, ()),
    ],
)
def test_a_batch_touches_the_rows_that_its_payload_names(values, expected):
    assert touched((None, values), {5, 9, 12}) == expected


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 30)), max_size=6),
    st.sets(st.integers(1, 330), max_size=30),
)
def test_a_row_is_touched_exactly_when_a_range_holds_it(ranges, ids):
    values = {"id_ranges": [[low, low + more] for low, more in ranges]}
    inside = {i for low, more in ranges for i in range(low, low + more + 1)}
    assert touched((values,), ids) == tuple(sorted(ids & inside))


def test_replaced_vectors_are_found_by_their_image():
    old = {"replaced": [{"image_id_ranges": [[3, 4], [9, 9]]}]}
    assert [i for i in range(12) if replaced_for(old, i)] == [3, 4, 9]


def test_a_change_is_told_before_and_after():
    told = event(
        record_id=12,
        old_values={"label": 0.42, "is_verified": True, "notes": None},
        new_values={"label": 0.47, "is_verified": False, "notes": None},
    )
    assert changes(told) == ["label: 0.42 → 0.47", "is_verified: yes → no"]
    assert headline(told) == "label 12 corrected"


def test_a_batch_is_told_by_its_ids():
    batch = event(
        operation="INGEST",
        table_name="images",
        n_rows=12,
        new_values={"first_id": 1, "last_id": 12, "columns": ["id", "path"]},
    )
    assert summary(batch) == "ids 1-12"
    assert headline(batch, (7,)) == "image 7 ingested, one of 12 (ids 1-12)"
    assert headline(batch) == "images ingested (12 rows)"


def test_times_that_are_the_events_own_are_not_repeated():
    told = event(
        record_id=1,
        new_values={"made": NOON.isoformat(), "due": "2026-12-23T12:00:00+01:00"},
    )
    assert changes(told) == ["due: 2026-12-23 11:00:00"]


def test_a_redacted_payload_is_told_as_erased():
    assert changes(event(redacted=("payload",))) == ["[erased]"]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_whatever_a_payload_holds_it_is_told(value):
    assert all(
        isinstance(line, str)
        for told in (event(new_values=value), event(old_values=value, new_values={"a": value}))
        for line in (*changes(told), headline(told), summary(told))
    )


def test_an_unknown_filter_is_told_with_its_nearest_match():
    with pytest.raises(UnknownKeywordError, match="Did you mean 'operations'"):
        check_filter({"operation": ["UPDATE"]})


def test_an_operation_is_one_of_the_vocabulary_in_any_case():
    assert check_filter({"operations": ["update"]}) == {"operations": ["UPDATE"]}
    with pytest.raises(ValidationError, match="'FROBNICATE'"):
        check_filter({"operations": ["FROBNICATE"]})


def test_a_row_is_named_with_its_table():
    with pytest.raises(ValidationError, match="Name the table"):
        check_filter({"record_id": 7})
