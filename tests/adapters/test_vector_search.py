"""Blocked search gives what a plain loop gives; the index says how much it misses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.adapters.vector_search import (
    ApproximateIndex,
    Vectors,
    in_memory,
    of_matrix,
    search_exact,
    tie_close,
    vectors,
)
from mlmcsc.domain.similarity import Grouping, Metric, nearest, recall
from mlmcsc.domain.similarity.metrics import distances

METRICS = st.sampled_from(Metric)
NUMBERS = st.one_of(
    st.integers(-2, 2).map(float),  # many ties
    st.floats(-1e3, 1e3, width=32),
    st.sampled_from([1.0, 1 + 2**-22, 1 - 2**-23, 1e30, 1e-30, -1e30]),  # where float32 fails
)


def brute_force(source, query, k, metric):
    rows = source.all_rows()
    return nearest(distances(source.values[rows], query, metric), source.ids[rows], k)


def assert_same(source, queries, k, metric):
    found = search_exact([source], queries, k, metric)
    for query, answer in zip(queries, found, strict=True):
        expected = brute_force(source, query, k, metric)
        assert answer.ids.tolist() == expected.ids.tolist()
        assert answer.distances.tolist() == expected.distances.tolist()


@st.composite
def cases(draw):
    count, dimension = draw(st.integers(1, 90)), draw(st.integers(1, 5))
    values = draw(arrays.arrays(np.float32, (count, dimension), elements=NUMBERS))
    queries = draw(
        arrays.arrays(np.float32, (draw(st.integers(1, 3)), dimension), elements=NUMBERS)
    )
    return values, queries.astype(np.float64)


@settings(deadline=None)
@given(case=cases(), metric=METRICS, k=st.integers(1, 6), block=st.integers(1, 40), data=st.data())
def test_the_answer_is_that_of_a_plain_loop(case, metric, k, block, data):
    values, queries = case
    ids = np.random.default_rng(len(values)).permutation(len(values)) + 1
    source = in_memory(ids.astype(np.int64), values)
    if data.draw(st.booleans()):
        source = source.only(np.flatnonzero(data.draw(arrays.arrays(bool, len(values) + 1))))
    if metric is Metric.COSINE:
        source = source.with_direction()
        queries = queries[queries.any(axis=1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "BLOCK_BYTES", block * 4 * values.shape[1])
        assert_same(source, queries, k, metric)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("queries", [1, 66])
def test_many_blocks_and_many_queries_give_the_same(metric, queries):
    rng = np.random.default_rng(1)
    values = rng.standard_normal((9_000, 40)).astype(np.float32)
    values[5_000:5_100] = values[7]  # more ties than are kept as candidates

    assert_same(
        in_memory(np.arange(9_000) + 1, values),
        np.concatenate([values[7:8], rng.standard_normal((queries - 1, 40))]).astype(np.float64),
        10,
        metric,
    )


@pytest.mark.parametrize("share", [0.02, 0.6])
def test_a_part_of_the_rows_is_searched_alone(share):
    rng = np.random.default_rng(2)
    source = in_memory(np.arange(20_000) + 1, rng.standard_normal((20_000, 64)).astype(np.float32))
    some = source.only(np.flatnonzero(rng.random(20_001) < share))

    assert 0 < len(some) < 20_000
    assert_same(some, rng.standard_normal((2, 64)), 7, Metric.COSINE)


def test_several_sources_are_one():
    rng = np.random.default_rng(3)
    values = rng.integers(-1, 2, (60, 3)).astype(np.float32)
    whole = in_memory(np.arange(60) + 1, values).with_direction()
    parts = [whole.only(np.arange(1, 20)), whole.without(np.arange(1, 20))]
    query = np.asarray([[1.0, 1.0, 0.0]])

    (split,) = search_exact(parts, query, 12, Metric.COSINE)

    assert split.ids.tolist() == brute_force(whole, query[0], 12, Metric.COSINE).ids.tolist()


def rows(ids, values, first=1):
    return [[(first + n, i, v.tobytes()) for n, (i, v) in enumerate(zip(ids, values, strict=True))]]


def test_lengths_beside_a_matrix_grow_with_it_and_stale_rows_are_not_searched(tmp_path):
    matrix = FeatureMatrix(tmp_path / "set-1", 2)
    values = np.asarray([[3, 4], [1, 0], [0, 2]], np.float32)
    with matrix.locked():
        matrix.rebuild(rows([1, 2, 3], values), "float32", "a")
    assert of_matrix(matrix).norms.tolist() == [5, 1, 2]
    with matrix.locked():
        matrix.extend(rows([2], np.asarray([[0, 7]], np.float32), first=4), "float32", "b", 3)

    source = of_matrix(matrix)

    assert source.norms.tolist() == [5, 1, 2, 7]
    assert np.fromfile(matrix.files / "norms.f64").tolist() == [5, 1, 2, 7]
    assert source.all_rows().tolist() == [0, 2, 3]
    (found,) = search_exact([source], np.asarray([[1.0, 0.0]]), 3, Metric.COSINE)
    assert found.ids.tolist() == [1, 2, 3]


@settings(deadline=None)
@given(
    values=arrays.arrays(
        np.float32, st.tuples(st.integers(1, 25), st.just(2)), elements=st.integers(1, 30)
    ),
    limit=st.sampled_from([0.0, 0.001, 0.02, 0.2]),
    block=st.integers(1, 9),
)
def test_close_pairs_are_those_of_a_plain_loop(values, limit, block):
    from mlmcsc.adapters.vector_search import pairs

    ids = np.arange(len(values), dtype=np.int64) * 3 + 1
    source = in_memory(ids, values)
    expected, grouping = Grouping(len(ids)), Grouping(len(ids))
    for at, one in enumerate(values):
        near = np.flatnonzero(distances(values, one.astype(float), Metric.COSINE) <= limit)
        expected.tie(np.stack([np.full(len(near), at), near], axis=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "BLOCK", block)
        patch.setattr(pairs, "MEASURED", block)
        tie_close([source], ids, grouping, limit)

    assert grouping.roots.tolist() == expected.roots.tolist()


@pytest.fixture(scope="module")
def usearch():
    pytest.importorskip("usearch.index", reason="approximate search needs: pip install mlmcsc[ann]")


def index_of(folder, values, metric=Metric.COSINE):
    index = ApproximateIndex(folder, metric, values.shape[1])
    index.open(values)
    return index


@pytest.mark.usefixtures("usearch")
@pytest.mark.parametrize("metric", Metric)
def test_the_index_finds_nearly_all_neighbours(tmp_path, metric):
    rng = np.random.default_rng(4)
    values = rng.standard_normal((3000, 24)).astype(np.float32)
    source = Vectors(np.arange(3000), values, np.ones(3000))
    queries = rng.standard_normal((40, 24))
    exact = [each.ids for each in search_exact([source], queries, 10, metric)]

    found = index_of(tmp_path, values, metric).search(queries, 10)

    assert recall(exact, found) > 0.8


@pytest.mark.usefixtures("usearch")
def test_the_index_grows_with_the_matrix_and_forgets_its_recall_then(tmp_path):
    values = np.eye(40, dtype=np.float32)
    index = index_of(tmp_path, values[:30])
    index.remember_recall(5, 0.9)
    assert index_of(tmp_path, values[:30]).recall(5) == 0.9

    grown = index_of(tmp_path, values)

    assert grown.recall(5) is None
    assert grown.search(values[35:36].astype(np.float64), 1)[0].tolist() == [35]


@pytest.mark.usefixtures("usearch")
def test_a_torn_index_is_built_again(tmp_path):
    values = np.eye(20, dtype=np.float32)
    index_of(tmp_path, values)
    (file,) = tmp_path.glob("*.usearch")
    file.write_bytes(file.read_bytes()[:100])

    assert index_of(tmp_path, values).search(np.eye(20)[3:4], 1)[0].tolist() == [3]
