from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmcsc.domain.agreement.rater_effects import rater_effects
from mlmcsc.errors import ValidationError


def crossed(table):
    """Values, items and raters of a table `(items, raters)`."""
    item, rater = np.indices(np.shape(table))
    return np.asarray(table, float).ravel(), item.ravel(), rater.ravel()


def test_bias_scatter_and_scale_against_gold_are_recovered():
    generator = np.random.default_rng(0)
    gold = generator.uniform(0, 100, 3_000)
    ana = gold + 4 + generator.normal(size=3_000)
    bob = 50 + 0.8 * (gold - 50) + 3 * generator.normal(size=3_000)
    values, item, rater = crossed(np.stack([ana, bob], axis=1))
    first, second = rater_effects(values, item, rater, reference=gold[item])
    assert (first.against, first.n) == ("gold", 3_000)
    assert first.bias_low < 4 < first.bias_high
    assert first.scatter == pytest.approx(1, abs=0.05)
    assert first.slope == pytest.approx(1, abs=0.01)
    assert first.biased
    assert second.slope_low < 0.8 < second.slope_high
    assert not second.biased


def test_without_gold_each_rater_is_held_against_the_mean_of_the_others():
    found = rater_effects(*crossed([[10, 20, 30], [40, 50, 60], [50, 60, 70]]))
    assert [each.bias for each in found] == pytest.approx([-10, 0, 10])
    assert [each.mae for each in found] == pytest.approx([15, 0, 15])
    assert {each.against for each in found} == {"others"}


def test_one_who_is_off_does_not_make_the_others_look_off():
    generator = np.random.default_rng(2)
    table = generator.uniform(0, 1, (40, 1)) + 0.01 * generator.normal(size=(40, 4))
    found = rater_effects(*crossed(table + np.array([0, 0, 0, 0.4])))
    assert [each.bias for each in found] == pytest.approx([-0.1, -0.1, -0.1, 0.3], abs=0.01)


def test_who_differs_from_the_others_is_not_called_biased():
    low, high = rater_effects(*crossed([[1.0, 2.0], [2.0, 3.1], [3.0, 4.0]]))
    assert (low.biased, low.differs, high.differs) == (None, True, True)
    (gold,) = rater_effects([1.0, 2.1, 3.0], [0, 1, 2], [1] * 3, reference=[0.0, 1.0, 2.0])
    assert (gold.biased, gold.differs) == (True, None)


def test_images_of_one_specimen_widen_the_interval():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(10), 6)
    gold = generator.uniform(0, 1, 60)
    value = gold + 0.05 * generator.normal(size=10)[specimen] + 0.01 * generator.normal(size=60)
    who = np.zeros(60)
    (plain,) = rater_effects(value, np.arange(60), who, gold)
    (robust,) = rater_effects(value, np.arange(60), who, gold, clusters=specimen)
    assert robust.bias == plain.bias
    assert robust.bias_high - robust.bias_low > 1.7 * (plain.bias_high - plain.bias_low)


def test_labels_without_a_gold_value_are_left_out():
    (found,) = rater_effects([1, 2, 9], [0, 1, 2], ["T-1"] * 3, reference=[0, 0, np.nan])
    assert (found.rater, found.n, found.bias, found.largest) == ("T-1", 2, 1.5, 2.0)


def test_labelling_one_item_often_counts_once():
    found, _ = rater_effects([5, 5, 5, 5, 1, 4, 2], [0, 0, 0, 0, 1, 0, 1], [1, 1, 1, 1, 1, 2, 2])
    assert (found.n, found.bias) == (2, 0.0)


def test_few_labels_give_what_they_can_and_say_what_is_missing():
    lone, single = rater_effects([5, 1, 2], [0, 1, 1], [1, 1, 2])
    assert (lone.n, lone.bias, lone.bias_low, lone.slope) == (1, -1.0, None, None)
    assert "3 are needed" in single.reason


def test_a_rater_nobody_can_be_compared_with_has_no_numbers():
    (found,) = rater_effects([5, 6], [0, 1], [1, 1])
    assert (found.n, found.bias, found.mae, found.biased) == (0, None, None, None)
    assert found.reason.startswith("0 items to compare with others")


def test_one_reference_value_gives_no_slope():
    (found,) = rater_effects([5, 6, 7], [0, 1, 2], [1, 1, 1], reference=[5, 5, 5])
    assert (found.bias, found.slope) == (1.0, None)
    assert "one reference value" in found.reason


@settings(max_examples=40)
@given(arrays(np.int64, (6, 3), elements=st.integers(0, 100)))
def test_biases_against_others_shift_with_nobody_and_scale_with_the_unit(table):
    values, item, rater = crossed(table)
    one = rater_effects(values, item, rater)
    other = rater_effects(0.5 * values + 7, item, rater)
    assert sum(each.bias for each in one) == pytest.approx(0, abs=1e-9)
    halves = [each.bias / 2 for each in one]
    assert [each.bias for each in other] == pytest.approx(halves, rel=1e-2, abs=1e-2)


def test_labels_of_different_lengths_are_refused():
    with pytest.raises(ValidationError, match="all the same length"):
        rater_effects([1, 2], [1, 2], [1])
