"""The order of an epoch: a true shuffle, shared out without loss, resumed at the very sample."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.datasets.permutation import Permutation
from mlmcsc.domain.datasets.positions import Plan
from mlmcsc.domain.datasets.sharding import Order
from mlmcsc.errors import ValidationError

seeds = st.integers(-(2**63) + 1, 2**63 - 1)


@given(n=st.integers(0, 3000), seed=seeds, epoch=st.integers(0, 2**40))
def test_a_permutation_is_a_bijection_for_every_n(n, seed, epoch):
    found = Permutation(n, seed, epoch)(np.arange(n))
    assert np.array_equal(np.sort(found), np.arange(n))


@given(n=st.integers(1, 2**62), seed=seeds, places=st.sets(st.integers(0, 2**62), min_size=2))
def test_it_stays_within_any_n_and_never_gives_a_number_twice(n, seed, places):
    asked = np.unique(np.asarray(sorted(places), np.int64) % n)
    found = Permutation(n, seed)(asked)
    assert found.min() >= 0
    assert found.max() < n
    assert len(np.unique(found)) == len(asked)


def test_it_is_the_same_on_every_machine():
    assert Permutation(10, seed=1, epoch=2)(np.arange(10)).tolist() == TEN
    far = Permutation(2**62, seed=-5)(np.asarray([0, 1, 2**62 - 1])).tolist()
    assert far == FAR


TEN = [4, 0, 2, 9, 8, 1, 5, 7, 6, 3]
FAR = [144498319662571995, 1076663088625501006, 2406849626243558564]


def test_every_place_is_as_likely():
    n, trials = 7, 7000
    seen = np.zeros((n, n))
    for seed in range(trials):
        seen[np.arange(n), Permutation(n, seed)(np.arange(n))] += 1
    expected = trials / n
    # 36 degrees of freedom: chi-square exceeds 80 with probability 3e-5; the seeds are fixed.
    assert ((seen - expected) ** 2 / expected).sum() < 80


def test_neighbours_do_not_stay_neighbours():
    found = Permutation(100_000, 1)(np.arange(100_000)).astype(float)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.02
    assert abs(np.corrcoef(found, np.arange(100_000))[0, 1]) < 0.02


ranks = st.fixed_dictionaries({"n": st.integers(0, 400), "world": st.integers(1, 9), "seed": seeds})


@given(ranks, st.booleans())
def test_keep_reads_each_sample_exactly_once(case, shuffle):
    orders = [
        Order(case["n"], shuffle, case["seed"], 0, rank, case["world"])
        for rank in range(case["world"])
    ]
    read = np.concatenate([order.at(0, len(order)) for order in orders])
    assert np.array_equal(np.sort(read), np.arange(case["n"]))
    assert max(map(len, orders)) - min(map(len, orders)) <= 1


@given(ranks)
def test_drop_and_pad_make_all_ranks_equal(case):
    n, world = case["n"], case["world"]
    for even, total in (("drop", n // world * world), ("pad", -(-n // world) * world)):
        orders = [
            Order(n, shuffle=True, seed=case["seed"], rank=rank, world_size=world, even=even)
            for rank in range(world)
        ]
        read = np.concatenate([order.at(0, len(order)) for order in orders])
        assert {len(order) for order in orders} == {total // world}
        assert len(np.unique(read)) == min(total, n)  # nothing twice before all were read once


@given(
    n=st.integers(0, 300),
    size=st.integers(1, 40),
    workers=st.integers(1, 6),
    world=st.integers(1, 3),
    drop_last=st.booleans(),
)
def test_workers_in_turn_read_what_one_process_reads(n, size, workers, world, drop_last):
    order = Order(n, shuffle=True, seed=5, rank=world - 1, world_size=world)
    plan = Plan("root", "all", order, size, drop_last)
    alone = list(plan.spans())
    shares = [list(plan.by(worker, workers).spans()) for worker in range(workers)]
    in_turn = [share[at] for at in range(len(alone)) for share in shares if at < len(share)]
    assert in_turn == alone
    assert len(plan) == len(alone)


@given(n=st.integers(1, 300), size=st.integers(1, 40), other=st.integers(1, 40), data=st.data())
@settings(max_examples=60)
def test_reading_goes_on_at_the_very_next_sample(n, size, other, data):
    order = Order(n, shuffle=True, seed=9, epoch=2)
    plan = Plan("root", "all", order, size)
    spans = list(plan.spans())
    stop = data.draw(st.integers(0, len(spans) - 1))
    state = json.loads(json.dumps(plan.position(spans[stop][1])))
    again = Plan("root", "all", order, other).resumed(state)
    rest = [place for span in again.spans() for place in order.at(*span).tolist()]
    assert rest == order.at(0, n).tolist()[spans[stop][1] :]


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("seed", {"seed": 4}),
        ("epoch", {"epoch": 1}),
        ("rank", {"rank": 1, "world_size": 2}),
        ("shuffle", {"shuffle": False}),
        ("rows", {"rows": 99}),
        ("even", {"even": "pad"}),
    ],
)
def test_a_state_of_another_order_is_refused_by_name(named, change):
    here = {"rows": 100, "shuffle": True, "seed": 3} | change
    state = Plan("root", "all", Order(100, shuffle=True, seed=3), 8).position(16)
    with pytest.raises(ValidationError, match=named):
        Plan("root", "all", Order(**here), 8).resumed(state)


def test_a_state_of_another_version_or_selection_is_refused():
    plan = Plan("root", "all", Order(100), 8)
    for other in (Plan("other", "all", Order(100), 8), Plan("root", "train", Order(100), 8)):
        with pytest.raises(ValidationError, match=r"another (root|selection)"):
            plan.resumed(other.position(8))
    for broken in ({}, {"format": "x"}, plan.position(8) | {"next": 101}, "next"):
        with pytest.raises(ValidationError):
            plan.resumed(broken)


@pytest.mark.parametrize(
    "wrong", [{"next": True}, {"next": -1}, {"epoch": 0.0}, {"batches": -1}, {"seed": None}]
)
def test_every_field_of_a_state_is_checked(wrong):
    plan = Plan("root", "all", Order(100), 8)
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        plan.resumed(plan.position(8) | wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": 2, "world_size": 2},
        {"rank": -1},
        {"world_size": 0},
        {"seed": 1.5},
        {"epoch": -1},
        {"even": "fair"},
        {"shuffle": "yes"},
        {"seed": True},
    ],
)
def test_wrong_orders_are_refused(wrong):
    with pytest.raises(ValidationError):
        Order(10, **wrong)
