from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.training import links_among, units

IDS = st.lists(st.integers(1, 40), unique=True, max_size=20).map(sorted)
PAIRS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=20)


def array(values):
    return np.array(values, dtype=np.int64)


@given(IDS, st.dictionaries(st.integers(1, 40), st.integers(0, 5)))
def test_images_share_a_unit_if_and_only_if_they_share_a_specimen(ids, specimen):
    codes = units(array(ids), array(list(specimen)), array(list(specimen.values())))
    names = [specimen.get(i, f"alone {i}") for i in ids]
    assert sorted(set(codes.tolist())) == list(range(len(set(names))))
    for a in range(len(ids)):
        for b in range(len(ids)):
            assert (codes[a] == codes[b]) == (names[a] == names[b])


def component(start, edges):
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for a, b in edges:
            for there in (b,) if a == here else (a,) if b == here else ():
                if there not in seen:
                    seen.add(there)
                    todo.append(there)
    return seen


@given(IDS, PAIRS)
def test_images_are_linked_if_and_only_if_a_chain_of_look_alikes_joins_them(ids, pairs):
    links = links_among(array(ids), array(pairs).reshape(-1, 2))
    edges = [(ids[a], ids[b]) for a, b in links.tolist()]
    for image in ids:
        assert component(image, edges) == component(image, pairs) & set(ids)


def test_no_images_and_no_pairs_are_no_links():
    empty = np.empty((0, 2), dtype=np.int64)
    assert links_among(array([]), empty).shape == (0, 2)
    assert links_among(array([]), array([[1, 2]])).shape == (0, 2)
    assert units(array([]), array([]), array([])).tolist() == []
