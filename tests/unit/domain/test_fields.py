from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.domain.tables import IMAGES, LABELS, SPECIMENS
from mlmcsc.errors import UnknownKeywordError, ValidationError


def field(kind, **limits):
    return Field("thing", kind, "what it is for", **limits)


@given(st.floats(0, 1))
def test_a_number_in_range_is_kept_exactly(value):
    assert field(Kind.REAL, minimum=0.0, maximum=1.0).check(value) == value


@given(st.floats() | st.integers(), st.floats(-10, 0), st.floats(0, 10))
def test_a_number_is_accepted_if_and_only_if_it_is_in_range(value, low, high):
    limited = field(Kind.REAL, minimum=low, maximum=high)
    if low <= value <= high:
        assert low <= limited.check(value) <= high
    else:
        with pytest.raises(ValidationError, match="thing="):
            limited.check(value)


@pytest.mark.parametrize("value", [np.float32(0.5), np.int8(1), Fraction(1, 2), 1])
def test_every_real_number_type_is_a_number(value):
    assert type(field(Kind.REAL).check(value)) is float


@pytest.mark.parametrize("value", [True, np.bool_(1), "1", b"1", 1j, [1], {}, 10**400, math.nan])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValidationError, match="number"):
        field(Kind.REAL).check(value)


def test_an_integer_of_thousands_of_digits_is_refused_without_writing_it_out():
    for kind in (Kind.REAL, Kind.INTEGER):
        with pytest.raises(ValidationError, match="beyond writing"):
            field(kind).check(10**5000)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_64_bit_integer_is_kept_exactly(value):
    assert field(Kind.INTEGER).check(value) == value


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.5, True, "1", math.nan, math.inf, None])
def test_what_is_no_64_bit_integer_is_refused(value):
    with pytest.raises(ValidationError, match="thing"):
        field(Kind.INTEGER, required=True).check(value)


@given(st.text())
def test_text_is_kept_or_refused_never_changed(value):
    try:
        assert field(Kind.TEXT, max_length=10).check(value) == value
    except ValidationError:
        assert len(value) > 10 or "\0" in value or any("\ud800" <= c <= "\udfff" for c in value)


def test_a_required_text_is_not_blank_and_choices_are_named():
    with pytest.raises(ValidationError, match="not blank"):
        field(Kind.TEXT, required=True).check(" \t")
    with pytest.raises(ValidationError, match="one of a, b"):
        field(Kind.TEXT, choices=("a", "b")).check("c")


@pytest.mark.parametrize(("value", "kept"), [(True, True), (0, False), (np.bool_(1), True)])
def test_flags(value, kept):
    assert field(Kind.FLAG).check(value) is kept


@pytest.mark.parametrize("value", ["true", 2, 1.0, -1, []])
def test_what_is_no_flag_is_refused(value):
    with pytest.raises(ValidationError, match="true or false"):
        field(Kind.FLAG).check(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


@given(JSON.filter(lambda value: value is not None))
def test_json_is_kept_exactly(value):
    assert field(Kind.JSON).check(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"a": math.nan},
        [math.inf],
        {1, 2},
        object(),
        b"x",
        "\0",
        {"\0": 1},
        "\ud800",
        [2**64],
        {"deep": [{"er": "\\\0"}]},
        [-(2**63) - 1],
    ],
)
def test_json_that_a_database_cannot_hold_is_refused(value):
    with pytest.raises(ValidationError, match="JSON"):
        field(Kind.JSON).check(value)


def test_json_nested_without_end_is_refused():
    endless: list[object] = []
    endless.append(endless)
    deep: list[object] = []
    for _ in range(2000):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(ValidationError, match="JSON"):
            field(Kind.JSON).check(value)


def test_a_backslash_before_u0000_is_text_like_any_other():
    assert field(Kind.JSON).check("\\u0000") == "\\u0000"


def test_numpy_values_and_times_inside_json_become_plain():
    value = {"a": np.arange(2), "b": np.float64(0.5), "c": datetime(2026, 1, 1, tzinfo=UTC)}
    assert field(Kind.JSON).check(value) == {
        "a": [0, 1],
        "b": 0.5,
        "c": "2026-01-01T00:00:00+00:00",
    }


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_is_kept_in_utc(value):
    try:
        found = field(Kind.TIMESTAMP).check(value)
    except ValidationError:
        assert value.year in {1, 9999}
        return
    assert found == value.astimezone(UTC)  # a wall time that a zone skips equals nothing else
    assert found.tzinfo is UTC
    assert type(found) is datetime


def test_a_time_outside_the_calendar_in_utc_is_refused():
    early = datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))
    with pytest.raises(ValidationError, match="year 1 to 9999"):
        field(Kind.TIMESTAMP).check(early)


@given(*[st.integers(0, 100)] * 4)
def test_a_box_is_accepted_if_and_only_if_it_is_not_empty(x, y, right, bottom):
    box = [x, y, right, bottom]
    if x < right and y < bottom:
        assert field(Kind.BOX).check(box) == box
        sized = {"x": x, "y": y, "width": right - x, "height": bottom - y}
        assert field(Kind.BOX).check(sized) == sized
    else:
        with pytest.raises(ValidationError, match="not empty"):
            field(Kind.BOX).check(box)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.REAL, "0.5", 0.5),
        (Kind.REAL, "1e-3", 0.001),
        (Kind.INTEGER, str(2**62 + 1), 2**62 + 1),
        (Kind.INTEGER, "3.0", 3),
        (Kind.FLAG, " Yes ", True),
        (Kind.FLAG, "0", False),
        (Kind.JSON, '{"a": [1]}', {"a": [1]}),
        (Kind.TEXT, "as it is", "as it is"),
        (Kind.TIMESTAMP, "2026-11-23T09:30:00+01:00", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        (Kind.BOX, "[0, 0, 1, 1]", [0, 0, 1, 1]),
        (Kind.REAL, "", None),
    ],
)
def test_words_of_a_file_are_read_as_the_field_says(kind, text, value):
    assert field(kind).parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.REAL, "much"),
        (Kind.REAL, "nan"),
        (Kind.INTEGER, "1.5"),
        (Kind.FLAG, "maybe"),
        (Kind.JSON, "{"),
        (Kind.JSON, "[NaN]"),
        (Kind.TIMESTAMP, "yesterday"),
        (Kind.TIMESTAMP, "2026-11-23T09:30:00"),
    ],
)
def test_words_that_do_not_read_as_the_field_are_refused(kind, text):
    with pytest.raises(ValidationError, match="thing"):
        field(kind).parse(text)


def test_an_empty_word_for_a_required_field_is_missing():
    with pytest.raises(ValidationError, match="thing is missing"):
        field(Kind.REAL, required=True).parse("")


SPEC = RowSpec(
    "things",
    (
        Field("label", Kind.REAL, "value", required=True, in_label_range=True),
        Field("weight", Kind.REAL, "kg", minimum=0.0),
    ),
)


def test_a_row_keeps_what_was_given_and_nothing_else():
    assert SPEC.check({"label": 1}) == {"label": 1.0}
    assert SPEC.check({"label": 1, "weight": None}) == {"label": 1.0, "weight": None}


def test_a_row_without_a_required_field_or_with_an_unknown_one_is_refused():
    with pytest.raises(ValidationError, match="label is missing"):
        SPEC.check({"weight": 1})
    with pytest.raises(
        UnknownKeywordError, match=r"Did you mean 'weight'\? Allowed: label, weight"
    ):
        SPEC.check({"label": 1, "wieght": 2})


def test_a_label_range_limits_only_the_fields_in_it():
    within = SPEC.within(0, 100)
    assert within.check({"label": 100, "weight": 500})["weight"] == 500
    with pytest.raises(ValidationError, match="from 0 to 100"):
        within.check({"label": 101})


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ValidationError) as told:
        field(Kind.TEXT, max_length=5).check("x" * 10_000)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    "typed", ["Prüfling 1", "Pru\u0308fling 1", " Prüfling 1 ", "Prüfling\u00a01", "Prüfling \n 1"]
)
def test_a_name_has_one_spelling_however_it_was_typed(typed):
    assert SPECIMENS.by_name["specimen_id"].check(typed) == "Prüfling 1"


@pytest.mark.parametrize("blank", ["", "   ", "\u00a0", "\n"])
def test_a_name_is_never_blank_even_where_it_may_be_left_out(blank):
    with pytest.raises(ValidationError, match="not blank"):
        IMAGES.by_name["specimen_id"].check(blank)


@pytest.mark.parametrize("text", ["0.1_5", "1_0"])
def test_a_number_with_an_underscore_is_a_slip_and_no_number(text):
    with pytest.raises(ValidationError, match="number"):
        LABELS.by_name["label"].parse(text)
    with pytest.raises(ValidationError, match="number"):
        LABELS.by_name["difficulty_rating"].parse(text)
