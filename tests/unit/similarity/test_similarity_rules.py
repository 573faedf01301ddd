"""Distances, ranking and grouping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.similarity import (
    Grouping,
    Metric,
    as_metric,
    as_queries,
    check_k,
    nearest,
    recall,
)
from mlmcsc.domain.similarity.metrics import distances
from mlmcsc.domain.similarity.ranking import RunningBest
from mlmcsc.errors import ValidationError


def test_cosine_is_the_angle_and_not_the_length():
    vectors = np.asarray([[2, 0], [0, 3], [-1, 0], [1, 1]], np.float32)

    apart = distances(vectors, np.asarray([1.0, 0.0]), Metric.COSINE)

    assert apart.tolist() == pytest.approx([0, 1, 2, 1 - 0.5**0.5])


@pytest.mark.parametrize("size", [1, 7, 128, 513])
def test_a_vector_is_no_distance_from_itself(size):
    vector = np.random.default_rng(size).standard_normal((1, size)).astype(np.float32)

    for metric in (Metric.COSINE, Metric.L2):
        assert distances(vector, vector[0].astype(np.float64), metric).tolist() == [0]


def test_l2_is_euclidean_and_dot_the_product_with_its_sign_changed():
    vectors = np.asarray([[3, 4], [1, 0]], np.float32)

    assert distances(vectors, np.zeros(2), Metric.L2).tolist() == [5, 1]
    assert distances(vectors, np.asarray([2.0, 1.0]), Metric.DOT).tolist() == [-10, -2]


def test_equally_far_images_come_by_their_ids():
    found = nearest(np.asarray([0.5, 0.1, 0.5, 0.5]), np.asarray([9, 7, 2, 4]), 3)

    assert found.ids.tolist() == [7, 2, 4]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([[1.0, 2.0]], r"shape \(2,\).*3 numbers"),
        ([[1.0, np.nan, 0.0]], r"vector\[1\]=nan"),
        ([[1.0, 0.0, np.inf]], r"vector\[2\]=inf"),
        ([[0.0, 0.0, 0.0]], "all zeros.*metric='l2'"),
        ([["a", "b", "c"]], "3 numbers"),
        ([[1.0, 2.0], [1.0]], "not numbers of one shape"),
    ],
)
def test_a_vector_that_cannot_be_searched_with_is_refused(vector, message):
    with pytest.raises(ValidationError, match=message):
        as_queries(vector, 3, Metric.COSINE)


@pytest.mark.parametrize("length", [1e300, 1e30, 1e-40, 1e-300])
def test_a_direction_is_the_same_at_every_length(length):
    direction = np.asarray([[1.0, 2.0, -0.5]])
    stored = np.asarray([[1, 1, 1], [1, 2, 0]], np.float32)
    (query,) = as_queries(direction * length, 3, Metric.COSINE)
    found = distances(stored, query, Metric.COSINE)
    assert found == pytest.approx(distances(stored, direction[0], Metric.COSINE), rel=1e-12)
    with pytest.raises(ValidationError, match="at most 1e\\+18"):
        as_queries([[0, 1e19]], 2, Metric.L2)


def test_a_zero_vector_has_a_euclidean_distance():
    assert as_queries([[0, 0, 0]], 3, Metric.L2).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("k", [0, -1, 6, 2.0, True, "3"])
def test_a_number_of_neighbours_that_cannot_be_given_is_refused(k):
    with pytest.raises(ValidationError, match="must be from 1 to 5, the number of images"):
        check_k(k, 5, "images")


def test_an_unknown_metric_is_refused_with_those_there_are():
    with pytest.raises(ValidationError, match="cosine, l2, dot"):
        as_metric("manhattan")


@given(
    blocks=st.lists(st.lists(st.integers(0, 20), max_size=8), max_size=6),
    size=st.integers(1, 6),
)
def test_the_running_best_keeps_the_lowest_whatever_the_blocks(blocks, size):
    best = RunningBest(1, size)
    start = 0
    for block in blocks:
        ranks = np.asarray([block], np.float32)
        best.offer(ranks, np.arange(start, start + len(block)))
        start += len(block)
    every = [rank for block in blocks for rank in block]

    assert sorted(best.ranks[0].tolist()) == sorted(every)[:size]
    assert [every[row] for row in best.rows[0]] == best.ranks[0].tolist()
    left_out = sorted(every)[size:]
    assert all(rank >= best.limits[0] for rank in left_out)


@given(
    n=st.integers(1, 12),
    data=st.data(),
)
def test_groups_are_the_connected_images_in_whatever_parts_the_pairs_come(n, data):
    image = st.integers(0, n - 1)
    parts = data.draw(st.lists(st.lists(st.tuples(image, image), max_size=5), max_size=4))
    grouping = Grouping(n)
    expected = {each: {each} for each in range(n)}
    for part in parts:
        grouping.tie(np.asarray(part, np.int64).reshape(-1, 2))
        for a, b in part:
            joined = expected[a] | expected[b]
            expected |= dict.fromkeys(joined, joined)
    wanted = sorted({tuple(sorted(group)) for group in expected.values() if len(group) > 1})

    assert [tuple(group.tolist()) for group in grouping.groups()] == wanted


def test_recall_is_the_share_of_true_neighbours_that_were_found():
    exact = [np.asarray([1, 2]), np.asarray([3, 4])]

    assert recall(exact, [np.asarray([2, 1]), np.asarray([4, 9])]) == 0.75
