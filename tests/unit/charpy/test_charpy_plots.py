"""The chart of transition curves."""

from __future__ import annotations

import json

import numpy as np

from mlmcsc.domain.charpy.results import Curve, CurveReport
from mlmcsc.domain.charpy.tanh_model import curve
from mlmcsc.domain.charpy.transition import fit
from mlmcsc.plots.charpy import transition_curves

T = np.repeat([-20.0, 0, 20, 40], 2)


def drawn(temperatures, values):
    fitted = fit(temperatures, values, "sfa")
    report = CurveReport("sfa", None, 0, (Curve("H1", "measured", fitted, None, 0, ()),))
    return json.dumps(transition_curves(report).to_dict(), ensure_ascii=False)


def test_a_temperature_beyond_the_picture_is_an_arrow_and_in_the_words():
    values = curve(T, np.array([0.0, 100, -30, 25])) + np.tile([2.0, -2], 4)
    text = drawn(T, np.clip(values, 0, 100))
    assert "triangle-left" in text
    assert "triangle-right" not in text
    assert '"diamond"' not in text
    assert "extrapolated" in text


def test_a_temperature_within_it_is_a_diamond():
    text = drawn(T, curve(T, np.array([0.0, 100, 10, 20])) + np.tile([2.0, -2], 4))
    assert '"diamond"' in text
    assert "triangle" not in text
    assert "with 95 % band" in text


def test_without_intervals_no_band_is_claimed():
    text = drawn([-20, 0, 20], [20, 50, 80])
    assert "FATT 0 °C (no interval)" in text
    assert "band" not in text
    assert "area" not in text
