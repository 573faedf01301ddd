"""Sums of quality: added up they are those of the whole, and they say what NumPy says."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.quality import telling
from mlmcsc.domain.quality.references import references
from mlmcsc.domain.quality.rows import BASES, IMAGES, LABELS, PREDICTIONS, TYPES, UNKNOWN, Stretch
from mlmcsc.domain.quality.summing import sums_of
from mlmcsc.domain.quality.sums import CASES, HISTOGRAMS, TABLES, Sums, merged

FRACTION = st.floats(0, 1, width=32)
SMALL = st.integers(0, 2)


@st.composite
def stretches(draw):
    n = draw(st.integers(0, 12))
    score = st.one_of(st.just(UNKNOWN), FRACTION)
    flag = st.integers(0, 1)
    image = st.integers(1, max(n, 1))
    pictures = [(i + 1, draw(flag), draw(score), *(draw(flag) for _ in range(3))) for i in range(n)]
    many = draw(st.integers(0, 15)) if n else 0
    given_ = [
        (i + 1, draw(image), draw(SMALL), draw(SMALL), draw(FRACTION), draw(FRACTION))
        for i in range(many)
    ]
    made = [
        (
            i + 1,
            draw(image),
            draw(SMALL),
            draw(SMALL),
            draw(st.integers(0, len(TYPES) - 1)),
            draw(flag),
            draw(flag),
            draw(FRACTION),
        )
        for i in range(many)
    ]
    tables = np.array(pictures, IMAGES), np.array(given_, PREDICTIONS), np.array(made, LABELS)
    return n, Stretch(*tables, np.empty(0, np.int64)).ordered()


@given(stretches(), st.integers(1, 13))
def test_the_sums_of_two_parts_are_those_of_the_whole(drawn, cut):
    n, rows = drawn
    parts = [sums_of(rows.between(*ends), (0.0, 1.0)) for ends in ((1, cut), (cut, n + 1))]
    whole = sums_of(rows, (0.0, 1.0))
    if cut <= n:
        same(merged(parts), merged([whole]))


@given(stretches())
def test_stored_sums_are_read_back_as_they_were(drawn):
    sums = sums_of(drawn[1], (0.0, 1.0))
    same(Sums.from_dict(json.loads(json.dumps(sums.to_dict()))), sums)


def same(one, other):
    assert one.counts == other.counts
    assert one.moments == pytest.approx(other.moments)
    for name in HISTOGRAMS:
        assert (getattr(one, name) == getattr(other, name)).all()
    for name in TABLES:
        first, second = getattr(one, name), getattr(other, name)
        assert first.keys() == second.keys()
        assert all(first[key] == pytest.approx(second[key]) for key in first)
    for name in CASES:
        assert getattr(one, name) == getattr(other, name)


def labels(*rows):
    """Labels by (id, image, technician, type, assisted, value)."""
    made = [(i, m, t, 0, TYPES.index(kind), 0, shown, v) for i, m, t, kind, shown, v in rows]
    return np.array(made, LABELS)


def test_gold_counts_before_consensus_before_the_latest_label():
    found = references(
        labels(
            (1, 1, 1, "gold", 0, 0.1),
            (2, 1, 1, "consensus", 0, 0.2),
            (3, 1, 2, "manual", 0, 0.3),
            (4, 2, 1, "consensus", 0, 0.4),
            (5, 2, 1, "corrected", 1, 0.5),
            (7, 3, 1, "confirmed", 1, 0.7),
            (6, 3, 1, "manual", 0, 0.6),
            (8, 4, 1, "manual", 0, 0.8),
        )
    )
    assert found.labels["value"].tolist() == [0.1, 0.4, 0.7, 0.8]
    assert [BASES[at] for at in found.bases] == ["gold", "consensus", "assisted", "blind"]


def answers(errors):
    """A model's answers for as many images, and blind labels of 0.5, 0.6, 0.5 …"""
    n = len(errors)
    truth = np.where(np.arange(n) % 2, 0.6, 0.5)
    images = np.array([(i + 1, 1, UNKNOWN, 0, 0, 0) for i in range(n)], IMAGES)
    given_ = [(i + 1, i + 1, 7, 24312, truth[i] + e, 0.9) for i, e in enumerate(errors)]
    made = labels(*((i + 1, i + 1, 1, "manual", 0, v) for i, v in enumerate(truth)))
    return truth, Stretch(images, np.array(given_, PREDICTIONS), made, np.empty(0, np.int64))


def test_errors_are_those_of_numpy():
    errors = np.random.default_rng(3).normal(0.01, 0.05, 200)
    truth, rows = answers(errors)
    sums = sums_of(rows.ordered(), (0.0, 1.0))
    (model,) = telling.models(sums, {7: "v7"}, {}, 1.0)
    found = model.told.independent
    assert (found.n, found.bias) == (200, pytest.approx(errors.mean()))
    assert found.mae == pytest.approx(np.abs(errors).mean())
    assert found.rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert found.r2 == pytest.approx(1 - (errors**2).sum() / ((truth - truth.mean()) ** 2).sum())
    assert list(model.told.by_month) == ["2026-01"]
    right = (np.abs(errors) <= 0.05).mean()
    assert model.told.calibration.ece == pytest.approx(abs(right - 0.9))


def test_only_a_models_last_answer_for_an_image_counts():
    _, rows = answers([0.1])
    first = rows.predictions.copy()
    first["id"], first["value"] = 0, 0.0
    both = Stretch(
        rows.images, np.concatenate([rows.predictions, first]), rows.labels, rows.restricted
    )
    sums = sums_of(both.ordered(), (0.0, 1.0))
    assert telling.models(sums, {}, {}, 1.0)[0].told.overall.bias == pytest.approx(0.1)


def test_r2_of_equal_labels_is_not_a_number_that_is_told():
    _, rows = answers([0.1])
    sums = sums_of(rows, (0.0, 1.0))
    assert telling.models(sums, {}, {}, 1.0)[0].told.overall.r2 is None


def test_a_threshold_between_binary_fractions_cuts_where_it_says():
    images = np.array([(1, 1, 0.57, 0, 0, 0), (2, 1, 0.569, 0, 0, 0)], IMAGES)
    none = np.empty(0, np.int64)
    rows = Stretch(images, np.empty(0, PREDICTIONS), np.empty(0, LABELS), none)
    assert telling.scores(sums_of(rows, (0.0, 1.0)), 0.57).below == 1


def test_disagreement_is_between_people_not_within_one():
    rows = answers([0.0])[1]
    for second, found in ((1, 0), (2, 1)):
        made = labels((1, 1, 1, "manual", 0, 0.2), (2, 1, second, "manual", 0, 0.8))
        both = Stretch(rows.images, rows.predictions, made, rows.restricted)
        assert sums_of(both, (0.0, 1.0)).counts["disagreeing"] == found


def test_what_nobody_can_date_is_in_no_month_of_the_year_nought():
    assert telling.month_name(-12) == telling.month_name(0) == "unknown"
    assert telling.month_name(12 * 2026 + 10) == "2026-11"
