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
        ("my_tech_001_check", f"my_{ERASED}_check"),
        ("tech-001, TECH 001", f"{ERASED}, {ERASED}"),
        ("Jo-Vögel, jo_vögel and Jo\u00ad.V\u200bögel", f"{ERASED}, {ERASED} and {ERASED}"),
        ("\uff2a\uff4f Vögel", ERASED),
        ("Jo Vögels Messung", f"{ERASED} Messung"),
    ],
)
def test_a_name_is_taken_out(text, cleared):
    assert text in JO
    assert JO.removed(text) == cleared


@pytest.mark.parametrize(
    "text", ["tech_0012", "tech_001b", "Jo Vö", "Jo went home", "Vögel sing", ""]
)
def test_another_word_stays(text):
    assert text not in JO
    assert JO.removed(text) == text


def test_names_go_from_keys_and_values_of_documents():
    document = {"by": ["tech_001", {"Jo Vögel": 1.5}], "n": None, "at": 7}
    assert JO.removed(document) == {"by": [ERASED, {ERASED: 1.5}], "n": None, "at": 7}


def test_a_name_that_could_mean_anything_is_told_and_not_searched():
    mentions = Mentions(["7", "x", "12345", "._"])
    assert mentions.ambiguous == ("._", "7", "x")
    assert mentions.removed("7 mm, x 12345") == f"7 mm, x {ERASED}"


def test_a_number_is_not_found_within_another():
    staff = Mentions(["12345"])
    assert staff.removed("0.12345 and 12345.6 and 1,12345") == "0.12345 and 12345.6 and 1,12345"
    assert staff.removed("by 12345, 12345.") == f"by {ERASED}, {ERASED}."
    assert staff.removed({"file_size": 12345}) == {"file_size": 12345}


@pytest.mark.parametrize("name", ["label", "Labels", "annotation_data", "manual", "EXPORT"])
def test_a_word_that_the_program_writes_itself_is_told_and_not_searched(name):
    mentions = Mentions([name])
    assert mentions.ambiguous == (name,)
    assert f"the {name} is" not in mentions


def test_no_value_is_lost_where_keys_become_the_same():
    anna = Mentions(["Anna Berg", "19388"])
    document = {"Anna Berg": {"area": 1}, "[erased]": 0, "19388": {"area": 2}, "anna berg": 3}
    cleared = anna.removed(document)
    assert cleared == {"[erased] 2": {"area": 1}, ERASED: 0, "[erased] 3": {"area": 2},
                       "[erased] 4": 3}  # fmt: skip


def test_a_payload_names_somebody_in_its_values_and_not_in_its_columns():
    anna = Mentions(["prediction_3", "19388"])
    assert not anna.in_values({"prediction_3": 0.5, "size": 19388})
    assert anna.in_values({"notes": "see 19388"})
    assert anna.in_values({"annotation_data": {"19388": {"area": 1}}})


@pytest.mark.parametrize(
    ("name", "text"),
    [("Hans Groß", "HANS GROSS"), ("Åsa Öberg", "ÖBERG, ÅSA"), ("Ann o'Neil", "Ann O\u2019Neil")],
)
def test_case_is_that_of_unicode(name, text):
    assert Mentions([name]).removed(f"by {text}!") == f"by {ERASED}!"


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
