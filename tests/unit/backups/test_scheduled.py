"""When a scheduled backup is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.backups.scheduled import Attempt, judge
from mlmcsc.domain.schedule import latest_time, next_time

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=9)
RUN = Attempt(1, MIDNIGHT, "lab", 4711, 1, MIDNIGHT, None, None)


def verdict(last=None, tried=None, *, now=NOW, alive=False):
    return judge("daily", last, tried, now, alive=alive)


def test_the_first_one_is_due_at_once():
    found = verdict()
    assert (found.due, found.slot, found.next_at) == (True, MIDNIGHT, MIDNIGHT + timedelta(days=1))


def test_one_of_this_slot_is_enough():
    assert not verdict(last=MIDNIGHT + timedelta(minutes=1)).due


def test_slots_that_were_missed_make_one_backup():
    found = verdict(last=MIDNIGHT - timedelta(days=90))
    assert (found.due, found.slot) == (True, MIDNIGHT)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 10), (2, 20), (3, 40), (30, 24 * 60)])
def test_what_failed_is_tried_again_after_growing_pauses(failures, minutes):
    ended, numbers = MIDNIGHT, {"failures": failures}
    failed = replace(RUN, outcome="failed", error="disk full", ended_at=ended, numbers=numbers)
    again = ended + timedelta(minutes=minutes)
    before = verdict(tried=failed, now=again - timedelta(seconds=1))
    assert (before.due, before.next_at) == (False, again)
    assert "disk full" in before.reason
    assert failed.again_at == again
    assert judge("30 5 * * *", None, failed, again, alive=True).due


@pytest.mark.parametrize(
    ("tried", "alive", "due"),
    [
        (RUN, True, False),
        (RUN, False, True),
        (replace(RUN, started_at=NOW - timedelta(hours=25)), True, True),
        (replace(RUN, outcome="postponed", error="busy"), True, True),
        (replace(RUN, outcome="made"), False, False),
    ],
    ids=["at work", "killed", "not heard of for a day", "the place was busy", "made"],
)
def test_a_run_of_this_slot_is_waited_for_or_begun_again(tried, alive, due):
    assert verdict(tried=tried, alive=alive).due is due


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  Hypothesis takes naive bounds
    st.sampled_from(["hourly", "daily", "weekly", "monthly", "* * * * *", "30 2 * * 1"]),
)
def test_the_latest_time_is_the_one_after_which_the_next_has_not_come(now, schedule):
    latest = latest_time(schedule, now)
    assert latest <= now < next_time(schedule, latest)
