"""How far labels are from what others say; whoever says nothing is not counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from mlmcsc.domain.suspicion.colleagues import by_colleagues
from mlmcsc.domain.suspicion.evidence import Said, against, ranks, scores
from mlmcsc.domain.suspicion.neighbours import expectations

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=9)


@given(st.lists(VALUES, min_size=1, max_size=2))
def test_while_little_is_known_of_people_the_median_of_the_others_is_expected(groups):
    images = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    people = np.concatenate([np.arange(len(group)) for group in groups])
    said = by_colleagues(images, people, np.concatenate(groups), 1.0)
    others = [np.median(group[:n] + group[n + 1 :]) for group in groups for n in range(len(group))]
    assert said.expected == pytest.approx(others, abs=1e-9)


def test_two_who_differ_are_equally_suspicious_and_one_alone_is_not():
    said = by_colleagues(np.array([1, 1, 2]), np.array([1, 2, 1]), np.array([0.2, 0.6, 0.5]), 1.0)
    assert said.z[0] == pytest.approx(-said.z[1])
    assert np.isnan(said.z[2])
    assert said.witnesses.tolist() == [1, 1, 0]


@pytest.fixture
def three():
    """400 images labelled by two careful people and a careless one (3); 1 reads 0.05 too high."""
    rng = np.random.default_rng(1)
    images, people = np.repeat(np.arange(400), 3), np.tile([1, 2, 3], 400)
    truth = np.repeat(rng.uniform(0.2, 0.8, 400), 3)
    values = truth + rng.normal(0, np.tile([0.02, 0.02, 0.1], 400)) + 0.05 * (people == 1)
    return images, people, values


def test_a_person_who_scatters_more_is_less_suspicious_of_the_same_difference(three):
    images, people, values = three
    for at in (0, 5):  # of persons 1 and 3
        others = [n for n in range(at - at % 3, at - at % 3 + 3) if n != at]
        values[others] = 0.5 + 0.05 * (people[others] == 1)
        values[at] = 0.8 + 0.05 * (people[at] == 1)
    said = by_colleagues(images, people, values, 1.0)
    assert abs(said.z[0]) > 2.5 * abs(said.z[5]) > 5


def test_careful_people_are_not_blamed_for_the_noise_of_a_careless_one(three):
    images, people, values = three
    said = by_colleagues(images, people, values, 1.0)
    for person in (1, 2, 3):
        z = said.z[people == person]
        assert float(z.std()) == pytest.approx(1, abs=0.15)
        assert float(z.mean()) == pytest.approx(0, abs=0.2)
    # Nearly all that is expected of a careful person comes from the other one, its bias taken off.
    first, second = values[people == 1], values[people == 2]
    apart = said.expected[people == 1] - second
    assert abs(float(apart.mean())) < 0.03
    assert float(apart.std()) < 0.02
    assert float((first - said.expected[people == 1]).std()) < 0.04


def test_gross_errors_do_not_make_their_maker_look_careless(three):
    images, people, values = three
    wrong = np.flatnonzero(people == 2)[::20]
    values[wrong] += 0.4
    said = by_colleagues(images, people, values, 1.0)
    assert float(np.abs(said.z[wrong]).min()) > 6
    assert float(said.z[(people == 2) & ~np.isin(np.arange(1200), wrong)].std()) < 1.2


def test_one_error_does_not_put_the_three_who_agree_under_suspicion():
    images, people = np.repeat(np.arange(100), 4), np.tile([1, 2, 3, 4], 100)
    values = 0.5 + np.random.default_rng(2).normal(0, 0.02, 400)
    values[3] = 0.9
    said = by_colleagues(images, people, values, 1.0)
    assert abs(said.z[3]) > 8
    assert float(np.abs(said.z[:3]).max()) < 3


def test_the_usual_difference_from_a_model_is_no_reason():
    values = np.random.default_rng(2).normal(0.5, 0.05, 100)
    values[7] = 0.9
    said = against(values, np.full(100, 0.2), np.ones(100, np.int64), 1.0)
    assert int(np.abs(said.z).argmax()) == 7
    assert abs(float(np.median(said.z))) < 1e-9


def test_too_few_differences_say_nothing():
    said = against(np.ones(19), np.ones(19), np.ones(19, np.int64), 1.0)
    assert np.isnan(said.z).all()


def test_the_score_is_a_tail_of_chi_square_and_missing_evidence_is_missing():
    def of(*z):
        return Said(np.zeros(len(z)), np.array(z), np.ones(len(z), np.int64))

    found = scores(of(3.0, 3.0, np.nan, 50.0), of(np.nan, 0.0, np.nan, np.nan))
    expected = [
        -np.log10(chi2.sf(9, 1)),
        -np.log10(chi2.sf(9, 2)),
        np.nan,
        -np.log10(chi2.sf(64, 1)),
    ]
    assert found == pytest.approx(expected, nan_ok=True)


def test_three_colleagues_who_agree_outweigh_a_model_two_do_not():
    z, model = np.array([0.5, 0.5, 2.5, np.nan]), np.full(4, 6.0)
    colleagues = Said(np.zeros(4), z, np.array([3, 2, 3, 0]))
    others = Said(np.zeros(4), model, np.ones(4, np.int64))
    found, doubted = ranks(colleagues, others)
    together, alone = scores(colleagues, others), scores(colleagues)
    assert found == pytest.approx([alone[0], *together[1:]])
    assert doubted.tolist() == [True, False, False, False]


def test_a_model_that_agrees_too_still_clears_a_label():
    colleagues = Said(np.zeros(1), np.array([1.9]), np.array([3]))
    model = Said(np.zeros(1), np.array([0.0]), np.ones(1, np.int64))
    found, doubted = ranks(colleagues, model)
    assert found < scores(colleagues)
    assert not doubted.any()


def test_neighbours_are_of_other_specimens():
    vectors = np.random.default_rng(3).normal(1, 0.1, (22, 4)).astype(np.float32)
    groups = np.repeat([1, 2], 11)
    values = np.repeat([0.1, 0.7], 11)
    expected, count = expectations(vectors, groups, vectors, groups, values)
    assert expected == pytest.approx(np.repeat([0.7, 0.1], 11))
    assert set(count.tolist()) == {10}
    assert np.isnan(expectations(vectors, groups, vectors[:9], groups[:9], values[:9])[0]).all()
