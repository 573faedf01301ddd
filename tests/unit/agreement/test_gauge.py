"""Crossed gauge R&R.

Worked example: AIAG, Measurement Systems Analysis, 4th edition (2010), chapter III, section B:
10 parts, 3 appraisers, 3 trials. Analysis of variance: parts 88.3619, appraisers 3.1673,
interaction 0.3590, equipment 2.7589 (sums of squares); interaction pooled; %GRR 27.9.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmcsc.domain.agreement.gauge import gauge_rr
from mlmcsc.errors import ValidationError

APPRAISERS = [
    [
        [0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36],
        [0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25],
        [0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31],
    ],
    [
        [0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68],
        [0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62],
        [0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50],
    ],
    [
        [0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49],
        [-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77],
        [-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16],
    ],
]
AIAG = np.transpose(np.array(APPRAISERS), (2, 0, 1))


def test_aiag_worked_example():
    found = gauge_rr(AIAG)
    assert (found.parts, found.operators, found.replicates) == (10, 3, 3)
    deviations = {each.name: each.sd for each in found.components}
    assert deviations["repeatability"] == pytest.approx(0.199933, abs=1e-6)
    assert deviations["operator"] == pytest.approx(0.226838, abs=1e-6)
    assert deviations["gauge"] == pytest.approx(0.302373, abs=2e-6)
    assert deviations["part"] == pytest.approx(1.042327, abs=1e-6)
    assert found.percent_grr == pytest.approx(27.9, abs=0.05)


def test_aiag_interaction_is_pooled_and_four_categories_are_told_apart():
    found = gauge_rr(AIAG)
    assert found.interaction_f == pytest.approx((0.358982 / 18) / (2.758933 / 60), abs=1e-4)
    assert found.interaction_p > 0.25
    assert found.pooled
    assert (found.ndc, found.verdict) == (4, "marginal")


def test_a_real_interaction_is_kept():
    generator = np.random.default_rng(0)
    both = generator.normal(size=(30, 6, 1)) * 4
    values = 10 * generator.normal(size=(30, 1, 1)) + both + generator.normal(size=(30, 6, 4))
    found = gauge_rr(values)
    assert not found.pooled
    assert found.component("interaction").sd == pytest.approx(4, abs=0.5)
    assert found.component("repeatability").sd == pytest.approx(1, abs=0.05)


def test_a_negative_component_becomes_zero_and_says_so():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(10, 3, 3)) + np.arange(10)[:, None, None]
    values -= values.mean(axis=(0, 2), keepdims=True)  # operators agree more than chance lets them
    operator = gauge_rr(values).component("operator")
    assert (operator.variance, operator.set_to_zero) == (0.0, True)


def test_a_gauge_without_variation_tells_any_number_of_categories():
    found = gauge_rr(np.broadcast_to(np.arange(5.0)[:, None, None], (5, 3, 2)))
    assert (found.percent_grr, found.ndc, found.verdict) == (0.0, None, "acceptable")


def test_a_gauge_that_sees_no_parts_has_one_category():
    generator = np.random.default_rng(1)
    found = gauge_rr(generator.normal(size=(5, 3, 3)) * 10 + np.arange(5)[:, None, None] * 1e-6)
    assert (found.ndc, found.verdict) == (1, "unacceptable")


@settings(max_examples=40)
@given(arrays(np.int64, (4, 3, 2), elements=st.integers(0, 99), unique=True))
def test_shares_add_up_and_do_not_depend_on_unit_or_order(cube):
    found, other = gauge_rr(cube), gauge_rr(-0.01 * cube[::-1, ::-1, ::-1] + 5)
    assert other.percent_grr == pytest.approx(found.percent_grr, abs=1e-6)
    shares = {each.name: each.percent_contribution for each in found.components}
    assert shares["gauge"] + shares["part"] == pytest.approx(100)
    assert all(0 <= each <= 100.000001 for each in shares.values())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 2), "1 parts: at least 2"),
        ((3, 1, 2), "1 operators"),
        ((3, 3, 1), "1 replicates of a cell: at least 2"),
    ],
)
def test_too_little_is_refused_by_name(shape, message):
    with pytest.raises(ValidationError, match=message):
        gauge_rr(np.zeros(shape))


def test_measurements_that_never_differ_are_refused():
    with pytest.raises(ValidationError, match="every measurement is the same"):
        gauge_rr(np.full((3, 3, 2), 0.1))
