"""Repeatability and reproducibility.

Worked example: Bland & Altman (1986), Lancet i, 307-310: 95 % of two measurements of one person
by Wright's meter differ by less than 43.2 l/min, by the mini meter 56.4 (2 SD of the difference,
which is 2 times the root of 2 times s_r). Formulas: ISO 5725-2:2019, 7.4.
"""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.domain.agreement.precision import precision
from mlmcsc.errors import ValidationError


@pytest.mark.parametrize(("columns", "published"), [((0, 1), 43.2), ((2, 3), 56.4)])
def test_worked_example_of_two_peak_flow_meters(pefr, columns, published):
    people = np.repeat(np.arange(17), 2)
    found = precision(pefr[:, columns].ravel(), people, np.zeros(34))
    assert 2 * 2**0.5 * found.s_r == pytest.approx(published, abs=0.2)


def test_one_unbalanced_level_is_the_standard_s_own_formula():
    groups = [[7.1, 7.3], [6.4, 6.9, 6.6], [7.9], [7.0, 7.2, 7.1, 6.8]]
    n = np.array([len(each) for each in groups])
    means = np.array([np.mean(each) for each in groups])
    within = sum(((np.array(g) - np.mean(g)) ** 2).sum() for g in groups) / (n.sum() - 4)
    mean = (n * means).sum() / n.sum()
    s_d = (n * (means - mean) ** 2).sum() / 3
    n_bar = (n.sum() - (n**2).sum() / n.sum()) / 3
    found = precision(np.concatenate(groups), np.zeros(10), np.repeat(range(4), n))
    assert found.s_r == pytest.approx(within**0.5)
    assert found.s_l == pytest.approx(((s_d - within) / n_bar) ** 0.5)
    assert found.s_reproducibility**2 == pytest.approx(found.s_r**2 + found.s_l**2)
    assert found.limit_reproducibility == pytest.approx(2.8 * found.s_reproducibility)


def test_known_standard_deviations_are_recovered_from_unbalanced_labels():
    generator = np.random.default_rng(4)
    labels = 40_000
    item, rater = generator.integers(0, 2_000, labels), generator.integers(0, 8, labels)
    lab = generator.normal(size=(2_000, 8)) * 3
    values = 50 + item % 7 * 10 + lab[item, rater] + 2 * generator.normal(size=labels)
    found = precision(values, item, rater)
    assert found.s_r == pytest.approx(2, abs=0.03)
    assert found.s_l == pytest.approx(3, abs=0.06)


def test_without_repeats_only_reproducibility_is_told_and_why():
    found = precision([1, 3, 2, 2], [0, 0, 1, 1], ["a", "b", "a", "b"])
    assert (found.s_r, found.limit_r, found.s_l) == (None, None, None)
    assert found.s_reproducibility == pytest.approx(1.0)
    assert "nobody labelled an image twice" in found.reason


def test_with_one_rater_only_repeatability_is_told_and_why():
    found = precision([1, 3, 5, 5], [0, 0, 1, 1], [9, 9, 9, 9])
    assert found.s_r == pytest.approx(1.0)
    assert found.s_reproducibility is None
    assert "no image has labels of two raters" in found.reason


def test_a_negative_variance_between_raters_becomes_zero_and_says_so():
    found = precision([1, 9, 9, 1], [0, 0, 0, 0], [1, 1, 2, 2])
    assert (found.s_l, found.negative_set_to_zero) == (0.0, True)


def test_labels_that_share_nothing_are_refused():
    with pytest.raises(ValidationError, match="nobody labelled an image twice"):
        precision([1, 2], [0, 1], [0, 0])
