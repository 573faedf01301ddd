"""A person's names are found in others' words: whole, in any case, spelling and order."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.privacy.mentions import ERASED, Mentions

JO = Mentions(["tech_001", "Jo Vögel", "jo@vogel.example"])


@pytest.mark.parametrize(
    ("text", "cleared"),
    [
        ("asked Jo Vögel twice", f"asked {ERASED} twice"),
        ("asked JO VÖGEL", f"asked {ERASED}"),
        ("asked jo\n  vögel", f"asked {ERASED}"),
        ("Vögel, Jo: done", f"{ERASED}: done"),
        (unicodedata.normalize("NFD", "by Jo Vögel."), f"by {ERASED}."),
        (r"by Jo V\u00f6gel", f"by {ERASED}"),
        ("write to Jo@Vogel.Example!", f"write to {ERASED}!"),
        ("/home/tech_001/labels.csv", f"/home/{ERASED}/labels.csv"),
    ],
)
def test_a_name_is_taken_out(text, cleared):
    assert text in JO
    assert JO.removed(text) == cleared


@pytest.mark.parametrize("text", ["tech_0012", "my_tech_001", "Jo went home", "Vögel sing", ""])
def test_another_word_stays(text):
    assert text not in JO
    assert JO.removed(text) == text


def test_names_go_from_keys_and_values_of_documents():
    document = {"by": ["tech_001", {"Jo Vögel": 1.5}], "n": None, "at": 7}
    assert JO.removed(document) == {"by": [ERASED, {ERASED: 1.5}], "n": None, "at": 7}


def test_a_name_that_could_mean_anything_is_told_and_not_searched():
    mentions = Mentions(["7", "x", "12345"])
    assert mentions.ambiguous == ("7", "x")
    assert mentions.removed("7 mm, x 12345") == f"7 mm, x {ERASED}"


def test_nobody_is_mentioned_nowhere():
    nobody = Mentions([])
    assert "text" not in nobody
    assert nobody.removed({"a": "b"}) == {"a": "b"}
    assert None not in JO


@given(st.text(alphabet="abcöß ._-@(+*", min_size=2, max_size=12), st.text(max_size=20))
def test_no_name_is_left_however_it_is_written(name, around):
    mentions = Mentions([name])
    cleared = mentions.removed(f"{around} {name} {around}")
    assert cleared not in mentions
