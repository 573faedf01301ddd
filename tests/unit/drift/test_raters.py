"""Who moved is told by comparison only: with others, and by one yardstick."""

from __future__ import annotations

import numpy as np

from mlmcsc.domain.drift.adjusting import Adjustment
from mlmcsc.domain.drift.raters import Rated, levels
from mlmcsc.domain.drift.report import judged


def sides(moved, n=60, model=0.0):
    """Labels of as many raters as `moved` has; each moved so far, and the model on top."""
    rng = np.random.default_rng(0)
    raters = np.repeat(np.arange(len(moved)), n)
    found = []
    for side in (0, 1):
        above = rng.normal(0, 0.05, len(raters)) + side * (np.asarray(moved)[raters] - model)
        found.append(Rated(raters, above, np.arange(len(raters))))
    return tuple(found)


def told(moved, yardstick="v1", **kwargs):
    names = [f"tech_{at}" for at in range(len(moved))]
    found = levels(sides(moved, **kwargs), names, yardstick)
    return judged(found, 0.05, Adjustment.BENJAMINI_HOCHBERG)


def drifted(found):
    return {each.channel for each in found if each.drifted}


def test_one_of_three_who_moves_is_found_and_the_others_are_not_blamed():
    assert drifted(told([0, 0, 0.1])) == {"level of tech_2"}


def test_what_moves_all_raters_alike_is_nobodys():
    assert drifted(told([0, 0, 0], model=0.2)) == set()


def test_of_one_or_two_raters_nobody_is_blamed():
    for moved in ([0.2], [0, 0.2]):
        found = told(moved)
        assert all("needs 2 to compare with" in each.reason for each in found)


def test_others_with_few_labels_are_no_comparison():
    found = told([0, 0, 0.2], n=29)
    assert all("0 other raters have 30 labels" in each.reason for each in found)


def test_without_a_model_that_predicted_before_on_both_sides_nobody_is_judged():
    found = told([0, 0, 0.2], yardstick=None)
    assert all("no model predicted images of both sides before" in f.reason for f in found)


def test_few_labels_of_the_others_make_a_level_less_certain():
    many, few = (told([0, 0, 0.02], n=n)[0] for n in (600, 60))
    assert many.effective_reference < 600
    assert few.effective_reference < 60
