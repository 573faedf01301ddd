"""Krippendorff's alpha, interval metric.

Worked example: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C:
four observers, twelve units, missing data; interval alpha = 0.849.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.agreement.krippendorff import alpha
from mlmcsc.errors import ValidationError

NAN = np.nan
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
GAPPED = st.lists(
    st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=4, max_size=4),
    min_size=3,
    max_size=12,
)


def by_definition(table):
    """1 - observed over expected disagreement, pair by pair."""
    rows = [row[~np.isnan(row)] for row in table]
    rows = [row for row in rows if len(row) > 1]
    values = np.concatenate(rows)
    observed = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(row, 2)) / (len(row) - 1)
        for row in rows
    )
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(values, 2))
    return 1 - (observed / len(values)) / (expected / len(values) / (len(values) - 1))


def test_krippendorff_worked_example():
    found = alpha(OBSERVERS.T)
    assert round(found.value, 3) == 0.849
    assert (found.units, found.raters, found.values, found.left_out) == (11, 4, 40, 1)


def test_the_interval_of_so_few_units_is_wide_and_decides_the_word():
    found = alpha(OBSERVERS.T, seed=3)
    assert found.low < 0.667 < found.value < found.high <= 1
    assert found.band == "not reliable"
    assert found == alpha(OBSERVERS.T, seed=3)


@settings(max_examples=60)
@given(GAPPED)
def test_it_is_the_definition_whatever_is_missing(rows):
    table = np.array([[NAN if v is None else float(v) for v in row] for row in rows])
    pairable = table[(~np.isnan(table)).sum(axis=1) > 1]
    if len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        with pytest.raises(ValidationError):
            alpha(table, resamples=0)
        return
    found = alpha(table, resamples=0).value
    assert found == pytest.approx(by_definition(table), abs=1e-9)
    shifted = alpha(7 - 2 * table[::-1, ::-1], resamples=0).value
    assert shifted == pytest.approx(found, abs=1e-9)
    assert found <= 1


def test_agreement_is_one_and_chance_is_zero():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(4_000, 1))
    assert alpha(np.repeat(values, 3, axis=1)).value == pytest.approx(1)
    assert alpha(generator.normal(size=(4_000, 3))).value == pytest.approx(0, abs=0.03)


def test_many_units_are_resampled_in_groups_to_the_same_interval():
    generator = np.random.default_rng(5)
    table = 2 * generator.normal(size=(6_000, 1)) + generator.normal(size=(6_000, 3))
    found = alpha(table)
    # 1.96 standard errors of an intraclass correlation of 0.8 (Fisher 1925), three raters
    half = 1.96 * (1 - 0.8) * (1 + 2 * 0.8) * (2 / (3 * 2 * 5_999)) ** 0.5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)
    assert found.low < 0.8 < found.high


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([[1.0, NAN], [NAN, 2.0]], "0 units rated by two raters or more: at least 1"),
        ([[1.0, 1.0], [1.0, NAN]], "every one of the 2 ratings is the same"),
        ([[1.0, np.inf]], "finite, or NaN for a missing one"),
    ],
)
def test_too_little_is_refused_by_name(ratings, message):
    with pytest.raises(ValidationError, match=message):
        alpha(ratings)


def test_options_out_of_range_are_refused():
    with pytest.raises(ValidationError, match="resamples=5: must be at least 100"):
        alpha(OBSERVERS.T, resamples=5)
    with pytest.raises(ValidationError, match="confidence=95"):
        alpha(OBSERVERS.T, confidence=95)


def test_images_of_one_specimen_are_drawn_together():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(10), 6)
    table = generator.normal(size=(10, 1))[specimen] + 0.4 * generator.normal(size=(60, 3))
    table[3, 1:] = np.nan
    plain, drawn = alpha(table), alpha(table, clusters=specimen)
    assert drawn.value == plain.value
    assert drawn.high - drawn.low > 1.5 * (plain.high - plain.low)
