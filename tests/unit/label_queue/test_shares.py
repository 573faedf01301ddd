"""Which places are checks: exact in the long run, shuffled within, the same when asked in parts."""

from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.label_queue import Purpose, Shares, is_blind
from mlmcsc.domain.label_queue.shares import BLOCK
from mlmcsc.domain.label_queue.spreading import farthest
from mlmcsc.errors import ValidationError

HALF = st.floats(0, 0.475)


@given(HALF, HALF, st.integers(1, 50), st.integers(1, 10**6))
def test_shares_hold_exactly_after_each_block(duplicate, gold, blocks, who):
    places = Shares(duplicate, gold).places(who, 0, blocks * BLOCK)
    assert len(places) == blocks * BLOCK
    assert places.count(Purpose.DUPLICATE) == floor(blocks * BLOCK * duplicate + 1e-9)
    assert places.count(Purpose.GOLD) == floor(blocks * BLOCK * gold + 1e-9)


@given(st.integers(0, 200), st.integers(0, 60), st.integers(0, 60))
def test_places_do_not_depend_on_how_many_are_asked_for(first, some, more):
    shares = Shares(0.1, 0.05)
    whole = shares.places(3, first, some + more)
    assert whole == shares.places(3, first, some) + shares.places(3, first + some, more)


def test_places_follow_no_pattern_that_people_could_learn():
    places = Shares(0.05, 0.0).places(3, 0, 50 * BLOCK)
    at = {n % BLOCK for n, place in enumerate(places) if place is Purpose.DUPLICATE}
    assert len(at) > BLOCK // 2


def test_shares_that_leave_nothing_to_label_are_refused():
    with pytest.raises(ValidationError, match="sum up to more than 1"):
        Shares(0.6, 0.5)


def test_checks_are_blind_and_so_is_a_quarter_of_the_others():
    assert all(is_blind(purpose, 1, 1) for purpose in ("duplicate", "gold", "overlap"))
    blind = sum(is_blind("new", 1, image) for image in range(1, 2001))
    assert 400 < blind < 600


def test_each_pick_is_the_farthest_from_all_before_it():
    angles = np.radians([5, 90, 50, 10])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    known = np.array([[1, 0]], dtype=np.float32)
    assert farthest(points, known, 9).tolist() == [1, 2, 3, 0]
    assert farthest(np.zeros((2, 2), np.float32), known, 2).tolist() == []
    assert sorted(farthest(points, known[:0], 4).tolist()) == [0, 1, 2, 3]
