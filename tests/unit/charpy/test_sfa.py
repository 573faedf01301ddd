"""Shear fracture appearance from what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.charpy.sfa import (
    Ligament,
    SfaMethod,
    measured_sfa,
    percent_of,
    sfa_from_areas,
    sfa_from_dimensions,
)
from mlmcsc.errors import ValidationError

WIDTHS, DEPTHS = st.floats(0, 10), st.floats(0, 8)


@pytest.mark.parametrize(
    ("a", "b", "printed"),
    [
        (1.0, 1.0, 99),
        (10.0, 8.0, 0),
        (5.0, 4.0, 75),
        (10.0, 1.0, 88),
        (1.0, 8.0, 90),
        (1.5, 1.5, 97),
        (8.0, 6.0, 40),
        (9.5, 7.5, 11),
        (4.0, 3.5, 82),
    ],
)
def test_the_formula_gives_the_whole_percents_of_astm_e23_table_a4_1(a, b, printed):
    assert abs(sfa_from_dimensions(a, b) - printed) <= 0.5


@pytest.mark.parametrize(("a", "b"), [(0, 8), (10, 0), (0, 0)])
def test_without_cleavage_it_is_all_shear(a, b):
    assert sfa_from_dimensions(a, b) == 100


@given(WIDTHS, DEPTHS)
def test_it_is_a_percentage(a, b):
    assert 0 <= sfa_from_dimensions(a, b) <= 100


@given(WIDTHS, WIDTHS, DEPTHS, DEPTHS)
def test_more_cleavage_is_never_more_shear(a, wider, b, deeper):
    (a, wider), (b, deeper) = sorted([a, wider]), sorted([b, deeper])
    assert sfa_from_dimensions(wider, deeper) <= sfa_from_dimensions(a, b)


@given(st.floats(1, 1e5), st.floats(0, 1))
def test_areas_tell_the_share_that_is_not_cleavage(total, share):
    assert sfa_from_areas(total, total * share) == pytest.approx(100 * (1 - share), abs=1e-9)


def test_both_ways_agree():
    assert sfa_from_dimensions(4.2, 5.1) == pytest.approx(sfa_from_areas(80, 4.2 * 5.1))


def test_a_sub_size_bar_has_its_own_ligament():
    half = Ligament(width_mm=5)
    assert sfa_from_dimensions(2.5, 4, half) == 75
    found = measured_sfa(a_mm=2.5, b_mm=4, ligament=half)
    assert found.details["ligament_mm"] == [5, 8]
    assert "sub-size" in found.details["standard"]


@pytest.mark.parametrize(
    ("given_", "match"),
    [
        ({"a_mm": 10.5, "b_mm": 1}, "a_mm=10.5: must be from 0 to 10 "),
        ({"a_mm": 1, "b_mm": 9}, "b_mm=9.0: must be from 0 to 8 "),
        ({"a_mm": -1, "b_mm": 2}, "a_mm=-1.0: must be from 0"),
        ({"a_mm": float("nan"), "b_mm": 2}, "a_mm=nan"),
        ({"a_mm": True, "b_mm": 2}, "a_mm=True"),
        ({"total_mm2": 0, "cleavage_mm2": 0}, "total_mm2=0"),
        ({"total_mm2": 1e-300, "cleavage_mm2": 0}, "total_mm2=1e-300: must be from 0.01"),
        ({"a_mm": 1, "b_mm": 1, "ligament": (5, 8)}, r"give Ligament\(width_mm=5"),
        ({"total_mm2": 80, "cleavage_mm2": 81}, "cleavage_mm2=81.0: must be from 0 to 80"),
        ({"a_mm": 1}, "one measurement, whole"),
        ({}, "one measurement, whole"),
        ({"a_mm": 1, "b_mm": 1, "percent": 50}, "one measurement, whole"),
        ({"percent": 50}, "method is missing"),
        ({"percent": 101, "method": "photograph"}, "percent=101"),
        ({"percent": 50, "method": "guess"}, "method='guess'"),
        ({"percent": 50, "method": "areas"}, "give what was measured"),
        ({"a_mm": 1, "b_mm": 1, "method": "photograph"}, "are the method 'dimensions'"),
        ({"total_mm2": 80, "cleavage_mm2": 8, "method": "dimensions"}, "does not measure areas"),
        ({"total_mm2": 80, "cleavage_mm2": 8, "ligament": Ligament(5)}, "belongs to A and B"),
    ],
)
def test_a_wrong_measurement_is_refused(given_, match):
    with pytest.raises(ValidationError, match=match):
        measured_sfa(**given_)


@pytest.mark.parametrize("side", [0, 1e-200, 0.09, 1001, "5", None])
def test_a_ligament_has_sides_that_a_bar_can_have(side):
    with pytest.raises(ValidationError, match="ligament width_mm"):
        Ligament(side)


def test_the_method_and_the_inputs_are_kept():
    found = measured_sfa(total_mm2=80, cleavage_mm2=20, method="image_analysis")
    assert (found.percent, found.method) == (75, SfaMethod.IMAGE_ANALYSIS)
    assert found.to_dict()["cleavage_mm2"] == 20
    read = measured_sfa(percent=60, method="comparison_chart")
    assert (read.percent, read.method) == (60, SfaMethod.COMPARISON_CHART)


def test_labels_are_an_sfa_on_two_scales_only():
    assert percent_of((0.0, 1.0)) == 100
    assert percent_of((0.0, 100.0)) == 1
    with pytest.raises(ValidationError, match="from 1 to 5"):
        percent_of((1.0, 5.0))
