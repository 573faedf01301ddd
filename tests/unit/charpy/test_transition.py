"""Transition curves."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.charpy.tanh_model import curve, gradient
from mlmcsc.domain.charpy.transition import fit
from mlmcsc.domain.charpy.upper_shelf import upper_shelf_energy
from mlmcsc.errors import ValidationError

TESTED = np.repeat([-120.0, -80, -60, -40, -20, 0, 20, 40], 3)
TRUE = np.array([8.0, 150.0, -30.0, 25.0])
T28J = -30 + 25 * math.atanh(2 * (28 - 8) / 142 - 1)
SHEAR = np.array([0.0, 100.0, -30.0, 25.0])


def noisy(rng, parameters=TRUE, sd=6.0):
    return curve(TESTED, parameters) + rng.normal(0, sd, len(TESTED))


def test_exact_values_are_fitted_exactly():
    found = fit(TESTED, curve(TESTED, TRUE), "kv")
    assert [p.value for p in found.parameters] == pytest.approx(TRUE)
    assert found.residual_sd == pytest.approx(0, abs=1e-9)
    assert found.r_squared == pytest.approx(1)
    assert found.derived[0].value == pytest.approx(T28J)
    assert found.outliers == ()


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0, 20), st.floats(60, 300), st.floats(-70, 0), st.floats(12, 40), st.floats(-50, 50)
)
def test_it_finds_any_transition_within_the_tests_wherever_zero_is(low, rise, t50, c, shift):
    parameters = np.array([low, low + rise, t50 + shift, c])
    found = fit(TESTED + shift, curve(TESTED + shift, parameters), "kv")
    assert [p.value for p in found.parameters] == pytest.approx(parameters, rel=1e-4, abs=1e-3)


def test_the_gradient_is_that_of_the_curve():
    step = 1e-6
    columns = [
        (curve(TESTED, TRUE + step * unit) - curve(TESTED, TRUE - step * unit)) / (2 * step)
        for unit in np.eye(4)
    ]
    assert gradient(TESTED, TRUE) == pytest.approx(np.column_stack(columns), abs=1e-6)


def test_confidence_intervals_cover_the_truth_as_often_as_they_say():
    rng, runs = np.random.default_rng(6), 150
    hits = np.zeros(3)
    for _ in range(runs):
        found = fit(TESTED, np.maximum(noisy(rng), 0), "kv")
        t50, t28 = found.parameter("t50"), found.derived[0]
        middle = min(found.band, key=lambda point: abs(point.temperature_c + 30))
        truth = curve(np.array([middle.temperature_c]), TRUE)[0]
        hits += [
            t50.low <= -30 <= t50.high,
            t28.low <= T28J <= t28.high,
            middle.low <= truth <= middle.high,
        ]
    # 95 % of 150 has a standard deviation of 1.8 %; the delta method is approximate.
    assert (hits / runs > 0.89).all()


def test_the_bootstrap_tells_about_the_same_and_the_same_again():
    values = np.clip(noisy(np.random.default_rng(1), SHEAR, 4), 0, 100)
    delta = fit(TESTED, values, "sfa").derived[0]
    found = fit(TESTED, values, "sfa", samples=200, seed=3)
    fatt = found.derived[0]
    assert (found.intervals, found.seed) == ("bootstrap", 3)
    assert fatt.value == delta.value
    assert fatt.high - fatt.low == pytest.approx(delta.high - delta.low, rel=0.6)
    assert fit(TESTED, values, "sfa", samples=200, seed=3).derived[0] == fatt


def test_fatt_is_where_half_is_shear_and_the_shelves_of_sfa_are_fixed():
    values = np.clip(noisy(np.random.default_rng(1), SHEAR, 4), 0, 100)
    found = fit(TESTED, values, "sfa")
    assert (found.derived[0].name, found.derived[0].level) == ("FATT", 50)
    assert found.derived[0].value == pytest.approx(-30, abs=2)
    assert [p.fixed for p in found.parameters] == [True, True, False, False]
    assert all(0 <= p.low <= p.high <= 100 for p in found.band)


def test_lateral_expansion_is_told_at_35_mils():
    found = fit(TESTED, curve(TESTED, np.array([0.1, 2.1, -30, 25])), "le")
    (only,) = found.derived
    assert (only.name, only.level) == ("T0.89mm", 0.89)
    assert curve(np.array([only.value]), np.array([0.1, 2.1, -30, 25]))[0] == pytest.approx(0.89)


def test_an_outlier_is_named_and_a_robust_fit_heeds_it_less():
    values = np.clip(noisy(np.random.default_rng(2), SHEAR, 4), 0, 100)
    values[10] = 100.0
    names = [f"S{k}" for k in range(len(TESTED))]
    plain = fit(TESTED, values, "sfa", specimens=names)
    robust = fit(TESTED, values, "sfa", specimens=names, robust=True)
    assert [p.specimen_id for p in plain.outliers] == ["S10"]
    assert abs(robust.derived[0].value + 30) < abs(plain.derived[0].value + 30)


def spoilt(temperatures, at, value):
    values = np.maximum(
        curve(temperatures, TRUE) + np.random.default_rng(1).normal(0, 3, len(temperatures)), 0
    )
    values[at] = value
    return values


@pytest.mark.parametrize(
    ("temperatures", "at", "value"),
    [
        (np.repeat([-80.0, -60, -40, -20, 0, 20], 3), 0, 300.0),
        (np.array([-80.0, -60, -40, -30, -20, -10, 0, 20, 40]), 1, 200.0),
    ],
)
def test_a_robust_fit_finds_the_transition_that_one_gross_error_hides(temperatures, at, value):
    values = spoilt(temperatures, at, value)
    found = fit(temperatures, values, "kv", robust=True)
    assert [p.specimen_id for p in found.outliers] == [str(at + 1)]
    assert found.parameter("t50").value == pytest.approx(-30, abs=4)
    assert found.parameter("upper_shelf").value == pytest.approx(150, abs=6)
    with pytest.raises(ValidationError, match=rf"hidden by {at + 1} \({value:g} at .*robust"):
        fit(temperatures, values, "kv")


def test_a_robust_fit_of_noise_is_no_transition_either():
    values = 50 + np.random.default_rng(4).normal(0, 3, len(TESTED))
    values[2] = 300
    for robust in (False, True):
        with pytest.raises(ValidationError, match="do not leave a shelf"):
            fit(TESTED, values, "kv", robust=robust)


@pytest.mark.parametrize("samples", [0, 100])
@pytest.mark.parametrize(
    ("temperatures", "values", "why"),
    [
        ([-20, 0, 0], [10, 90, 90], "3 specimens for 2 parameters .* at least 4 do"),
        ([-20, 0, 20], [20, 50, 80.5], "3 specimens for 2 parameters"),
        ([-20, 0, 0, 20], [20, 50, 50, 80], "passes through every point"),
    ],
)
def test_points_that_tell_no_scatter_give_no_interval_and_the_reason(
    temperatures, values, why, samples
):
    found = fit(temperatures, values, "sfa", samples=samples)
    fatt = found.derived[0]
    assert (fatt.low, fatt.high, found.intervals) == (None, None, "none")
    assert all(p.low is None and p.high is None for p in found.parameters)
    assert all(p.low is None and p.high is None for p in found.band)
    assert re.search(why, found.warnings[0])


def test_a_transition_that_the_scatter_drowns_is_not_established():
    t = np.repeat([-85.0, -60, -40, -20, 0, 25], 4)
    scatter = np.random.default_rng(3).normal(0, 28, len(t))
    values = np.round(np.maximum(60 + 0.9 * t + scatter, 0), 1)
    found = fit(t, values, "kv")
    assert not found.established
    assert "not established: C is" in found.warnings[0]
    assert all(p.low is None and p.high is None for p in found.parameters)
    t28 = found.derived[0]
    assert t28.low is None
    assert "the tests do not show that the curve falls below 28 J" in t28.note


def test_intervals_hold_only_what_the_quantity_can_be():
    found = fit(TESTED, np.maximum(noisy(np.random.default_rng(3), sd=9), 0), "kv")
    assert found.established
    c, lower = found.parameter("c"), found.parameter("lower_shelf")
    assert 0 < c.low < c.value < c.high
    assert c.value / c.low == pytest.approx(c.high / c.value)
    assert 0 <= lower.low <= lower.value <= lower.high


def test_a_shelf_that_cannot_be_is_held_where_it_can():
    t = np.repeat([-60.0, -40, -20, 0, 20, 40], 2)
    values = np.maximum(curve(t, np.array([-30.0, 150, -30, 45])) + np.tile([2.0, -2], 6), 0)
    found = fit(t, values, "kv")
    lower = found.parameter("lower_shelf")
    assert (lower.value, lower.fixed) == (0, True)
    assert any("which cannot be: held at 0" in warning for warning in found.warnings)


def test_bootstrap_samples_without_the_temperature_are_counted():
    t = np.array([-80.0, -60, -40, -30, -20, -10, 0, 20, 40])
    values = curve(t, np.array([26.0, 150, -20, 20])) + np.tile([4.0, -4, 1], 3)
    found = fit(t, values, "kv", samples=100)
    t28 = found.derived[0]
    assert t28.low is None
    assert re.search(r"\d+ of \d+ bootstrap samples have none: their lower shelf", t28.note)
    assert found.bootstrap < 100
    assert any("too few temperatures for a fit and were left" in w for w in found.warnings)


def test_a_fixed_shelf_is_kept():
    found = fit(TESTED, curve(TESTED, TRUE), "kv", shelves=(8.0, None))
    lower = found.parameter("lower_shelf")
    assert (lower.value, lower.low, lower.fixed) == (8.0, None, True)
    assert found.parameter("upper_shelf").value == pytest.approx(150)


@pytest.mark.parametrize(
    ("kind", "temperatures", "values", "match"),
    [
        ("kv", [-40, 0, 20, 20, 20], [5, 60, 90, 91, 92], "at least 4 distinct .* are 3 and 5"),
        ("kv", [-40, -20, 0, 20], [5, 30, 70, 90], "5 specimens; there are 4 and 4"),
        ("sfa", [0, 0, 0], [20, 30, 40], "at least 2 distinct .* are 1 and 3"),
        ("sfa", [], [], "there are 0 and 0"),
        ("sfa", [0, 20, 40], [100, 99, 100], "leave the upper shelf.* range, below 0 °C"),
        ("sfa", [0, 20, 40], [0, 4, 1], "leave the lower shelf.* range, above 40 °C"),
        ("sfa", [0, 0, 20, 20], [0, 0, 100, 100], "lies between 0 and 20 °C"),
        ("kv", [0, 10, 20, 30, 40], [5, 5, 5, 5, 5], "show no transition from 0 to 40"),
        ("kv", [0, 10, 20, 30, 40, 50], [5, 6, 5, 7, 5, 6], "do not leave a shelf"),
        ("kv", [0, 10, 20, 30, 40, 50], [90, 80, 70, 40, 10, 5], "fall as it gets warmer"),
        ("kv", [0, 10, 20, 30, 40, 50], [5, 5, 5, 80, 80, 80], "lies between 20 and 30 °C"),
        ("sfa", [0, 10, 20], [0, 50, 101], "from 0 to 100 %"),
        ("kv", [0, 10], [0, 50, 101], "one each"),
        ("kv", [0, float("inf")], [0, 50], "finite"),
        ("sfa", ["a", 1, 2], [1, 2, 3], "temperatures: give a list of numbers"),
        ("sfa", [0, 1, 2], [[1], 2, 3], "values: give a list of numbers"),
        ("ck", [0, 10], [0, 50], "property='ck'"),
    ],
)
def test_what_cannot_be_fitted_is_refused(kind, temperatures, values, match):
    with pytest.raises(ValidationError, match=match):
        fit(temperatures, values, kind)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"samples": 3}, "bootstrap=3"),
        ({"shelves": (100, 0)}, "lower one must be below"),
        ({"shelves": (-50, 150)}, "lower shelf=-50.0: must be at least 0"),
        ({"shelves": (None, float("nan"))}, "upper shelf=nan"),
        ({"shelves": 5}, "shelves=5"),
        ({"confidence": "a"}, "confidence='a'"),
        ({"samples": "a"}, "bootstrap='a'"),
        ({"seed": -1}, "seed=-1"),
        ({"specimens": ["a"]}, "1 specimens for 24 values"),
    ],
)
def test_wrong_options_are_refused(options, match):
    with pytest.raises(ValidationError, match=match):
        fit(TESTED, curve(TESTED, TRUE), "kv", **options)


def test_a_temperature_outside_the_tests_comes_with_a_warning():
    t = np.repeat([-20.0, 0, 20, 40], 2)
    values = np.clip(curve(t, SHEAR) + np.tile([2.0, -2], 4), 0, 100)
    found = fit(t, values, "sfa")
    assert found.derived[0].extrapolated
    assert any("outside the tested range of -20 to 40" in warning for warning in found.warnings)


def test_a_level_beyond_a_shelf_is_unknown_and_says_why():
    found = fit(TESTED, curve(TESTED, np.array([35.0, 150, -30, 25])), "kv")
    t28, t41 = found.derived
    assert t28.value is None
    assert "28 J lies below the lower shelf of 35 J" in t28.note
    assert t41.value is not None


def test_a_shelf_that_no_test_came_near_is_called_extrapolated():
    t = np.arange(-120.0, -30, 10)
    found = fit(t, curve(t, TRUE), "kv")
    assert any("upper shelf of 150 J is extrapolated" in warning for warning in found.warnings)


def test_the_result_is_plain_json():
    text = json.dumps(fit(TESTED, noisy(np.random.default_rng(0)) + 20, "kv").to_dict())
    assert "NaN" not in text
    assert "Infinity" not in text


def test_the_upper_shelf_is_the_mean_of_fully_ductile_specimens():
    shelf = upper_shelf_energy([150.0, 140, 145, 20, None], [100.0, 96, 95, 94.9, 100])
    assert (shelf.mean, shelf.n, shelf.note) == (145, 3, None)
    assert upper_shelf_energy([150.0], [99.0]).note == "of 1 only; three or more are usual"
    none = upper_shelf_energy([20.0], [None])
    assert (none.mean, none.n) == (None, 0)
    assert "95 %" in none.note
