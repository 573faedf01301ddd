"""When a repeated job is due."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.config.values import SCHEDULE_WORDS
from mlmcsc.domain.schedule import WORDS, due, next_time
from mlmcsc.errors import ValidationError

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# Hypothesis takes naive bounds, and the zone apart.
SINCE, UNTIL = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001  as said
times = st.datetimes(SINCE, UNTIL, timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("hourly", "2026-11-23 13:00"),
        ("daily", "2026-11-24 00:00"),
        ("weekly", "2026-11-30 00:00"),
        ("monthly", "2026-12-01 00:00"),
        ("30 2 * * 1", "2026-11-30 02:30"),
        ("0 12 * * *", "2026-11-24 12:00"),
    ],
)
def test_a_schedule_fires_next_strictly_after_a_moment(schedule, expected):
    assert f"{next_time(schedule, MONDAY_NOON):%Y-%m-%d %H:%M}" == expected


def test_the_words_are_those_of_the_settings():
    assert tuple(WORDS) == SCHEDULE_WORDS


def test_hours_are_of_utc_whatever_zone_the_moment_is_told_in():
    in_berlin = MONDAY_NOON.astimezone(timezone(timedelta(hours=1)))
    assert next_time("daily", in_berlin) == datetime(2026, 11, 24, tzinfo=UTC)


def test_what_never_ran_is_due():
    assert due("monthly", None, MONDAY_NOON)


@given(last=times, schedule=st.sampled_from([*WORDS, "30 2 * * 1"]))
def test_a_job_is_due_from_the_next_time_on_and_not_before(last, schedule):
    fires = next_time(schedule, last)
    assert due(schedule, last, fires)
    assert not due(schedule, last, fires - timedelta(microseconds=1))


def test_work_missed_many_times_is_due_once():
    assert due("hourly", MONDAY_NOON - timedelta(days=90), MONDAY_NOON)
    assert not due("hourly", MONDAY_NOON, MONDAY_NOON)


@pytest.mark.parametrize("schedule", ["sometimes", "61 * * * *", "0 0 30 2 *"])
def test_what_is_no_schedule_is_refused_by_name(schedule):
    with pytest.raises(ValidationError, match="schedule="):
        next_time(schedule, MONDAY_NOON)
