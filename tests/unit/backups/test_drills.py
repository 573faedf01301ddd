"""What drills say of recovery: times, points, worries; and the proof that lies beside a set."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.backups.drills import (
    DrillCheck,
    DrillReport,
    MadeBackup,
    ScratchReport,
    concern,
    recovery_point,
    standing,
)
from mlmcsc.domain.backups.proof import Proof, read_proof
from mlmcsc.errors import IntegrityError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def made(number, taken_at, **other):
    values = {
        "kind": "scheduled",
        "pruned_at": None,
        "failed_at": None,
        "drill_passed": None,
    } | other
    return MadeBackup(
        id=number,
        name=f"b{number}",
        place="/backups",
        set_id=f"{number:032x}",
        taken_at=taken_at,
        finished_at=taken_at + MINUTE,
        manifest_sha256="0" * 64,
        **values,
    )


def check(name, *, passed=True):
    return DrillCheck(name, passed, "12 tables")


def drilled(*, passed, at=NOON):
    details = {"steps": {}, "checks": [check("rows", passed=passed).to_dict()]}
    return DrillReport(
        1,
        "b1",
        "0" * 32,
        "/backups",
        at,
        at,
        passed=passed,
        rto_seconds=3.5,
        rpo_seconds=None,
        details=details,
    )


def test_the_recovery_point_is_from_the_snapshot_before_to_this_one_whole():
    first, second = made(1, NOON - 24 * HOUR), made(2, NOON)
    assert recovery_point([first, second], second) == 24 * 3600 + 60


def test_the_first_backup_has_no_recovery_point():
    only = made(1, NOON)
    assert recovery_point([only], only) is None
    assert recovery_point([only, made(2, NOON + HOUR)], only) is None


def test_a_backup_that_failed_its_drill_saves_nothing():
    good, bad = made(1, NOON - 48 * HOUR), made(2, NOON - 24 * HOUR, drill_passed=False)
    this = made(3, NOON)
    assert recovery_point([good, bad, this], this) == 48 * 3600 + 60


def test_a_backup_counts_for_as_long_as_it_was_there():
    this = made(2, NOON)
    gone_before = made(1, NOON - HOUR, pruned_at=NOON)
    gone_since = made(1, NOON - HOUR, pruned_at=NOON + 24 * HOUR)
    assert recovery_point([gone_before, this], this) is None
    assert recovery_point([gone_since, this], this) == 3660


def test_a_clock_that_was_set_back_makes_no_negative_span():
    this = replace(made(2, NOON), finished_at=NOON - 3 * HOUR)
    assert recovery_point([made(1, NOON - HOUR), this], this) == 0


@given(st.lists(st.integers(0, 1000), min_size=1, unique=True))
def test_the_recovery_point_is_that_of_the_nearest_earlier_backup(hours):
    every = [made(n, NOON + h * HOUR) for n, h in enumerate(hours)]
    this = max(every, key=lambda each: each.taken_at)
    before = sorted(hours)[-2:-1]
    expected = (max(hours) - before[0]) * 3600 + 60 if before else None
    assert recovery_point(every, this) == expected


def test_where_nothing_was_checked_nothing_is_proven():
    assert not ScratchReport({}, ()).passed
    assert ScratchReport({}, (check("rows"),)).passed
    mixed = (check("rows"), check("archives", passed=False))
    assert not ScratchReport({}, mixed).passed


@pytest.mark.parametrize(
    ("age", "drill", "worry", "said"),
    [
        (10 * HOUR, drilled(passed=True), False, "restored it in 3.5 s"),
        (10 * HOUR, None, False, "none was drilled yet"),
        (10 * HOUR, drilled(passed=False), True, "b1 could not be restored"),
        (49 * HOUR, drilled(passed=True), True, "49.0 h ago, more than 48 h"),
    ],
)
def test_an_old_or_disproved_backup_is_worth_a_warning(age, drill, worry, said):
    passed = drill if drill is not None and drill.passed else None
    found = standing(made(1, NOON - age), drill, passed, NOON)
    warns, message = concern(found, 1000.0, 48.0)
    assert (warns, said in message) == (worry, True)


def test_a_database_without_backup_is_worth_a_warning_once_it_is_old_enough():
    nothing = standing(None, None, None, NOON)
    assert concern(nothing, 47.0, 48.0)[0] is False
    warns, message = concern(nothing, 49.0, 48.0)
    assert warns
    assert "mlmcsc backup create" in message


PROOF = Proof(
    "ab" * 16, "cd" * 32, NOON.isoformat(), passed=True, rto_seconds=3.5, rpo_seconds=None
)
KEY = b"k" * 32


def sign(message):
    return "key", KEY, bytes([len(message) % 251]) + message[:31]


def verify(public_key, signature, message):
    return (public_key, signature) == (KEY, sign(message)[2])


def test_a_proof_comes_back_as_it_was_signed():
    assert read_proof(PROOF.signed(sign), "b1", KEY, verify) == PROOF


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told | {"rto_seconds": 3.4567},
        lambda told: told | {"format": "mlmcsc-proof-2"},
        lambda told: told | {"more": 1},
        lambda told: {k: v for k, v in told.items() if k != "signature"},
        lambda told: told | {"signature": told["signature"] | {"public_key": "00" * 32}},
        lambda told: [told],
    ],
)
def test_a_proof_that_was_changed_proves_nothing(change):
    told = json.loads(PROOF.signed(sign))
    with pytest.raises(IntegrityError, match=r"b1/proof\.json"):
        read_proof(json.dumps(change(told)).encode(), "b1", KEY, verify)
