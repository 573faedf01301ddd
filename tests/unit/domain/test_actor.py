"""An actor is somebody whom the audit trail can name to the letter, and nobody else's mask."""

from __future__ import annotations

import pytest

from mlmcsc.domain.permissions import ALL_PERMISSIONS, Actor, Permission
from mlmcsc.errors import PermissionDeniedError, ValidationError


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": 5},
        {"subject": True},
        {"subject": None},
        {"subject": ""},
        {"subject": "  "},
        {"subject": "\udc80"},
        {"subject": "a\nb"},
        {"subject": "a\0b"},
        {"subject": "x" * 101},
        {"subject": "al", "reason": 20261123},
        {"subject": "al", "reason": 1.5},
        {"subject": "al", "reason": "\udc80"},
        {"subject": "al", "reason": "x" * 10_001},
        {"subject": "al", "reason": "a\0b"},
        {"subject": "al", "ip": 7},
        {"subject": "al", "ip": "1" * 46},
        {"subject": "al", "user_agent": "x" * 501},
    ],
)
def test_what_the_trail_could_not_hold_to_the_letter_is_refused(wrong):
    with pytest.raises(ValidationError, match=r"Actor\."):
        Actor(**wrong)


def test_a_reason_may_have_lines_and_any_script():
    assert Actor("Ærøskøbing 7", reason="line one\nline two: ☃").reason.endswith("☃")


def test_nobody_becomes_somebody_else_without_being_an_administrator():
    low = Actor("eve", frozenset({Permission.READ}))
    with pytest.raises(PermissionDeniedError, match="somebody else"):
        low.may_act_as(Actor("tech_001", frozenset({Permission.READ})))
    low.may_act_as(Actor("eve", frozenset()))
    Actor("root", ALL_PERMISSIONS).may_act_as(Actor("tech_001", frozenset({Permission.READ})))
