"""When a channel alarms, and when it must not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlmcsc.domain.drift.adjusting import Adjustment
from mlmcsc.domain.drift.channels import Name, of_categories, of_numbers, of_vectors
from mlmcsc.domain.drift.clusters import Clustered, effective_of_numbers
from mlmcsc.domain.drift.kernel import discrepancy
from mlmcsc.domain.drift.report import judged

NAME = Name("inputs", "focus")


def clustered(rng, specimens=40, images=10, likeness=0.0, mean=0.0):
    """Values with the given correlation within specimens, of variance 1."""
    common = np.repeat(rng.normal(size=specimens), images) * np.sqrt(likeness)
    own = rng.normal(size=specimens * images) * np.sqrt(1 - likeness)
    return Clustered(mean + common + own, np.repeat(np.arange(specimens), images))


def false_alarms(make, n=300):
    rng = np.random.default_rng(5)
    return sum(make(rng).p <= 0.05 for _ in range(n)) / n


@pytest.mark.parametrize("likeness", [0.0, 0.6, 1.0])
def test_numbers_alarm_no_more_often_than_they_may_however_clustered(likeness):
    rate = false_alarms(
        lambda rng: of_numbers(
            NAME, (clustered(rng, likeness=likeness), clustered(rng, likeness=likeness))
        )
    )
    assert rate <= 0.075  # 0.05 and two standard errors


def test_without_regard_to_specimens_clusters_alone_would_alarm():
    def naive(rng):
        both = [clustered(rng, likeness=0.6) for _ in range(2)]
        return of_numbers(
            NAME, tuple(Clustered(each.values, np.arange(len(each))) for each in both)
        )

    assert false_alarms(naive, 100) > 0.3


def test_categories_alarm_no_more_often_than_they_may_when_specimens_have_one_instrument():
    def make(rng):
        both = [
            Clustered(np.repeat(rng.integers(0, 3, 60), 8), np.repeat(np.arange(60), 8))
            for _ in range(2)
        ]
        return of_categories(NAME, tuple(both), ["A", "B", "C"])

    assert false_alarms(make) <= 0.075


def test_vectors_alarm_no_more_often_than_they_may_when_clustered():
    def make(rng):
        both = []
        for _ in range(2):
            common = np.repeat(rng.normal(size=(15, 4)), 6, axis=0)
            vectors = (common + 0.5 * rng.normal(size=(90, 4))).astype(np.float32)
            both.append((vectors, np.repeat(np.arange(15), 6)))
        return discrepancy(*both, seed=1, permutations=99)

    assert false_alarms(make, 60) <= 0.1


def test_shifted_vectors_are_found_whatever_the_others_do():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(200, 8)).astype(np.float32) for _ in range(2))
    found = of_vectors(NAME, ((a, np.arange(200)), (b + 1, np.arange(200))), seed=0)
    assert found.p < 0.01
    assert found.level == "large"


def test_mmd_of_few_points_is_the_double_sum_of_the_definition():
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(n, 2)).astype(np.float32) for n in (5, 7))
    found = discrepancy((x, np.arange(5)), (y, np.arange(7)), seed=0, permutations=9)

    def mean(a, b, *, same):
        k = np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * found.bandwidth**2))
        return (k.sum() - len(a)) / (len(a) * (len(a) - 1)) if same else k.mean()

    expected = mean(x, x, same=True) + mean(y, y, same=True) - 2 * mean(x, y, same=False)
    assert found.mmd2 == pytest.approx(expected, abs=1e-5)


def test_images_that_are_alike_within_specimens_are_worth_as_many_values_as_specimens():
    rng = np.random.default_rng(0)
    both = (clustered(rng, likeness=1.0), clustered(rng, specimens=20, likeness=1.0))
    assert effective_of_numbers(both) == pytest.approx((40, 20))


def test_a_shift_between_periods_does_not_pass_for_likeness_within_specimens():
    rng = np.random.default_rng(0)
    both = (clustered(rng), clustered(rng, mean=3.0))
    assert min(effective_of_numbers(both)) > 300


def test_a_trifling_difference_is_no_drift_however_many_images_prove_it():
    rng = np.random.default_rng(0)
    both = [Clustered(rng.normal(mean, 1, 100_000), np.arange(100_000)) for mean in (0, 0.05)]
    found = judged([of_numbers(NAME, tuple(both))], 0.05, Adjustment.BENJAMINI_HOCHBERG)[0]
    assert found.adjusted_p < 1e-6
    assert not found.drifted


def test_half_a_standard_deviation_is_large_drift():
    rng = np.random.default_rng(0)
    both = (clustered(rng, 100, 5), clustered(rng, 100, 5, mean=0.7))
    found = judged([of_numbers(NAME, both)], 0.05, Adjustment.BENJAMINI_YEKUTIELI)[0]
    assert found.drifted
    assert found.level == "large"
    assert found.shift == pytest.approx(0.7, abs=0.2)


def test_a_channel_that_is_not_tested_says_why():
    rng = np.random.default_rng(0)
    few = Clustered(np.arange(29.0), np.arange(29))
    assert "29 values in the current; needs 30" in of_numbers(NAME, (clustered(rng), few)).reason
    one = Clustered(np.repeat(np.arange(5.0), 20), np.repeat(np.arange(5), 20))
    assert "worth 5.0 independent values" in of_numbers(NAME, (one, clustered(rng))).reason
    assert of_numbers(NAME, (one, clustered(rng))).level == "not tested"


def test_a_large_drift_of_vectors_alarms_beside_thirty_quiet_channels():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(150, 8)).astype(np.float32) for _ in range(2))
    quiet = [of_numbers(NAME, (clustered(rng, 10, 4), clustered(rng, 10, 4))) for _ in range(30)]
    vectors = of_vectors(NAME, ((a, np.arange(150)), (b + 2, np.arange(150))), seed=0)
    assert vectors.p < 1e-4
    for how in Adjustment:
        found = judged([*quiet, vectors], 0.05, how)
        assert [each.kind for each in found if each.drifted] == ["vectors"]


def test_the_fitted_tail_agrees_with_very_many_permutations():
    rng = np.random.default_rng(4)
    a, b = (np.repeat(rng.normal(size=(15, 4)) + at, 4, axis=0) for at in (0, 0.6))
    both = [(each.astype(np.float32), np.repeat(np.arange(15), 4)) for each in (a, b)]
    drawn = discrepancy(*both, seed=1, permutations=20_000)
    assert drawn.permutations < 20_000  # enough were as far out
    assert drawn.p < 0.01
    assert 0.3 < discrepancy(*both, seed=2, permutations=1000).p / drawn.p < 3


def test_few_clusters_can_be_dealt_out_in_few_ways_only():
    rng = np.random.default_rng(0)
    both = [
        (rng.normal(at * 50, 1, (40, 3)).astype(np.float32), np.repeat(np.arange(4), 10))
        for at in range(2)
    ]
    assert discrepancy(*both, seed=0).p >= 0.9 / 70


def test_what_never_changes_is_no_test_and_costs_the_others_nothing():
    one = Clustered(np.full(50, 15.0), np.arange(50))
    assert of_numbers(NAME, (one, one)).reason == "always 15"
    codes = Clustered(np.ones(50, np.int64), np.arange(50))
    assert of_categories(NAME, (codes, codes), ["A", "B"]).reason == "always B"


@pytest.mark.parametrize("value", [np.inf, 1e300])
def test_a_number_that_is_no_measurement_is_told_of_and_not_computed_with(value):
    usual = Clustered(np.arange(50.0), np.arange(50))
    wild = Clustered(np.append(np.arange(49.0), value), np.arange(50))
    found = of_numbers(NAME, (usual, wild))
    assert "1 values are beyond 1e+30" in found.reason
    json.dumps(found.to_dict(), allow_nan=False)
