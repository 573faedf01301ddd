"""Which backups are kept, whatever there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.backups.keeping import Candidate, Periods, kept

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = Periods(1, 0, 0, 0)

ages = st.lists(st.integers(0, 4000), unique=True, max_size=40)
kinds = st.sampled_from(["manual", "scheduled", "safety"])
periods = st.builds(
    Periods, st.integers(1, 60), st.integers(0, 12), st.integers(0, 24), st.integers(0, 5)
)


@st.composite
def places(draw):
    return [
        Candidate(
            set_id=f"{hours:032x}",
            taken_at=NOW - timedelta(hours=hours),
            kind=draw(kinds),
            proven=draw(st.none() | st.just(NOW)),
            damaged=draw(st.booleans()),
        )
        for hours in draw(ages)
    ]


def backup(days, *, kind="scheduled", proven=None, damaged=False):
    return Candidate(f"{days}", NOW - days * DAY, kind, proven, damaged)


def names(candidates, chosen):
    return [int(each) for each in kept(candidates, NOW, chosen)]


@given(places(), periods)
def test_the_newest_and_the_newest_that_was_verified_are_never_removed(candidates, chosen):
    reasons = kept(candidates, NOW, chosen)
    newest_first = sorted(candidates, key=lambda each: each.taken_at, reverse=True)
    sound = [each for each in newest_first if not each.damaged]
    proven = [each for each in sound if each.proven]
    stay = (*newest_first[:1], *sound[:1], *proven[:1])
    assert {each.set_id for each in stay} <= reasons.keys()


@given(places(), periods)
def test_all_young_ones_are_kept(candidates, chosen):
    young = {each.set_id for each in candidates if each.taken_at > NOW - chosen.days * DAY}
    assert young <= kept(candidates, NOW, chosen).keys()


@given(places(), periods)
def test_pruning_again_removes_nothing_more(candidates, chosen):
    reasons = kept(candidates, NOW, chosen)
    left = [each for each in candidates if each.set_id in reasons]
    assert kept(left, NOW, chosen).keys() == reasons.keys()


@given(places(), periods, st.integers(0, 3))
def test_keeping_more_generations_removes_no_other(candidates, chosen, more):
    wider = Periods(
        chosen.days + more, chosen.weekly + more, chosen.monthly + more, chosen.yearly + more
    )
    assert kept(candidates, NOW, chosen).keys() <= kept(candidates, NOW, wider).keys()


@given(places(), periods)
def test_old_ones_are_no_more_than_the_generations_have_places(candidates, chosen):
    old = [each for each in candidates if each.taken_at <= NOW - chosen.days * DAY]
    reasons = kept(candidates, NOW, chosen)
    most = 2 * (chosen.weekly + chosen.monthly + chosen.yearly) + 3
    assert sum(each.set_id in reasons for each in old) <= most


def test_a_year_of_daily_backups_leaves_weeks_and_then_months():
    daily = [backup(days) for days in range(365)]
    found = names(daily, Periods(7, 8, 12, 2))
    assert found[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert len(found) < 30
    kept_days = sorted(found)
    assert {(NOW - days * DAY).isocalendar()[:2] for days in kept_days} >= {
        (NOW - 7 * week * DAY).isocalendar()[:2] for week in range(8)
    }
    assert {(NOW - days * DAY).month for days in kept_days} == set(range(1, 13))


def test_after_a_long_pause_the_last_weeks_that_have_backups_are_kept():
    assert sorted(names([backup(1000), backup(1007), backup(1014)], Periods(1, 2, 0, 0))) == [
        1000,
        1007,
    ]


def test_a_safety_backup_takes_no_generation_from_the_one_that_was_meant():
    there = [backup(0), backup(100, kind="safety"), backup(101)]
    assert names(there, Periods(30, 8, 0, 0)) == [0, 101]


def test_a_young_safety_backup_is_kept():
    assert names([backup(0), backup(3, kind="safety")], Periods(30, 0, 0, 0)) == [0, 3]


def test_an_old_one_stays_while_no_newer_one_was_verified():
    there = [backup(0), backup(90, proven=NOW), backup(91, proven=NOW)]
    assert names(there, NOTHING) == [0, 90]


def test_a_damaged_one_takes_no_generation_from_a_whole_one():
    there = [backup(0), backup(100, damaged=True), backup(101), backup(102)]
    assert sorted(names(there, Periods(30, 0, 12, 0))) == [0, 100, 101]
