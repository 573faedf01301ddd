from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.splits import SplitRatios
from mlmcsc.errors import ValidationError


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ((0.7, 0.2, 0.2), "train 0.7 + val 0.2 + test 0.2 = 1.1; set train_split=0.6"),
        ((0.1, 0.8, 0.8), "scale them to 0.05882352941"),
        ((0, 0, 0), "for example 0.7"),
        ((1.2, -0.1, -0.1), "train_split=1.2 is outside 0 to 1"),
        ((0.5, 0.6, -0.1), "test_split=-0.1 is outside"),
        ((float("nan"), 0.5, 0.5), "train_split=nan"),
        ((0.5, float("inf"), 0.5), "val_split=inf"),
        ((True, 0, 0), "must be a number"),
        (("0.7", 0.15, 0.15), "must be a number"),
    ],
)
def test_shares_that_are_not_shares(shares, says):
    with pytest.raises(ValidationError, match=says.replace("+", r"\+")):
        SplitRatios(*shares)


@settings(deadline=None)
@given(st.tuples(*[st.floats(0, 1)] * 3).filter(lambda s: abs(sum(s) - 1) > 1e-6))
def test_shares_that_do_not_sum_to_one(shares):
    with pytest.raises(ValidationError, match="must sum to 1"):
        SplitRatios(*shares)


@pytest.mark.parametrize("shares", [(0.7, 0.15, 0.15), (1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1)])
def test_sums_that_binary_fractions_miss_by_a_hair_are_forgiven(shares):
    assert SplitRatios(*shares).train == shares[0]


@pytest.mark.parametrize("whole", [1 - 5e-10, 1.0])
def test_a_share_of_zero_is_an_empty_arc_even_when_the_rest_falls_short_of_one(whole):
    assert SplitRatios(whole, 0, 0).cuts == (10**12, 10**12)
    assert SplitRatios(0, whole, 0).cuts == (0, 10**12)
    assert SplitRatios(0, 0, whole).cuts == (0, 0)
