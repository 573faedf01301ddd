"""Limits of agreement.

Worked examples: Bland & Altman (1986), Lancet i, 307-310, the first measurements of two peak flow
meters: mean difference -2.1 l/min, SD 38.8, interval of the bias -22.0 to 17.8, of the lower limit
-114.3 to -45.1 (they take 2 SD for 1.96, and 3/n for the variance of a limit). Bland & Altman
(1999), Stat. Methods Med. Res. 8, 135-160: systolic pressure of 85 people, mean difference -16.29,
SD 19.61: limits -54.7 and 22.1.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlmcsc.domain.agreement.bland_altman import bland_altman
from mlmcsc.errors import ValidationError


def test_worked_example_of_1986(pefr):
    found = bland_altman(pefr[:, 0], pefr[:, 2])
    assert (round(found.bias, 1), round(found.sd, 1)) == (-2.1, 38.8)
    assert (found.bias_low, found.bias_high) == pytest.approx((-22.0, 17.8), abs=0.06)
    assert found.lower_high - found.lower_low == pytest.approx(-45.1 + 114.3, rel=0.01)


def test_worked_example_of_1999():
    wave = np.resize([1.0, -1.0], 85)
    wave = (wave - wave.mean()) / wave.std(ddof=1)
    found = bland_altman(-16.29 + 19.61 * wave + 130, np.full(85, 130.0))
    assert (round(found.lower, 1), round(found.upper, 1)) == (-54.7, 22.1)
    # 1.71 s/sqrt(n) is what the paper makes of the standard error of a limit
    half = 1.9886 * 1.71 * 19.61 / 85**0.5
    assert (found.upper_high - found.upper_low) / 2 == pytest.approx(half, rel=0.005)


def test_pairs_with_a_gap_are_left_out():
    found = bland_altman([1, 2, np.nan, 4], [1, np.nan, 3, 5])
    assert (found.n, found.bias) == (2, -0.5)


def test_a_bias_that_grows_with_the_value_is_seen():
    generator = np.random.default_rng(0)
    truth = generator.uniform(0, 100, 200)
    grown = bland_altman(1.2 * truth + generator.normal(size=200), truth)
    steady = bland_altman(truth + 3 + generator.normal(size=200), truth)
    assert grown.slope == pytest.approx(0.2 / 1.1, abs=0.01)
    assert grown.proportional
    assert not steady.proportional


def test_two_pairs_have_no_slope_but_limits():
    found = bland_altman([1.0, 2.0], [2.0, 5.0])
    assert (found.slope, found.proportional, found.bias) == (None, None, -2.0)


def test_above_two_thousand_pairs_the_points_are_a_sample_that_holds_the_outermost():
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(2, 5_000))
    found = bland_altman(first, second)
    assert (found.sampled, len(found.means), found.n) == (True, 2_000, 5_000)
    off = first - second
    assert (min(found.differences), max(found.differences)) == (off.min(), off.max())
    assert found == bland_altman(first, second)


@settings(max_examples=50)
@given(arrays(np.int64, (2, 9), elements=st.integers(-50, 50)))
def test_swapping_the_two_mirrors_everything(pair):
    one, other = bland_altman(*pair), bland_altman(pair[1], pair[0])
    assert other.bias == -one.bias
    assert other.upper == pytest.approx(-one.lower)
    assert other.upper_low == pytest.approx(-one.lower_high)
    assert one.lower <= one.bias <= one.upper


def test_images_of_one_specimen_widen_all_intervals():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(10), 6)
    first = generator.normal(size=10)[specimen] + 0.1 * generator.normal(size=60)
    plain = bland_altman(first, np.zeros(60))
    robust = bland_altman(first, np.zeros(60), clusters=specimen)
    assert (robust.bias, robust.sd) == (plain.bias, plain.sd)
    for end in ("bias", "lower", "upper"):
        wide, narrow = (
            getattr(each, f"{end}_high") - getattr(each, f"{end}_low") for each in (robust, plain)
        )
        assert wide > 1.5 * narrow


@pytest.mark.parametrize(
    ("clusters", "message"),
    [([1, 2], r"clusters: shape \(2,\) for 3 items"), ([1, 1, 1], "1 clusters of pairs")],
)
def test_clusters_that_tell_nothing_are_refused(clusters, message):
    with pytest.raises(ValidationError, match=message):
        bland_altman([1, 2, 3], [1, 3, 2], clusters=clusters)


def test_one_pair_is_too_little():
    with pytest.raises(ValidationError, match="1 pairs: at least 2"):
        bland_altman([1.0], [2.0])
