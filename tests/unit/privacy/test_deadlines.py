"""A request is to be answered within a month, by Regulation 1182/71."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.privacy.deadlines import deadline

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 11, 23), date(2026, 12, 23)),  # the same number in the next month
        (date(2025, 12, 15), date(2026, 1, 15)),  # over the turn of the year
        (date(2025, 1, 31), date(2025, 2, 28)),  # a month without that day ends on its last one
        (date(2024, 1, 31), date(2024, 2, 29)),  # of a leap year too
        (date(2026, 8, 31), date(2026, 9, 30)),
        (date(2026, 1, 31), date(2026, 3, 2)),  # 28 February 2026 is a Saturday
        (date(2026, 10, 22), date(2026, 11, 23)),  # a Sunday
        (date(2026, 10, 21), date(2026, 11, 23)),  # a Saturday
    ],
)
def test_the_last_day_is_one_month_after_receipt(received, due):
    assert deadline(received) == due


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 11, 23), date(2027, 2, 23)),
        (date(2025, 11, 30), date(2026, 3, 2)),  # 28 February 2026 is a Saturday
    ],
)
def test_an_extension_adds_two_months_to_the_first(received, due):
    assert deadline(received, extended=True) == due


@given(DAYS, st.booleans())
def test_no_deadline_ends_on_a_weekend(received, extended):
    assert deadline(received, extended=extended).weekday() < 5


@given(DAYS)
def test_a_deadline_is_a_month_away_and_never_shorter_than_28_days(received):
    assert timedelta(28) <= deadline(received) - received <= timedelta(31 + 2)


@given(DAYS)
def test_who_asks_later_is_never_answered_earlier(received):
    assert deadline(received) <= deadline(received + timedelta(1))
