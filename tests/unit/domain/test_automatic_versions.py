"""When a version is made without being asked for, and what it is called."""

from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc.domain.versions.automatic import LastVersion, Rules, judge, next_name

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LAST = LastVersion("v1", NOW - timedelta(hours=6))


def judged(changes, last=LAST, names=(), enabled=True, new_labels=100, schedule=None):
    rules = Rules(enabled, new_labels, schedule, "auto-{date}-{n}")
    return judge(rules, last, changes, names, NOW)


def test_enough_label_changes_make_the_next():
    found = judged(100)
    assert found.due
    assert found.reason == "100 label changes since v1"
    assert found.labels_missing == 0


def test_too_few_tell_how_many_are_missing():
    found = judged(99)
    assert not found.due
    assert found.labels_missing == 1
    assert found.reason == "99 label changes since v1; missing are 1 more label change"


def test_the_schedule_makes_the_next_when_it_fired_since_the_last():
    found = judged(1, new_labels=None, schedule="0 9 * * *")
    assert found.due
    assert found.reason == "1 label change since v1, and the schedule '0 9 * * *'"
    assert found.hours_missing == 0


def test_before_the_schedule_fires_the_hours_are_told():
    found = judged(1, schedule="30 13 * * *")
    assert not found.due
    assert found.hours_missing == 1.5
    assert found.reason.endswith("missing are 99 more label changes or 1.5 hours")


def test_the_schedule_makes_no_version_that_would_equal_the_last():
    assert not judged(0, schedule="hourly").due


def test_the_first_version_waits_for_its_labels_but_for_no_hour():
    assert not judged(99, last=None).due
    assert judged(1, last=None, schedule="weekly").due
    assert not judged(0, last=None, schedule="weekly").due


@pytest.mark.parametrize(
    ("rules", "setting"),
    [
        ({"enabled": False}, "versioning.enabled"),
        ({"new_labels": None}, "versioning.auto_new_labels"),
    ],
)
def test_what_is_switched_off_makes_nothing_and_says_by_which_setting(rules, setting):
    found = judged(10**6, **rules)
    assert not found.due
    assert setting in found.reason


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("auto-{date}-{n}", [], "auto-2026-11-23-1"),
        ("auto-{date}-{n}", ["v1", "auto-2026-11-22-7"], "auto-2026-11-23-1"),
        ("auto-{date}-{n}", ["auto-2026-11-23-2", "auto-2026-11-23-10"], "auto-2026-11-23-11"),
        ("auto-{date}-{n}", ["auto-2026-11-23-1", "auto-2026-11-23-3"], "auto-2026-11-23-4"),
        ("auto-{date}-{n}", ["auto-2026-11-23-04", "xauto-2026-11-23-9"], "auto-2026-11-23-1"),
        ("a.{n}", ["ab9", "a.2"], "a.3"),
        ("{n}.{n}", ["1.1", "3.4", "2.2"], "3.3"),
    ],
)
def test_a_name_counts_on_above_those_of_its_pattern(pattern, names, expected):
    assert next_name(pattern, names, NOW) == expected


def test_the_date_is_that_of_utc():
    late = datetime.fromisoformat("2026-11-24T00:30:00+01:00")
    assert next_name("{date}-{n}", [], late) == "2026-11-23-1"
