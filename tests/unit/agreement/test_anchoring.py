from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.agreement.anchoring import anchoring, verdict
from mlmcsc.errors import ValidationError


def people(slope, *, n=600, noise=1.0, seed=0):
    """Assisted labels, blind consensus and predictions of people pulled by that slope."""
    generator = np.random.default_rng(seed)
    blind = generator.uniform(0, 100, n)
    shown = blind + 6 * generator.normal(size=n)
    return blind + slope * (shown - blind) + noise * generator.normal(size=n), blind, shown


def test_copying_is_one_exactly():
    _, blind, shown = people(0)
    found = anchoring(shown, blind, shown)
    assert found.slope == pytest.approx(1)
    assert 0.98 < found.low < found.slope < found.high
    assert (found.verdict, found.copied, found.copied_share) == ("copies", 600, 1.0)


def test_independence_is_zero():
    found = anchoring(*people(0, n=2_000))
    assert found.low < 0 < found.high
    assert found.verdict == "independent"


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.integers(0, 1_000))
def test_any_pull_is_recovered(slope, seed):
    found = anchoring(*people(slope, seed=seed))
    assert found.slope == pytest.approx(slope, abs=0.04)
    assert found.method == "HC3"


def test_a_biased_rater_is_not_taken_for_an_anchored_one():
    label, blind, shown = people(0, n=2_000)
    found = anchoring(label + 5, blind, shown)
    assert found.verdict == "independent"
    assert found.intercept == pytest.approx(5, abs=0.15)


def test_the_noise_of_the_consensus_alone_looks_like_anchoring_until_it_is_told():
    generator = np.random.default_rng(5)
    truth = generator.uniform(0, 100, 4_000)
    blind = truth + 3 * generator.normal(size=4_000)
    shown = truth + 4 * generator.normal(size=4_000)
    label = truth + generator.normal(size=4_000)
    naive = anchoring(label, blind, shown)
    told = anchoring(label, blind, shown, uncertainty=np.full(4_000, 3.0))
    assert naive.slope == pytest.approx(9 / 25, abs=0.04)
    assert told.low < 0 < told.high
    assert told.corrected


def test_the_interval_covers_the_truth_as_often_as_it_says_with_uneven_noise():
    hits = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        pull = generator.normal(size=60)
        label = 0.5 * pull + generator.normal(size=60) * (0.2 + np.abs(pull))
        found = anchoring(label, np.zeros(60), pull)
        hits += found.low <= 0.5 <= found.high
    assert 0.91 <= hits / 300 <= 0.99


def test_people_who_differ_widen_the_interval_when_they_are_named():
    generator = np.random.default_rng(1)
    who = np.repeat(np.arange(6), 200)
    pull = 5 * generator.normal(size=1_200)
    label = np.array([0.0, 0.1, 0.2, 0.6, 0.8, 0.9])[who] * pull + generator.normal(size=1_200)
    nobody = anchoring(label, np.zeros(1_200), pull)
    named = anchoring(label, np.zeros(1_200), pull, raters=who)
    assert named.method == "HC3 or by rater"
    assert named.high - named.low > 3 * (nobody.high - nobody.low)
    verdicts = [each.verdict for each in named.raters]
    assert verdicts[0] == "independent"
    assert verdicts[2:] == ["pulled", "pulled", "copies", "copies"]


def test_a_rater_with_too_few_labels_is_named_with_the_reason():
    label, blind, shown = people(0.5, n=10)
    found = anchoring(label, blind, shown, raters=["a"] * 8 + ["b"] * 2)
    assert (found.raters[1].slope, found.raters[1].verdict) == (None, "unknown")
    assert "at least 3" in found.raters[1].reason


def test_above_two_thousand_labels_the_points_are_a_sample_and_say_so():
    label, blind, shown = people(0.5, n=5_000)
    found = anchoring(label, blind, shown)
    assert (found.n, len(found.x), len(found.y), found.sampled) == (5_000, 2_000, 2_000, True)
    assert max(found.x) == (shown - blind).max()


def test_one_label_alone_decides_nothing():
    found = anchoring([0.3, 0.31, 0.29, 0.9], [0.3] * 4, [0.3, 0.3, 0.3, 0.9])
    assert (found.slope, found.telling, found.verdict) == (pytest.approx(1), 1, "undecided")
    assert "only 1 labels have a prediction that is clearly off: 5 are needed" in found.reason


@pytest.mark.parametrize("n", [3, 4, 8, 40])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_no_interval_has_zero_width_however_well_the_labels_fit(n, slope):
    shown = np.linspace(-0.2, 0.2, n)
    found = anchoring(slope * shown, np.zeros(n), shown, raters=np.zeros(n))
    for each in (found, *found.raters):
        assert each.high - each.low > 2 * (1 - 0.025 ** (1 / n)) - 1e-9
    assert found.verdict == ("undecided" if n < 8 else found.verdict)


def test_copies_are_counted_beside_the_slope_of_each_rater():
    shown = np.linspace(-0.2, 0.2, 8)
    label = np.where(np.arange(8) < 3, shown, 0.001)
    found = anchoring(label, np.zeros(8), shown, raters=["a"] * 4 + ["b"] * 4)
    assert found.copied == 3
    assert [each.copied_share for each in found.raters] == [0.75, 0.0]


def own_slopes(raters, seed):
    """Labels by raters of whom each has a slope of their own, 0.5 on average."""
    generator = np.random.default_rng(seed)
    who = np.arange(40) % raters
    own = 0.5 + 0.25 * generator.normal(size=raters)
    pull = generator.normal(size=40)
    label = own[who] * pull + 0.3 * generator.normal(size=40)
    return anchoring(label, np.zeros(40), pull, raters=who)


@pytest.mark.parametrize("raters", [5, 8])
def test_with_five_raters_or_more_the_interval_covers_the_slope_of_raters_like_these(raters):
    found = [own_slopes(raters, seed) for seed in range(300)]
    assert sum(each.low <= 0.5 <= each.high for each in found) / 300 >= 0.93


def test_with_fewer_raters_the_interval_says_that_it_speaks_of_these_only():
    found = [own_slopes(2, seed) for seed in range(100)]
    assert {each.method for each in found} == {"HC3, of these raters only"}
    assert min(each.high - each.low for each in found) > 0.1


def test_labels_of_one_specimen_are_not_independent():
    generator = np.random.default_rng(0)
    specimen = np.repeat(np.arange(10), 8)
    pull = generator.normal(size=10)[specimen]
    label = 0.5 * pull + generator.normal(size=10)[specimen] + 0.1 * generator.normal(size=80)
    plain = anchoring(label, np.zeros(80), pull)
    robust = anchoring(label, np.zeros(80), pull, clusters=specimen)
    assert robust.method == "HC3 or by cluster"
    assert robust.high - robust.low > 2 * (plain.high - plain.low)


def test_words_judge_the_interval():
    assert verdict(0.8, 1.1) == "copies"
    assert verdict(0.1, 0.9) == "pulled"
    assert verdict(-0.1, 0.2) == "independent"
    assert verdict(-0.4, 0.9) == "undecided"
    assert verdict(-0.5, -0.1) == "pushed away"


@pytest.mark.parametrize(
    ("label", "shown", "options", "message"),
    [
        ([1.0, 2.0], [2.0, 3.0], {}, "2 assisted labels with a blind consensus: at least 3"),
        ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], {}, "predictions off by different amounts"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], {"uncertainty": [9.0] * 3}, "its own uncertainty"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], {"uncertainty": [-1.0] * 3}, "none may be below 0"),
    ],
)
def test_too_little_is_refused_by_name(label, shown, options, message):
    with pytest.raises(ValidationError, match=message):
        anchoring(label, np.zeros(len(label)), shown, **options)
