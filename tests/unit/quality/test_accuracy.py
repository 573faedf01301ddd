"""Coverage of conformal intervals, and what a random sample of files can say."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.domain.quality.accuracy import binomial, calibration, conformal, upper_bound


def test_the_half_width_is_the_rank_of_split_conformal_prediction():
    residuals = np.concatenate([np.arange(1, 100) / 100, np.full(99, 0.5)])  # n = 99 calibrate
    found = conformal(residuals, 0.9, "independent")
    assert found.half_width == pytest.approx(0.90)  # ceil(100 * 0.9) = the 90th smallest
    assert (found.coverage, found.calibrated_on, found.measured_on) == (1.0, 99, 99)


def test_a_model_that_got_worse_is_found_and_a_steady_one_is_not():
    steady = np.abs(np.random.default_rng(5).normal(size=2000))
    assert not conformal(steady, 0.9, "independent").too_low
    assert conformal(np.append(steady[:1000], 2 * steady[1000:]), 0.9, "independent").too_low


def test_too_few_answers_are_no_number():
    found = conformal(np.full(39, 0.1), 0.9, "all")
    assert (found.coverage, found.half_width) == (None, None)
    assert "at least 40" in found.reason
    assert "too few" in conformal(np.full(40, 0.1), 0.99, "all").reason


def test_the_binomial_interval_is_the_published_one():
    # As binom.test(5, 20) of R prints it.
    assert binomial(5, 20) == pytest.approx((0.0866, 0.4910), abs=5e-5)
    assert binomial(0, 10)[0] == 0.0
    assert binomial(10, 10)[1] == 1.0


def test_nothing_missing_in_a_sample_bounds_the_share_by_the_rule_of_three():
    assert upper_bound(0, 20_000) == pytest.approx(3 / 20_000, rel=0.01)
    assert upper_bound(10, 10) == 1.0


def test_a_calibration_error_of_few_predictions_is_not_told_but_their_intervals_are():
    """Of 99 of 100 there is none; a bin of one, which was wrong, may be right up to 97.5 %."""
    few = {9: np.array([98.0, 93.1, 98.0]), 3: np.array([1.0, 0.35, 0.0])}
    found = calibration(few, 10, 0.05, "all")
    assert (found.n, found.ece) == (99, None)
    assert (found.bins[0].right_low, found.bins[0].right_high) == (0.0, pytest.approx(0.975))
    more = calibration(few | {9: np.array([99.0, 94.05, 99.0])}, 10, 0.05, "all")
    assert more.ece == pytest.approx((99 * 0.05 + 0.35) / 100)
