"""Transition curves."""

from __future__ import annotations

import json
import math

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
    assert found.warnings == ()


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
    found = fit(TESTED, curve(TESTED, SHEAR), "sfa")
    assert (found.derived[0].name, found.derived[0].level) == ("FATT", 50)
    assert found.derived[0].value == pytest.approx(-30)
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
