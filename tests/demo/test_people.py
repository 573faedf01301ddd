import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.demo.people import CREW, Technician
from mlmcsc.errors import ValidationError

BIASED = Technician("t", "T", "expert", bias=0.04, scatter=0.02, seconds_per_label=30)
SHARE = st.floats(0, 1)


@given(
    person=st.sampled_from(CREW),
    truth=SHARE,
    shown=st.none() | SHARE,
    seed=st.integers(0, 2**32 - 1),
)
def test_any_scoring_is_a_valid_label(person, truth, shown, seed):
    scoring = person.score(np.random.default_rng(seed), truth, shown)

    assert 0 <= scoring.label <= 1
    assert scoring.seconds > 0
    assert scoring.difficulty in {1, 2, 3, 4, 5}


def test_the_bias_and_scatter_of_a_person_show_in_many_labels():
    rng = np.random.default_rng(0)
    errors = np.array([BIASED.score(rng, 0.5).label for _ in range(3000)]) - 0.5

    assert errors.mean() == pytest.approx(0.04, abs=0.003)
    assert errors.std() == pytest.approx(0.02, abs=0.003)


def test_nobody_errs_much_at_the_ends():
    rng = np.random.default_rng(0)
    errors = [abs(BIASED.score(rng, 1.0).label - 1) for _ in range(200)]

    assert np.mean(errors) < 0.01


def test_a_shown_prediction_draws_the_label_towards_it():
    def label(shown):
        rng = np.random.default_rng(3)
        return np.mean([BIASED.score(rng, 0.5, shown).label for _ in range(500)])

    assert label(0.9) - label(None) == pytest.approx(0.2 * (0.9 - 0.54), abs=0.01)


def test_half_and_half_is_felt_harder_and_takes_longer_than_a_clear_case():
    rng = np.random.default_rng(1)
    mixed = [BIASED.score(rng, 0.5) for _ in range(300)]
    clear = [BIASED.score(rng, 0.0) for _ in range(300)]

    assert np.mean([s.difficulty for s in mixed]) > np.mean([s.difficulty for s in clear]) + 1
    assert np.mean([s.seconds for s in mixed]) > np.mean([s.seconds for s in clear])


def test_a_novice_reads_in_coarse_steps():
    novice = next(person for person in CREW if person.experience_level == "novice")
    rng = np.random.default_rng(2)

    labels = np.array([novice.score(rng, 0.5).label for _ in range(100)])
    assert np.allclose(labels * 20, np.round(labels * 20))


@pytest.mark.parametrize(("truth", "shown"), [(1.2, None), (float("nan"), None), (0.5, 7.5)])
def test_values_that_are_no_fraction_are_refused(truth, shown):
    with pytest.raises(ValidationError, match=r"give a fraction in \[0, 1\]"):
        BIASED.score(np.random.default_rng(0), truth, shown)
