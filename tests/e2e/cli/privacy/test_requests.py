"""`mlmcsc privacy requests`: the register on the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def john(mlmcsc):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    return mlmcsc


def test_a_request_is_entered_listed_extended_and_closed(john):
    assert "no request is open" in john("privacy", "requests").out
    entered = john("--json", "privacy", "requests", "add", "tech_001", "--kind", "erasure").json
    assert (entered["kind"], entered["state"]) == ("erasure", "open")
    assert "tech_001" in john("privacy", "requests").out
    extended = john("--json", "privacy", "requests", "extend", "1", "--because", "complex").json
    assert extended["due_at"] > entered["due_at"]
    closed = john("privacy", "requests", "close", "1", "--outcome", "erased")
    assert closed.code == 0
    assert "no request is open" in john("privacy", "requests").out
    assert "erased" in john("privacy", "requests", "--all").out


def test_an_overdue_one_is_told_and_checked(john):
    john("privacy", "requests", "add", "tech_001", "--kind", "access", "--received", "2026-01-31")
    listed = john("privacy", "requests")
    assert listed.code == 0
    assert "OVERDUE" in listed.out
    assert "2026-03-02" in listed.out
    assert john("privacy", "requests", "--check").code == 1
    (one,) = john("--json", "privacy", "requests").json
    assert one["overdue"]
    john("privacy", "requests", "close", "1", "--outcome", "no", "--refused")
    assert john("privacy", "requests", "--check").code == 0


def test_holidays_are_said_to_be_unknown(john):
    entered = john("privacy", "requests", "add", "tech_001", "--kind", "access")
    assert "public holidays" in entered.err


def test_mistakes_are_told(john):
    assert john("privacy", "requests", "add", "nobody", "--kind", "access").code == 1
    assert john("privacy", "requests", "add", "tech_001", "--kind", "wish").code == 2
    assert john("privacy", "requests", "close", "7", "--outcome", "x").code == 1


def test_the_list_may_be_of_one_person(john):
    john("technician", "register", "tech_002", "--name", "Jane Roe")
    for who in ("tech_001", "tech_002"):
        john("privacy", "requests", "add", who, "--kind", "access")
    (one,) = john("--json", "privacy", "requests", "--person", "tech_002").json
    assert one["person"] == "tech_002"


def test_an_option_of_the_list_in_front_of_a_command_is_refused(john):
    ran = john("privacy", "requests", "--all", "add", "tech_001", "--kind", "access")
    assert ran.code == 2
    assert "go with the list alone" in ran.err
    assert john("--json", "privacy", "requests").json == []
