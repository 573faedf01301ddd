"""Technicians' accuracy scores: what they are, and when they are written."""

from __future__ import annotations

import numpy as np
import pytest


def scores(db):
    return {
        each.technician_id: (each.accuracy_score, each.accuracy_labels)
        for each in db.technicians.list().items
    }


def test_the_score_is_one_less_the_mean_error_over_the_range(db, images_of, measure):
    person, expert = db.register_technician("p", "P"), db.register_technician("e", "E")
    images = images_of(5)
    measure(expert, images, [0.5] * 5, label_type="gold")
    measure(person, images, [0.4, 0.6, 0.5, 0.5, 0.3])

    done = db.agreement.update_accuracy()

    assert scores(db) == {"p": (0.92, 5), "e": (None, None)}
    assert done.changed == 1
    assert db.technicians.get("p").accuracy_scored_at is not None


def test_a_calm_database_is_not_written_to(db, gold, counts):
    assert db.agreement.update_accuracy().changed == 3
    before = counts()

    assert db.agreement.update_accuracy().changed == 0
    assert counts() == before


@pytest.mark.sqlite_tells
def test_only_those_whose_score_changed_are_written_with_one_event(db, gold, measure, audit):
    db.agreement.update_accuracy()
    late = db.register_technician("tech_004", "D")
    measure(late, gold.images[:6], gold.truth[:6])
    other = db.register_technician("tech_005", "D")
    measure(other, gold.images[:6], gold.truth[:6] + 0.1)

    assert db.agreement.update_accuracy().changed == 2

    event = audit()[-1]
    assert (event.operation, event.table_name) == ("UPDATE", "technicians")
    assert event.new_values[str(late)] == {"accuracy_score": 1.0, "accuracy_labels": 6}
    assert set(event.new_values) >= {str(late), str(other)}


@pytest.mark.sqlite_tells
def test_without_gold_the_others_are_the_reference(db, raters):
    db.agreement.update_accuracy()

    found = scores(db)

    assert {n for _, n in found.values()} == {30}
    assert found["tech_001"][0] > found["tech_003"][0] > 0.9


@pytest.mark.sqlite_tells
def test_below_five_comparisons_there_is_no_score(db, images_of, measure):
    one, two = db.register_technician("a", "A"), db.register_technician("b", "B")
    images = images_of(4)
    for who in (one, two):
        measure(who, images, [0.5, 0.6, 0.4, 0.3])

    db.agreement.update_accuracy()

    assert scores(db) == {"a": (None, 4), "b": (None, 4)}


@pytest.mark.sqlite_tells
def test_nobody_is_held_against_their_own_gold_label(db, images_of, measure):
    one = db.register_technician("a", "A")
    images = images_of(6)
    measure(one, images, np.full(6, 0.5))
    measure(one, images, np.full(6, 0.5), label_type="gold")

    db.agreement.update_accuracy()

    assert scores(db) == {"a": (None, None)}


def test_who_was_erased_gets_no_score_again(db, gold):
    db.agreement.update_accuracy()
    db.delete_user_data("tech_003", labels="keep")

    db.agreement.update_accuracy()

    pseudonym = db.technicians.get(gold.people["tech_003"])
    assert (pseudonym.accuracy_score, pseudonym.accuracy_labels) == (None, None)
    assert scores(db)["tech_001"][0] is not None


@pytest.mark.sqlite_tells
def test_who_is_restricted_keeps_the_score_there_was(db, gold, measure):
    db.agreement.update_accuracy()
    before = scores(db)
    db.holds.restrict("tech_003", "contested")
    measure(gold.people["tech_001"], gold.images[:1], [0.9])

    done = db.agreement.update_accuracy()

    assert scores(db)["tech_003"] == before["tech_003"]
    assert done.restricted == 1
