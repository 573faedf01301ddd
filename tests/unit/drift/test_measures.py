"""Distances between samples, against values worked out by hand or by SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlmcsc.domain.drift.adjusting import Adjustment, adjusted
from mlmcsc.domain.drift.measures import (
    Shares,
    binned,
    chi_square_p,
    distances,
    kolmogorov_p,
    psi,
    quantile_edges,
)

BENJAMINI_HOCHBERG_1995 = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000),
]
"""The p-values of section 3.2 of that paper, on thrombolysis."""


def samples(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=300), rng.normal(0.3, 1.2, size=200)


def test_psi_of_two_bins_by_hand():
    # (0.7 - 0.5)·ln(1.4) + (0.3 - 0.5)·ln(0.6) = 0.2·ln(7/3)
    assert psi(np.array([50, 50]), np.array([70, 30])) == pytest.approx(0.2 * np.log(7 / 3))


def test_a_bin_empty_on_one_side_counts_as_half_an_observation_there():
    expected = (0.1 - 0.005) * np.log(0.1 / 0.005) + (0.9 - 1) * np.log(0.9)
    assert psi(np.array([0, 100]), np.array([10, 90])) == pytest.approx(expected)


def test_a_bin_empty_on_both_sides_adds_nothing():
    assert psi(np.array([50, 0, 50]), np.array([70, 0, 30])) == psi(
        np.array([50, 50]), np.array([70, 30])
    )


def test_a_new_voltage_beside_a_constant_one_gets_a_bin_of_its_own():
    reference, current = np.full(50, 15.0), np.full(40, 10.0)
    shares = binned(reference, current, quantile_edges(reference))
    assert [*shares.reference] == [0, 50, 0]
    assert [*shares.current] == [40, 0, 0]


def test_bins_hold_equal_shares_of_the_reference():
    reference = np.sort(samples()[0])
    assert [*binned(reference, reference, quantile_edges(reference)).reference] == [30] * 10


def test_kolmogorov_smirnov_distance_by_hand():
    assert distances(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]))[0] == 0.5


def test_kolmogorov_smirnov_is_scipys():
    a, b = samples()
    found = stats.ks_2samp(a, b)
    assert distances(np.sort(a), np.sort(b))[0] == pytest.approx(found.statistic)
    assert kolmogorov_p(found.statistic, (300, 200)) == pytest.approx(found.pvalue, rel=0.15)


def test_the_five_percent_point_of_the_kolmogorov_distribution():
    assert kolmogorov_p(1.3581 / np.sqrt(50), (100, 100)) == pytest.approx(0.05, abs=1e-4)


def test_wasserstein_of_a_pure_shift_is_the_shift():
    a = samples()[0]
    assert distances(np.sort(a), np.sort(a + 0.25))[1] == pytest.approx(0.25)


def test_wasserstein_by_hand():
    # A third of the mass moves by 5: from scipy.stats.wasserstein_distance's documentation.
    assert distances(np.array([0.0, 1, 3]), np.array([5.0, 6, 8]))[1] == pytest.approx(5.0)


def test_chi_square_is_scipys_for_independent_values():
    shares = Shares(None, ("a", "b", "c"), np.array([30, 50, 20]), np.array([25, 60, 65]))
    expected = stats.chi2_contingency([shares.reference, shares.current]).pvalue
    assert chi_square_p(shares, (100, 150)) == pytest.approx(expected)


def test_the_worked_example_of_benjamini_and_hochberg_has_four_rejections():
    found = adjusted(np.array(BENJAMINI_HOCHBERG_1995), Adjustment.BENJAMINI_HOCHBERG)
    assert (found <= 0.05).sum() == 4
    assert found == pytest.approx(stats.false_discovery_control(BENJAMINI_HOCHBERG_1995))


def test_benjamini_yekutieli_is_stricter_by_the_harmonic_sum():
    found = adjusted(np.array(BENJAMINI_HOCHBERG_1995), Adjustment.BENJAMINI_YEKUTIELI)
    expected = stats.false_discovery_control(BENJAMINI_HOCHBERG_1995, method="by")
    assert found == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_adjusted_values_are_no_smaller_and_keep_the_order(p_values):
    found = adjusted(np.array(p_values), Adjustment.BENJAMINI_HOCHBERG)
    assert (found >= np.array(p_values) - 1e-15).all()
    assert (np.diff(found[np.argsort(p_values)]) >= 0).all()
