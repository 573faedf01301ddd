"""Whatever is passed, the answer is a result or a ValidationError that names the value."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.domain.agreement import (
    alpha,
    anchoring,
    bland_altman,
    consensus,
    control_chart,
    gauge_rr,
    noise_ceiling,
    rater_effects,
)
from mlmcsc.errors import ValidationError

TABLE = np.arange(12.0).reshape(6, 2) ** 1.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alpha(TABLE, seed=-1), "seed=-1: must be at least 0"),
        (lambda: alpha(TABLE, resamples="many"), "resamples='many': must be a whole number"),
        (lambda: alpha(TABLE * 1e200), "the largest is 3.64829e\\+201"),
        (lambda: bland_altman([1, 2], [2, 3], seed="a"), "seed='a': must be a whole number"),
        (lambda: consensus([1, 2], [0, 0], [None, 1]), "raters: ids must be of one kind"),
        (lambda: consensus([1, 2], [0, 0], [0, 1], resolution="a"), "resolution='a'"),
        (lambda: gauge_rr(np.ones((3, 2, 2)) * 1j), "measurements: complex numbers"),
        (lambda: noise_ceiling(TABLE, [1]), r"models=\[1\]: must be predictions by name"),
        (lambda: control_chart(5, [1, 2, 3]), "times=5: must be one time for each value"),
        (lambda: control_chart([1, 2, 3], [1, 2, 3], baseline="a"), "baseline='a'"),
        (lambda: rater_effects([1 + 2j], [0], [0]), "values: complex numbers"),
        (lambda: anchoring([1] * 3, [1] * 3, [1] * 3, confidence=None), "confidence=None"),
        (lambda: anchoring([1] * 3, [1] * 3, [1] * 3, clusters=[1]), "each needs one id"),
    ],
)
def test_what_is_no_such_thing_is_refused_by_name(call, message):
    with pytest.raises(ValidationError, match=message):
        call()


@pytest.mark.parametrize("seed", range(40))
def test_few_labels_of_few_people_with_or_without_gold_give_finite_numbers(seed):
    generator = np.random.default_rng(seed)
    size = generator.integers(2, 15)
    item, rater = generator.integers(0, 5, size), generator.integers(0, 3, size)
    value = generator.integers(0, 3, size) * 0.1
    gold = np.where(item % 2, item * 0.1, np.nan)
    rater_effects(value, item, rater)
    item, rater = np.append(item, [9, 9]), np.append(rater, [0, 1])  # at least one shared item
    found = consensus(
        np.append(value, [0.1, 0.2]), item, rater, reference=np.append(gold, [np.nan] * 2)
    )
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.uncertainties).all()
