"""In a person's copy of their data no colleague is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.privacy.others import ANOTHER, Others

OTHERS = Others(
    ["tech_002", "Jane Roe", "jane@lab.example", "jroe", "John Smith", "Tömas Wu"],
    ["Jane Roe", "John Smith", "Tömas Wu"],
    ["tech_001", "John Doe", "john@lab.example"],
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as tech_002 said", f"as {ANOTHER} said"),
        ("as TECH_002 said", f"as {ANOTHER} said"),
        ("Jane Roe agreed", f"{ANOTHER} agreed"),
        ("JANE  ROE agreed", f"{ANOTHER} agreed"),
        ("Roe agreed", f"{ANOTHER} agreed"),
        ("see Smith.", f"see {ANOTHER}."),
        ("mail to jane@lab.example, please", f"mail to {ANOTHER}, please"),
        ("/home/jroe/labels.csv", f"/home/{ANOTHER}/labels.csv"),
        ("(tech_002)", f"({ANOTHER})"),
        ("tech_002_check", f"{ANOTHER}_check"),
        ("fish roe", f"fish {ANOTHER}"),
        ("ROE, Smiths and Roe's", f"{ANOTHER}, {ANOTHER} and {ANOTHER}'s"),
        (
            "TÖMAS, To\u0308mas, Tomas and \uff34ömas",
            ", ".join([ANOTHER] * 2) + f", {ANOTHER} and {ANOTHER}",
        ),
        ("Wu said, and wu", f"{ANOTHER} said, and wu"),
    ],
)
def test_a_colleague_is_replaced_in_free_text(text, shown):
    assert OTHERS.hide(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "tech_001 measured it",
        "John Doe",
        "john@lab.example",
        "tech_0021",
        "the label is 0.5",
        "",
        "cleavage",
    ],
)
def test_the_person_and_other_words_stay(text):
    assert OTHERS.hide(text) == text


def test_lists_and_objects_are_searched_throughout():
    document = {"by": ["jroe", {"jroe": "x jroe"}], "n": 3, "none": None}
    assert OTHERS.hide(document) == {
        "by": [ANOTHER, {ANOTHER: f"x {ANOTHER}"}],
        "n": 3,
        "none": None,
    }


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_around_it_an_identifier_never_survives(before, after):
    shown = OTHERS.hide(f"{before} tech_002 {after}")
    words = shown.casefold().split()
    assert "tech_002" not in words


def test_no_value_is_lost_where_colleagues_are_keys():
    hidden = OTHERS.hide({"jroe": 1, "Jane Roe": 2})
    assert hidden == {ANOTHER: 1, f"{ANOTHER} 2": 2}
