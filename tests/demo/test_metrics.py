import math

import pytest

from mlmcsc.demo.metrics import measure
from mlmcsc.errors import ValidationError


def test_errors_are_measured_as_their_formulas_say():
    metrics = measure([0.0, 0.5, 1.0], [0.1, 0.5, 0.8])

    assert metrics.n == 3
    assert metrics.mae == pytest.approx(0.1)
    assert metrics.rmse == pytest.approx(math.sqrt(0.05 / 3))
    assert metrics.bias == pytest.approx(-0.1 / 3)
    assert metrics.r2 == pytest.approx(1 - 0.05 / 0.5)


def test_a_reference_that_does_not_vary_has_no_r2():
    assert measure([0.5, 0.5], [0.4, 0.6]).r2 is None


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [([], []), ([0.1], [0.1, 0.2]), ([math.nan], [0.1]), ([0.1], [math.inf])],
)
def test_what_cannot_be_compared_is_refused(reference, estimate):
    with pytest.raises(ValidationError):
        measure(reference, estimate)
