"""Labels arranged for comparison: complete sets, pairs, what the others say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.agreement.references import RaterModel, others
from mlmcsc.domain.agreement.study import (
    Kind,
    Measurements,
    complete_block,
    most_overlapping,
    packed,
)

LABELS = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 4), st.floats(0, 1)), min_size=1, max_size=40
)


def measured(rows):
    image, rater, value = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    return Measurements(
        label_ids=np.arange(1, n + 1),
        images=image.astype(np.int64),
        raters=rater.astype(np.int64),
        values=value,
        firsts=value,
        shown=np.full(n, np.nan),
        kinds=np.full(n, Kind.BLIND, dtype=np.int8),
        revisions=np.ones(n, np.int64),
    )


def cells(found):
    return {(i, r): v for i, r, v in zip(found.images, found.raters, found.firsts, strict=True)}


@settings(deadline=None)
@given(LABELS)
def test_each_rater_has_one_first_and_one_last_label_of_an_image(rows):
    found = measured(rows)

    last = {(i, r): v for i, r, v in rows}
    first = {(i, r): v for i, r, v in reversed(rows)}

    assert cells(found.first_of_each()) == first
    assert cells(found.last_of_each()) == last


@settings(deadline=None)
@given(LABELS)
def test_the_packed_table_holds_each_images_values(rows):
    found = measured(rows).first_of_each()

    table = packed(found)

    expected = [sorted(found.firsts[found.images == i]) for i in np.unique(found.images)]
    assert [sorted(row[~np.isnan(row)]) for row in table] == expected


@settings(deadline=None)
@given(LABELS)
def test_pairs_are_counted_as_by_hand(rows):
    found = measured(rows).first_of_each()
    who = {r: {i for i, x in cells(found) if x == r} for r in np.unique(found.raters)}
    expected = {pair: len(who[pair[0]] & who[pair[1]]) for pair in combinations(sorted(who), 2)}
    sharing = sorted((p for p, n in expected.items() if n), key=lambda p: (-expected[p], p))

    assert most_overlapping(found, 100, None) == sharing


@settings(deadline=None)
@given(LABELS, st.integers(1, 2))
def test_a_complete_set_has_no_gap_and_holds_what_was_measured(rows, repeats):
    found = measured(rows)

    block = complete_block(found, repeats=repeats, fewest_images=2)

    if block is None:
        times = {}
        for i, r, _ in rows:
            times.setdefault(r, {}).setdefault(i, []).append(1)
        often = {r: {i for i, n in of.items() if len(n) >= repeats} for r, of in times.items()}
        assert all(len(often[a] & often[b]) < 2 for a, b in combinations(often, 2))
        return
    assert block.values.shape == (len(block.images), len(block.raters), repeats)
    for i, image in enumerate(block.images):
        for r, rater in enumerate(block.raters):
            mine = [v for x, y, v in rows if (x, y) == (image, rater)]
            assert block.values[i, r].tolist() == mine[:repeats]


@settings(deadline=None)
@given(LABELS)
def test_the_others_are_everybody_but_the_labels_own_rater(rows):
    found = measured(rows).first_of_each()
    model = RaterModel(
        np.arange(1, 5), np.array([0.0, 0.1, -0.1, 0.2]), np.array([1.0, 4.0, 9.0, 2.0])
    )

    value, uncertainty = others(found, model).without(found)

    for at in range(len(found)):
        rest = (found.images == found.images[at]) & (found.raters != found.raters[at])
        if not rest.any():
            assert np.isnan(value[at])
            continue
        who = found.raters[rest] - 1
        weight = model.weight[who]
        expected = np.average(found.firsts[rest] - model.bias[who], weights=weight)
        assert value[at] == pytest.approx(expected, abs=1e-9)
        assert uncertainty[at] == pytest.approx(weight.sum() ** -0.5)
