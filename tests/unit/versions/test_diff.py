"""Differences of two versions, against the plainest way to find them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.versions.diff import Change, Rows, compare, histogram, overlaid
from mlmcsc.domain.versions.rows import State

ROW = st.tuples(st.sampled_from(list(State)), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 2))
LAYER = st.dictionaries(st.integers(1, 12), ROW)


def rows(layer, side=0):
    ids = sorted(layer)
    states = np.array([layer[i][0] for i in ids], np.int8)
    labels = np.array([layer[i][1] for i in ids], np.float64)
    labels[states != State.PRESENT] = np.nan
    splits = np.array([layer[i][2] for i in ids], np.int8)
    # Rows that say the same are the same row, but for what an erasure left.
    said = [(i, *row) if row[0] is State.PRESENT else (i, row[0], side) for i, row in layer.items()]
    marks = dict(zip(layer, map(hash, said), strict=True))
    return Rows(
        np.array(ids, np.int64), states, labels, splits, np.array([marks[i] for i in ids], np.int64)
    )


def flat(layers):
    merged = {}
    for layer in layers:
        merged |= layer
    return {i: row for i, row in merged.items() if row[0] is not State.GONE}


@given(st.lists(LAYER, min_size=1, max_size=4))
def test_layers_overlaid_are_the_topmost_rows_without_those_gone(layers):
    found, plain = overlaid([rows(layer) for layer in layers]), flat(layers)
    assert found.ids.tolist() == sorted(plain)
    assert found.splits.tolist() == [plain[i][2] for i in sorted(plain)]


@given(LAYER, LAYER)
def test_changes_are_those_that_a_look_at_each_image_finds(a, b):
    a, b = flat([a]), flat([b])
    found = compare(rows(a, "old"), rows(b, "new"))
    both = a.keys() & b.keys()
    known = {i for i in both if a[i][0] is b[i][0] is State.PRESENT}
    expected = {
        Change.ADDED: b.keys() - a.keys(),
        Change.REMOVED: a.keys() - b.keys(),
        Change.RELABELLED: {i for i in known if a[i][1] != b[i][1]},
        Change.MOVED: {i for i in known if a[i][2] != b[i][2]},
        Change.DETAILS: {i for i in known if a[i] != b[i]},
        Change.REDACTED: both - known,
    }
    for change, images in expected.items():
        assert set(found.only(change).ids.tolist()) == images
        assert found.count(change) == len(images)
    assert found.ids.tolist() == sorted(set().union(*expected.values()))


NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6)


@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_every_difference_is_in_one_bin_and_signs_never_share_one(differences):
    bins = histogram(np.array(differences))
    assert sum(each.count for each in bins) == len(differences)
    assert len(bins) <= 23
    assert sum(each.count for each in bins if each.high <= 0) == sum(d < 0 for d in differences)


def test_bins_have_round_widths():
    bins = histogram(np.array([-0.13, 0.2, 0.41]))
    assert (bins[0].low, bins[0].high) == (-0.15, -0.1)
    assert bins[-1].high == pytest.approx(0.45)
