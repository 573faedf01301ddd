from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.agreement.consensus import consensus
from mlmcsc.errors import ValidationError


def crowd(items, labels, sigma, bias, seed=0):
    """Truth of items, and labels in long form by raters of such scatter and bias."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0, 100, items)
    item, rater = generator.integers(0, items, labels), generator.integers(0, len(sigma), labels)
    _, first = np.unique(item * len(sigma) + rater, return_index=True)
    item, rater = item[first], rater[first]
    noise = generator.normal(size=len(item)) * np.asarray(sigma)[rater]
    return truth, truth[item] + np.asarray(bias)[rater] + noise, item, rater


def test_scatter_and_bias_of_every_rater_are_recovered():
    sigma, bias = [1, 2, 4, 8], [0.5, -2, 3, -1.5]
    _, values, item, rater = crowd(3_000, 9_000, sigma, bias)
    found = consensus(values, item, rater)
    assert [each.sigma for each in found.raters] == pytest.approx(sigma, rel=0.08)
    assert [each.bias for each in found.raters] == pytest.approx(bias, abs=0.4)
    assert found.converged


def test_weighting_beats_the_plain_mean_and_says_how_sure_it_is():
    truth, values, item, rater = crowd(2_000, 8_000, [1, 1.5, 6, 10], [0, 0, 0, 0])
    found = consensus(values, item, rater)
    error = found.values - truth[found.items]
    plain = np.bincount(item, values)[found.items] / np.bincount(item)[found.items]
    assert np.std(error) < 0.7 * np.std(plain - truth[found.items])
    covered = np.abs(error) < 1.96 * found.uncertainties
    assert 0.93 < covered.mean() < 0.99


def test_an_item_with_one_rater_has_that_rater_s_own_scatter():
    _, values, item, rater = crowd(1_000, 2_500, [1, 5], [0, 0])
    values, item, rater = (
        np.append(values, [50, 50]),
        np.append(item, [9_001, 9_002]),
        [*rater, 0, 1],
    )
    found = consensus(values, item, rater)
    assert found.raters_per_item[-2:].tolist() == [1, 1]
    for at in (0, 1):
        who = found.raters[at]
        alone = (who.sigma**2 + who.bias_uncertainty**2) ** 0.5
        assert found.uncertainties[-2 + at] == pytest.approx(alone)


def test_raters_who_disagree_more_than_they_should_raise_the_uncertainty():
    generator = np.random.default_rng(0)
    calm = generator.normal(size=(200, 3)) + generator.uniform(0, 100, (200, 1))
    calm[0] = [10, 50, 90]
    item, rater = np.indices(calm.shape)
    found = consensus(calm.ravel(), item.ravel(), rater.ravel())
    assert found.uncertainties[0] > 9 * np.median(found.uncertainties)


def test_few_labels_that_happen_to_agree_make_nobody_infallible():
    _, values, item, rater = crowd(500, 1_500, [3, 3, 3], [0, 0, 0])
    middle = np.bincount(item, values, 500) / np.maximum(np.bincount(item, minlength=500), 1)
    lucky = np.unique(item)[:2]
    values, item = np.append(values, middle[lucky]), np.append(item, lucky)
    found = consensus(values, item, np.append(rater, [9, 9]))
    assert found.raters[-1].sigma > 1.5
    assert found.raters[-1].borrowed > 0.6


def test_two_raters_of_whom_the_labels_tell_no_more_count_the_same():
    _, values, item, rater = crowd(400, 2_000, [1, 6], [0, 0])
    found = consensus(values, item, rater)
    assert found.raters[0].sigma == pytest.approx(found.raters[1].sigma, rel=1e-6)


def test_gold_tells_two_raters_apart_and_is_not_mixed_in():
    truth, values, item, rater = crowd(400, 2_000, [1, 6], [5, -1])
    gold = np.where(item < 200, truth[item], np.nan)
    found = consensus(values, item, rater, reference=gold)
    assert [each.sigma for each in found.raters] == pytest.approx([1, 6], rel=0.2)
    assert [each.bias for each in found.raters] == pytest.approx([5, -1], abs=0.8)
    assert not np.isin(truth[:200], found.values).any()


def test_labels_that_all_agree_have_only_the_uncertainty_of_rounding():
    found = consensus([0.1, 0.1, 0.7, 0.7], [1, 1, 2, 2], ["a", "b", "a", "b"], resolution=0.05)
    assert found.values == pytest.approx([0.1, 0.7])
    assert found.uncertainties == pytest.approx(0.05 / 12**0.5)


@pytest.mark.parametrize(
    ("labels", "step"),
    [
        ([0.2, 0.2], 0.01),
        ([50, 50], 1),
        ([0.1, 0.1, 0.15, 0.15, 0.2, 0.2, 0.35, 0.35, 0.6, 0.6], 0.05),
    ],
)
def test_equal_labels_are_no_more_certain_than_their_rounding(labels, step):
    found = consensus(labels, np.arange(len(labels)) // 2, np.arange(len(labels)) % 2)
    assert found.resolution == pytest.approx(step)
    assert found.uncertainties == pytest.approx(step / 12**0.5)


def panel(images, people, bias, seed, sigma=0.05):
    """Truth, labels, items and raters of people who all labelled all images."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0.2, 0.8, images)
    off = bias * generator.normal(size=people)
    table = truth[:, None] + off + sigma * generator.normal(size=(images, people))
    item, rater = np.indices(table.shape)
    return truth, table.ravel(), item.ravel(), rater.ravel()


@pytest.mark.parametrize("gold", [0, 1, 5])
@pytest.mark.parametrize(("images", "bias"), [(30, 0.0), (30, 0.05), (10, 0.05)])
def test_the_uncertainty_covers_the_truth_with_biased_people_few_images_and_little_gold(
    gold, images, bias
):
    hits = []
    for seed in range(100):
        truth, values, item, rater = panel(images, 3, bias, seed)
        known = np.where(item < gold, truth[item], np.nan)
        found = consensus(values, item, rater, reference=known)
        off = np.abs(found.values - truth)[gold:]
        hits.append((off <= 1.96 * found.uncertainties[gold:]).mean())
    assert np.mean(hits) >= 0.92


def test_one_gold_label_however_wrong_moves_nobody():
    truth, values, item, rater = panel(12, 4, 0.0, 3, sigma=0.02)
    wrong = np.where(item == 0, truth[0] + 0.15, np.nan)
    without = consensus(values, item, rater)
    found = consensus(values, item, rater, reference=wrong)
    assert found.values == pytest.approx(without.values)
    assert (found.gold, found.wild) == (0, 0)


def test_one_wild_gold_label_among_many_is_left_out():
    truth, values, item, rater = panel(12, 4, 0.0, 3, sigma=0.02)
    gold = np.where(item < 8, truth[item] - 0.1, np.nan)
    wild = np.where(item == 0, 5.0, gold)
    found = consensus(values, item, rater, reference=wild)
    assert (found.gold, found.wild) == (7, 1)
    assert found.values == pytest.approx(truth - 0.1, abs=0.04)


def test_a_bias_that_all_share_is_known_no_better_than_gold_images_scatter():
    truth, values, item, rater = panel(400, 4, 0.0, 1, sigma=0.01)
    scattered = truth + 0.1 * np.random.default_rng(0).normal(size=400)
    known = np.where(item < 6, scattered[item], np.nan)
    found = consensus(values, item, rater, reference=known)
    assert found.gold == 6
    assert abs((found.values - truth).mean()) < 0.3 * abs((scattered - truth)[:6].mean())
    assert (np.abs(found.values - truth) < 1.96 * found.uncertainties).mean() > 0.9


def test_constant_offsets_are_biases_and_not_scatter():
    found = consensus([1, 2, 3, 4, 5, 6, 8, 9, 10], np.arange(9) // 3, np.arange(9) % 3)
    assert [each.bias for each in found.raters] == pytest.approx([-1, 0, 1], abs=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500), st.floats(0.01, 100), st.floats(-50, 50))
def test_unit_zero_point_and_order_of_labels_do_not_matter(seed, scale, shift):
    _, values, item, rater = crowd(30, 120, [1, 2, 5], [0, 1, -2], seed)
    one = consensus(values, item, rater)
    order = np.random.default_rng(seed).permutation(len(values))
    other = consensus(scale * values[order] + shift, item[order], rater[order])
    assert other.values == pytest.approx(scale * one.values + shift, rel=1e-6, abs=1e-6 * scale)
    assert other.uncertainties == pytest.approx(scale * one.uncertainties, rel=1e-5)
    assert (one.uncertainties > 0).all()
    lowest = np.array([values[item == each].min() for each in one.items])
    assert (one.values >= lowest - max(abs(each.bias) for each in one.raters) - 1e-9).all()


def test_labels_that_nobody_shares_are_refused():
    with pytest.raises(ValidationError, match="no item has labels of two raters or a gold value"):
        consensus([1, 2, 3], [1, 2, 2], ["a", "b", "b"])


def test_a_resolution_below_zero_is_refused():
    with pytest.raises(ValidationError, match="resolution=-1"):
        consensus([1, 2], [1, 1], ["a", "b"], resolution=-1)


def test_a_million_labels_take_seconds():
    _, values, item, rater = crowd(350_000, 1_000_000, np.linspace(1, 8, 20), np.zeros(20))
    start = time.perf_counter()
    assert consensus(values, item, rater).converged
    assert time.perf_counter() - start < 10
