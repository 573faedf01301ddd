"""`privacy restrict`, `hold`, `release` and `holds`."""

from __future__ import annotations

import pytest


@pytest.fixture
def privacy(labelled):
    """Run a `privacy` command on twelve labelled images."""
    return lambda *words: labelled("privacy", *words)


def test_a_restricted_person_cannot_label_until_released(privacy, labelled):
    add = ("labels", "add", 1, 0.5, "--technician", "tech_001")
    ran = privacy("restrict", "tech_001", "--ground", "accuracy contested")
    assert (ran.code, "accuracy contested" in ran.out) == (0, True)
    refused = labelled(*add)
    assert refused.code == 2
    assert "restricted" in refused.err
    assert "accuracy contested" not in refused.err
    report = labelled("training", "split", "--json").json["report"]
    assert (report["used"], report["restricted_labels"]) == (0, 12)
    assert "12 labels of restricted people set aside" in labelled("training", "split").out
    assert privacy("release", "tech_001", "--reason", "accuracy confirmed").code == 0
    assert labelled(*add).code == 0


def test_holds_are_listed_and_released_one_by_one(privacy):
    hold = ("hold", "--specimen", "SPEC_000", "--ground")
    first = privacy(*hold, "case A", "--json").json
    privacy(*hold, "case B")
    assert first["specimen_id"] == "SPEC_000"
    listed = privacy("holds", "--json").json
    assert [held["ground"] for held in listed] == ["case A", "case B"]
    release = ("release", "--specimen", "SPEC_000", "--reason", "settled")
    ambiguous = privacy(*release)
    assert (ambiguous.code, "case A" in ambiguous.err) == (2, True)
    assert privacy(*release, "--id", first["id"]).code == 0
    assert privacy(*release, "--hold").code == 0
    assert "nothing is held" in privacy("holds").out
    assert len(privacy("holds", "--all", "--json").json) == 2
    assert "specimen SPEC_000" in privacy("holds", "--all").out


def test_hold_and_restriction_of_a_person_are_told_apart(privacy):
    privacy("hold", "tech_001", "--ground", "case A")
    privacy("restrict", "tech_001", "--ground", "contested")
    release = ("release", "tech_001", "--reason", "done")
    assert privacy(*release).code == 2
    assert privacy(*release, "--restriction", "--json").json["kind"] == "restrict"
    assert [held["kind"] for held in privacy("holds", "tech_001", "--json").json] == ["hold"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("restrict", "nobody", "--ground", "x"), 1),
        (("hold", "--specimen", "SPEC_999", "--ground", "x"), 1),
        (("release", "tech_001", "--reason", "x"), 1),
        (("restrict", "tech_001"), 2),
        (("restrict", "tech_001", "--ground", " "), 2),
        (("hold", "--ground", "x"), 2),
        (("hold", "tech_001", "--specimen", "SPEC_000", "--ground", "x"), 2),
    ],
)
def test_wrong_words_and_unknown_names_do_nothing(privacy, words, code):
    ran = privacy(*words)
    assert (ran.code, ran.out) == (code, "")
    assert privacy("holds", "--json").json == []
