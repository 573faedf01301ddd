"""Changes of a mean come from where they were planted, and the parts sum to the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.drift.attribution import attribute
from mlmcsc.domain.drift.decomposing import Rows, cells, joint, kitagawa, ordered, shapley

NAMED = [("specimen mix", "material"), ("instrument", ""), ("rater composition", "")]
EFFECTS = ((0.2, 0.5, 0.8), (0.0, 0.05), (0.0, -0.04, 0.1))


def rows(shares, seed, shift=0.0, n=600):
    """Labels by strata, instruments and raters of these shares; a specimen has three images."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.choice(len(p), n, p=p) for p in shares], axis=1)
    codes[:, 0] = np.repeat(codes[::3, 0], 3)
    values = sum(np.asarray(e)[codes[:, f]] for f, e in enumerate(EFFECTS))
    return Rows(values + shift + rng.normal(0, 0.03, n), np.repeat(np.arange(n // 3), 3), codes)


EVEN = ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.5), (1 / 3, 1 / 3, 1 / 3))
PLANTED = {
    "specimen mix": ((0.1, 0.2, 0.7), EVEN[1], EVEN[2]),
    "instrument": (EVEN[0], (0.0, 1.0), EVEN[2]),
    "rater composition": (EVEN[0], EVEN[1], (0.1, 0.1, 0.8)),
}


@pytest.mark.parametrize("cause", PLANTED)
def test_a_planted_change_is_put_down_to_its_cause(cause):
    reference, current = rows(EVEN, 1), rows(PLANTED[cause], 2)
    for each in (reference, current):  # the same strata but for what was planted
        if cause != "specimen mix":
            each.values[:] -= np.asarray(EFFECTS[0])[each.codes[:, 0]]
    found = attribute("labels", (reference, current), NAMED, seed=0)
    parts = {each.name: each.part.value for each in found.factors}
    assert max(parts, key=lambda name: abs(parts[name])) == cause
    assert parts[cause] == pytest.approx(found.total.value, abs=0.02)
    assert abs(found.unexplained.value) < 0.01


def test_a_change_within_strata_is_unexplained():
    found = attribute("labels", (rows(EVEN, 1), rows(EVEN, 2, shift=0.1)), NAMED, seed=0)
    assert found.unexplained.value == pytest.approx(0.1, abs=0.01)
    assert found.unexplained.low < 0.1 < found.unexplained.high


def test_a_replaced_model_and_a_new_mix_at_the_same_time_are_told_apart():
    reference, current = rows(EVEN, 1), rows(PLANTED["specimen mix"], 2, shift=0.1)
    reference.codes[:, 1], current.codes[:, 1] = 0, 1  # the second factor is the model now
    for each in (reference, current):
        each.values[:] = np.asarray(EFFECTS[0])[each.codes[:, 0]]
    current.values[:] += 0.1
    found = attribute("labels", (reference, current), NAMED, seed=0)
    mix, model, _ = found.factors
    assert mix.part.value == pytest.approx(found.total.value - 0.1, abs=1e-3)
    assert (mix.confounded, model.confounded, found.with_rest) == (False, True, True)
    assert found.joint.value == pytest.approx(0.1, abs=1e-3)
    assert "with instrument and what else came then" in found.words


def test_what_always_comes_together_gets_one_number():
    reference, current = rows(EVEN, 1), rows(PLANTED["rater composition"], 2)
    for each in (reference, current):  # raters 0 and 1 have the first microscope, 2 the second
        each.codes[:, 1] = each.codes[:, 2] == 2
    found = attribute("labels", (reference, current), NAMED, seed=0)
    assert [each.confounded for each in found.factors] == [False, True, True]
    assert not found.with_rest
    steps = dict(found.steps)
    together = steps["instrument and rater composition"]
    assert together.low < 0.06 < together.high
    assert sum(part.value for part in steps.values()) == pytest.approx(found.total.value)


def test_nothing_is_put_down_to_a_change_that_may_be_chance():
    found = attribute("labels", (rows(EVEN, 1), rows(EVEN, 2)), NAMED, seed=0)
    assert not found.total.certain
    assert "may be chance, so it is put down to nothing" in found.words
    assert "Associated" not in found.words


def test_words_tell_intervals_and_leave_out_parts_that_may_be_0():
    found = attribute("labels", (rows(EVEN, 1), rows(PLANTED["specimen mix"], 2)), NAMED, seed=0)
    mix = found.factors[0].part
    assert f"Associated: {mix} with specimen mix" in found.words
    assert f"({mix.low:.3f} to {mix.high:.3f})" in found.words
    assert "Not told from 0: " in found.words


def test_levels_of_one_period_are_counted_and_said():
    reference, current = rows(EVEN, 1), rows(EVEN, 2, shift=0.2)
    current.codes[:120, 2] = 3  # a new rater
    found = attribute("labels", (reference, current), NAMED, seed=0)
    assert found.factors[2].alone.only_current == pytest.approx(0.2)
    assert "20% of the current and 0% of the reference rows" in found.words


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_all_decompositions_sum_to_the_total_change(seed):
    rng = np.random.default_rng(seed)
    shares = [tuple(tuple(rng.dirichlet(np.ones(len(p)))) for p in EVEN) for _ in range(2)]
    reference, current = (rows(p, seed + at, n=90) for at, p in enumerate(shares))
    total = current.values.mean() - reference.values.mean()
    for factor in range(3):
        alone = kitagawa(reference, current, factor)
        assert alone.composition + alone.within + alone.exclusive == pytest.approx(total)
    found = cells(reference, current)
    whole, parts = joint(found, range(3))
    assert whole == pytest.approx(total)
    assert ordered(found, 3)[0].sum() == pytest.approx(parts.sum(), abs=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16))
def test_shapley_values_sum_exactly_and_give_a_bystander_nothing(worths):
    def worth(chosen):
        return worths[sum(1 << each for each in chosen - {3})]  # the fourth never matters

    shares, extremes = shapley(worth, 4)
    assert shares.sum() == pytest.approx(worths[7] - worths[0], abs=1e-9)
    assert shares[3] == 0
    assert (extremes[0] <= shares + 1e-9).all()
    assert (shares <= extremes[1] + 1e-9).all()


def test_kitagawas_components_by_hand():
    # Two equal strata with means 0 and 1 become 1:3 with means 0 and 1.2.
    reference = Rows(np.array([0.0, 1.0]), np.arange(2), np.array([[0], [1]]))
    current = Rows(np.array([0.0, 1.2, 1.2, 1.2]), np.arange(4), np.array([[0], [1], [1], [1]]))
    found = kitagawa(reference, current, 0)
    assert found.composition == pytest.approx(0.25 * 1.1)
    assert found.within == pytest.approx(0.625 * 0.2)
    assert found.exclusive == 0
