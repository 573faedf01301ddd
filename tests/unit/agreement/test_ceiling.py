from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.domain.agreement.ceiling import noise_ceiling
from mlmcsc.errors import ValidationError

NAN = np.nan


def crowd(n=400, k=5, noise=4.0, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0, 100, n)
    return truth, truth[:, None] + noise * generator.normal(size=(n, k)), generator


def test_each_person_is_held_against_the_mean_of_the_others():
    found = noise_ceiling([[0, 10, 20], [30, 40, 80]], {}, raters=["a", "b", "c"])
    by_name = {each.name: each.mae.value for each in found.raters}
    assert by_name == pytest.approx({"a": 22.5, "b": 7.5, "c": 30.0})
    assert found.humans.mae.value == pytest.approx(20.0)
    assert found.humans.rmse.value == pytest.approx(
        ((15**2 + 15**2 + 30**2 + 15**2 + 45**2) / 6) ** 0.5
    )


def test_the_ceiling_is_what_the_noise_of_people_makes_it():
    _, ratings, _ = crowd(n=3_000)
    found = noise_ceiling(ratings, {}).humans
    assert found.rmse.value == pytest.approx(4 * (1 + 1 / 4) ** 0.5, abs=0.1)
    assert found.mae.low < found.rmse.value * (2 / np.pi) ** 0.5 < found.mae.high
    assert found.concordance.value == pytest.approx(found.r.value, abs=1e-3)


def test_a_model_as_noisy_as_people_is_neither_better_nor_worse():
    truth, ratings, generator = crowd()
    found = noise_ceiling(ratings, {"peer": truth + 4 * generator.normal(size=400)}).models[0]
    assert found.verdict == "undecided"
    assert found.mae_difference.low < 0 < found.mae_difference.high


def test_a_model_without_noise_is_better_and_a_noisy_one_worse():
    truth, ratings, generator = crowd()
    models = {"exact": truth, "poor": truth + 9 * generator.normal(size=400)}
    exact, poor = noise_ceiling(ratings, models).models
    assert (exact.verdict, poor.verdict) == ("better", "worse")
    assert exact.model.rmse.value == pytest.approx(4 / 2, abs=0.15)


def test_a_model_that_copies_one_rater_gains_nothing_where_that_rater_is_left_out():
    _, ratings, _ = crowd(k=2)
    found = noise_ceiling(ratings, {"copy of the first": ratings[:, 0]}).models[0]
    # against the mean without the first it errs like the first; else it is that mean itself
    assert found.model.n == 800
    assert found.model.mae.value == pytest.approx(found.humans.mae.value / 2)


def test_people_beside_a_model_are_scored_on_the_images_it_predicted():
    ratings = np.array([[0.0, 2.0], [10.0, 14.0], [50.0, 90.0]])
    found = noise_ceiling(ratings, {"m": [1.0, 12.0, NAN]}).models[0]
    assert (found.humans.items, found.humans.mae.value) == (2, 3.0)
    assert found.mae_difference.value == pytest.approx(1.5 - 3.0)


def test_missing_ratings_are_allowed_and_the_seed_decides_the_interval():
    _, ratings, generator = crowd()
    ratings[generator.random(ratings.shape) < 0.5] = NAN
    one, same, other = (noise_ceiling(ratings, {}, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.humans.mae.value == other.humans.mae.value
    assert one.humans.mae.low != other.humans.mae.low


def test_shifted_and_scaled_labels_scale_the_errors_only():
    truth, ratings, _ = crowd(n=50)
    one = noise_ceiling(ratings, {"m": truth})
    other = noise_ceiling(ratings / 100 + 3, {"m": truth / 100 + 3})
    assert other.humans.mae.value == pytest.approx(one.humans.mae.value / 100)
    assert other.humans.r.value == pytest.approx(one.humans.r.value)
    assert other.models[0].verdict == one.models[0].verdict


def test_people_who_agree_exactly_leave_no_error():
    found = noise_ceiling(np.repeat([[1.0], [5.0], [9.0]], 3, axis=1), {}).humans
    assert (found.mae.value, found.rmse.value) == pytest.approx((0, 0))
    assert found.concordance.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("ratings", "models", "message"),
    [
        ([[1.0, 2.0], [1.0, NAN]], {}, "1 items rated by two raters or more: at least 2"),
        ([[1.0, 2.0], [1.0, 3.0]], {"m": [1.0]}, "1 predictions for 2 items"),
        ([[1.0, 2.0], [1.0, 3.0]], {"m": [1.0, NAN]}, "1 items that model m predicted"),
    ],
)
def test_too_little_is_refused_by_name(ratings, models, message):
    with pytest.raises(ValidationError, match=message):
        noise_ceiling(ratings, models)


def test_images_of_one_specimen_are_drawn_together():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(10), 6)
    table = generator.normal(size=(10, 1))[specimen] + 0.4 * generator.normal(size=(60, 3))
    model = np.where(np.arange(60) % 7, table[:, 0], np.nan)
    plain = noise_ceiling(table, {"m": model}).humans.concordance
    drawn = noise_ceiling(table, {"m": model}, clusters=specimen).humans.concordance
    assert drawn.value == plain.value
    assert drawn.high - drawn.low > 1.5 * (plain.high - plain.low)
