from __future__ import annotations

import pytest

from mlmcsc.domain.consensus_labels import stored_value


@pytest.mark.parametrize(
    ("value", "label_range", "stored"),
    [
        (0.12345678, (0, 1), 0.123457),
        (12.345678, (0, 100), 12.3457),
        (1.23456789e-9, (1e-9, 2e-9), 1.234568e-9),
    ],
)
def test_a_consensus_keeps_as_many_digits_as_its_range_needs(value, label_range, stored):
    assert stored_value(value, label_range) == pytest.approx(stored, rel=1e-9)
    assert label_range[0] <= stored_value(value, label_range) <= label_range[1]
