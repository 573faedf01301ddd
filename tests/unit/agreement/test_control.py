"""Individuals and moving range charts.

Worked examples: Montgomery, Introduction to Statistical Quality Control, "Control charts for
individual measurements": viscosity of aircraft primer paint, centre 33.52, limits 32.24 and 34.80,
mean moving range 0.48 with upper limit 1.57. NIST/SEMATECH e-Handbook of Statistical Methods,
6.3.2.2: batch flow rates, centre 50.81, limits 45.8159 and 55.8041.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc.domain.agreement.control import control_chart
from mlmcsc.errors import ValidationError

PAINT = "33.75 33.05 34.00 33.81 33.46 34.02 33.68 33.27 33.49 33.20 33.62 33.00 33.54 33.12 33.84"
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
QUIET = [0.0, 1.0, 0.0, -1.0] * 6
"""In control: mean 0, mean moving range near 1, so sigma near 0.9."""


def broken(values):
    found = control_chart(range(len(values)), values, baseline=len(QUIET))
    return {(each.at, each.rule) for each in found.signals}


def test_montgomery_worked_example():
    values = [float(each) for each in PAINT.split()]
    found = control_chart(range(15), values)
    assert round(found.centre, 2) == 33.52
    assert (round(found.lower, 2), round(found.upper, 2)) == (32.24, 34.80)
    assert (round(found.range_centre, 2), round(found.range_upper, 2)) == (0.48, 1.57)
    assert found.in_control


def test_nist_worked_example():
    found = control_chart(range(10), FLOW)
    assert round(found.centre, 2) == 50.81
    assert (found.lower, found.upper) == pytest.approx((45.8159, 55.8041), abs=5e-5)


def test_a_quiet_baseline_breaks_no_rule():
    assert broken(QUIET) == set()


@pytest.mark.parametrize(
    ("more", "signal"),
    [
        ([0.5, 3.0], (25, 1)),
        ([1.9, 0.5, 1.9], (26, 2)),
        ([1.0, 1.0, 0.4, 1.0, 1.0], (28, 3)),
        ([0.2] * 8, (31, 4)),
        ([-1.0, 2.6], (25, 5)),
    ],
)
def test_each_rule_breaks_at_the_end_of_its_run_on_either_side(more, signal):
    assert signal in broken(QUIET + more)
    assert signal in broken(QUIET + [-each for each in more])


def test_seven_in_a_row_or_runs_on_both_sides_break_nothing():
    assert broken([*QUIET, *[0.2] * 7]) == set()
    assert broken([*QUIET, 1.9, -0.5, 0.2]) == set()


def test_points_are_put_in_order_of_time_and_signals_name_it():
    start = datetime(2026, 3, 1, tzinfo=UTC)
    times = [start + timedelta(days=day) for day in (3, 0, 1, 2)]
    found = control_chart(times, [9.0, 0.0, 0.5, 0.1], baseline=3)
    assert found.values == (0.0, 0.5, 0.1, 9.0)
    assert (found.signals[0].time, found.signals[0].rule) == (start + timedelta(days=3), 1)
    assert found.to_dict()["times"][0] == "2026-03-01T00:00:00+00:00"


def test_differences_that_vary_by_float_rounding_only_accuse_nobody():
    gold = np.arange(25) / 50 + 0.13
    label = np.round(gold + 0.05, 2)
    with pytest.raises(ValidationError, match="limits need values that vary"):
        control_chart(range(25), label - gold)


def test_limits_are_no_tighter_than_the_rounding_of_labels():
    values = [*[0.0] * 20, 0.01, *[0.0] * 10]
    assert not control_chart(range(31), values).in_control
    found = control_chart(range(31), values, resolution=0.01)
    assert found.sigma == pytest.approx(0.01 / 6**0.5)
    assert {each.rule for each in found.signals} <= {4}


def test_the_centre_may_be_what_ought_to_be():
    found = control_chart(range(10), np.tile([2.0, 2.2], 5), centre=0.0)
    assert (found.centre, found.in_control) == (0.0, False)


@pytest.mark.parametrize(
    ("times", "values", "options", "message"),
    [
        ([1, 2], [1.0, 2.0], {}, "2 values for a control chart: at least 3"),
        ([1, 2], [1.0, 2.0, 3.0], {}, "2 times for 3 values"),
        ([1, 2, 3], [2.0, 2.0, 2.0], {}, "limits need values that vary"),
        ([1, 2, 3], [1.0, 2.0, 3.0], {"baseline": 9}, "baseline=9: must be 3 to 3"),
        ([1, 2, 3], [1.0, 2.0, 3.0], {"centre": np.nan}, "centre.*must be finite"),
        ([1, 2, 3], [1.0, 2.0, 3.0], {"resolution": -1}, "resolution=-1: must be at least 0"),
        ([1, 2, "a"], [1.0, 2.0, 3.0], {}, "times: cannot be put in order"),
        ([1, 2, float("nan")], [1.0, 2.0, 3.0], {}, "times: one is not a number"),
    ],
)
def test_too_little_is_refused_by_name(times, values, options, message):
    with pytest.raises(ValidationError, match=message):
        control_chart(times, values, **options)
