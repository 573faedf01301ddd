"""ICC(2,1) and ICC(2,k).

Worked example: Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428, table 2 (six targets,
four judges) and table 4: ICC(2,1) = .29, ICC(2,k) = .62. Intervals as R's psych::ICC gives them
for the same data: 0.019 to 0.76, and 0.071 to 0.93.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmcsc.domain.agreement.icc import band, icc
from mlmcsc.errors import ValidationError

JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)
TABLES = arrays(np.int64, (7, 3), elements=st.integers(0, 100), unique=True)


def test_shrout_and_fleiss_worked_example():
    found = icc(JUDGES)
    assert (round(found.single, 2), round(found.average, 2)) == (0.29, 0.62)
    mean_squares = (found.ms_items, found.ms_raters, found.ms_error)
    assert mean_squares == pytest.approx((11.24, 32.49, 1.02), abs=0.005)


def test_intervals_of_the_worked_example():
    found = icc(JUDGES)
    assert (found.single_low, found.single_high) == pytest.approx((0.019, 0.761), abs=5e-4)
    assert (found.average_low, found.average_high) == pytest.approx((0.071, 0.927), abs=5e-4)


def test_bands_judge_the_interval_and_never_the_value_alone():
    assert icc(JUDGES).single_band == "poor to good"
    assert band(0.55, 0.85) == "moderate to good"
    assert band(0.92, 0.97) == "excellent"
    assert band(0.1, 0.49) == "poor"
    assert band(0.5, 0.7499) == "moderate"


def test_perfect_agreement_is_one_with_a_tight_interval():
    found = icc(np.repeat([[0.1], [0.35], [0.7]], 4, axis=1))
    assert (found.single, found.single_low, found.single_high) == (1.0, 1.0, 1.0)
    assert found.average_band == "excellent"


def test_a_constant_offset_of_one_rater_lowers_absolute_agreement():
    values = np.arange(10.0)
    assert icc(np.stack([values, values + 5], axis=1)).single < 0.8


@settings(max_examples=60)
@given(TABLES)
def test_shift_scale_and_the_order_of_raters_do_not_matter(table):
    one, other = icc(table), icc(3.5 * table[:, ::-1] - 40)
    assert other.single == pytest.approx(one.single, abs=1e-9)
    assert other.single_low == pytest.approx(one.single_low, abs=1e-6)
    assert one.single_low <= one.single + 1e-9
    assert one.single <= one.single_high + 1e-9
    assert one.single <= 1


CONSTANT = st.lists(st.integers(0, 3), min_size=2, max_size=4).map(lambda row: [row] * 5)


@settings(max_examples=60)
@given(CONSTANT | arrays(np.int64, (4, 3), elements=st.integers(0, 3)))
@example(np.array([[2, 2, 2], [2, 2, 2], [0, 3, 3], [2, 2, 2]]))  # images alike in their means
def test_no_table_divides_by_zero_or_leaves_what_is_possible(table):
    try:
        found = icc(table)
    except ValidationError:
        assert np.ptp(np.array(table), axis=0).max() == 0
        return
    least = -1 / (found.k - 1) - 1e-9
    assert least <= found.single_low <= found.single_high <= 1 + 1e-9
    ends = [found.average, found.average_low, found.average_high]
    assert all(each is None or np.isfinite(each) for each in ends)
    assert bool(found.reason) == (None in ends)


def test_raters_with_one_number_each_are_refused_with_the_reason():
    with pytest.raises(ValidationError, match="each rater gave all 3 items one and the same"):
        icc([[0, 1], [0, 1], [0, 1]])


def test_a_mean_of_raters_who_disagree_more_than_items_differ_has_no_reliability():
    found = icc([[1, 5, 3, 9.0], [9, 1, 5, 3], [5, 3, 9, 1], [3, 9, 1, 5.1]])
    assert (found.single, found.average) == (pytest.approx(-1 / 3), None)
    assert (found.average_low, found.average_high, found.average_band) == (None, None, "unknown")
    assert "disagree within images" in found.reason


def test_images_of_one_specimen_tell_less_than_independent_ones():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(12), 5)
    table = generator.normal(size=(12, 1))[specimen] + 0.3 * generator.normal(size=(60, 3))
    plain, drawn = icc(table), icc(table, clusters=specimen)
    assert (drawn.single, drawn.resamples, plain.resamples) == (plain.single, 2_000, 0)
    assert drawn.single_high - drawn.single_low > 1.5 * (plain.single_high - plain.single_low)


def test_known_variances_are_recovered():
    generator = np.random.default_rng(1)
    n, k = 4_000, 5
    table = 3 * generator.normal(size=(n, 1)) + generator.normal(size=(n, k))
    found = icc(table)
    assert found.single == pytest.approx(9 / 10, abs=0.01)
    assert found.average == pytest.approx(9 / 9.2, abs=0.005)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(2)
    truth, hits = 4 / (4 + 1 + 1), 0
    for _ in range(300):
        noise = generator.normal(size=(30, 8)) + generator.normal(size=(1, 8))
        found = icc(2 * generator.normal(size=(30, 1)) + noise)
        hits += found.single_low <= truth <= found.single_high
    assert 0.91 <= hits / 300 <= 0.99


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([[1.0, 2.0]], "1 items judged by all raters: at least 2"),
        ([[1.0], [2.0]], "1 raters: at least 2"),
        ([[1.0, np.nan], [2.0, 3.0]], r"ratings\[0, 1\]=nan"),
        ([[2.0, 2.0], [2.0, 2.0]], "every one of the 4 ratings is 2"),
        ([["a", "b"]], "must be numbers"),
        ([[1 + 2j, 2], [3, 4]], "complex numbers"),
        ([[1e200, 2e200], [3e200, 4e200]], r"4e\+200; it must lie between 1e-100 and 1e\+100"),
        ([[1e-200, 2e-200], [3e-200, 4e-200]], "use another unit"),
    ],
)
def test_too_little_is_refused_by_name(ratings, message):
    with pytest.raises(ValidationError, match=message):
        icc(ratings)


def test_a_confidence_that_is_no_number_is_refused_by_name():
    with pytest.raises(ValidationError, match="confidence='a': must be a number"):
        icc(JUDGES, confidence="a")


def test_results_become_plain_json_with_their_bands():
    told = icc(JUDGES).to_dict()
    assert told["single_band"] == "poor to good"
    assert isinstance(told["ms_error"], float)
