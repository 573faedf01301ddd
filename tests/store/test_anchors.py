"""The stratum that outlives a label: in the database it is the one that the splits use."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.domain.splits.assign import _bins
from mlmcsc.domain.splits.sequence import STRATA
from mlmcsc.store.queries.anchors import stratum_centre

RANGES = [(0.0, 1.0), (0.0, 100.0), (-1.0, 1.0), (0.1, 0.7), (1e-6, 3e-6), (-1e9, 1e12)]


def centres(db, values, low, high):
    columns = [stratum_centre(sa.literal(value, sa.Float), low, high) for value in values]
    with db._database.store.read() as view:
        return np.asarray(view.conn.execute(sa.select(*columns)).one(), dtype=np.float64)


def around(edge):
    """An edge of a stratum as it may be computed, and its closest neighbours."""
    return [edge, math.nextafter(edge, -math.inf), math.nextafter(edge, math.inf)]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_a_value_at_an_edge_keeps_its_stratum(db, low, high):
    steps = [low + (high - low) * k / STRATA for k in range(STRATA + 1)]
    steps += [low + (high - low) / STRATA * k for k in range(STRATA + 1)]
    values = sorted({v for step in steps for v in around(step) if low <= v <= high})
    kept = centres(db, values, low, high)
    before = _bins(np.asarray(values), (low, high))
    assert _bins(kept, (low, high)).tolist() == before.tolist()
    assert set(before.tolist()) == set(range(STRATA))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    places=st.lists(st.floats(0, 1), min_size=1, max_size=40),
)
def test_the_centre_is_in_the_stratum_and_tells_no_more(db, low, width, places):
    high = low + width
    values = [min(high, low + place * (high - low)) for place in places]
    kept = centres(db, values, low, high)
    assert _bins(kept, (low, high)).tolist() == _bins(np.asarray(values), (low, high)).tolist()
    possible = [low + (k + 0.5) / STRATA * (high - low) for k in range(STRATA)]
    assert set(kept.tolist()) <= set(possible)
