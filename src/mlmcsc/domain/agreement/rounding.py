"""In which steps labels were given, as far as they show it."""

from __future__ import annotations

import math

import numpy as np

from mlmcsc.domain.agreement.arrays import Floats

FEWEST_STEPS = 5
"""Different values that must all lie on a grid before it is taken for more than chance."""
MOST_DECIMALS = 9
"""Beyond as many the digits are those of a computer, not of a person."""
DIGITS = 2
"""Digits that the largest label has at least: 0.2 may be 0.20, but hardly 0.200."""
FITS = 1e-6
"""Share of a step by which a value may miss the grid: rounding of float64."""


def step_of(values: Floats) -> float:
    """The step of labels: that of the grid they lie on, else their last decimal; 0 if not rounded.

    Args:
        values: Labels, shape `(L,)`.
    """
    different = np.unique(values)
    largest = float(np.abs(different).max(initial=0.0))
    if not largest:
        return 0.0
    gaps = np.diff(different)
    if len(different) >= FEWEST_STEPS:
        step = float(gaps.min())
        if step > largest * 10.0**-MOST_DECIMALS and _fit(different - different[0], step):
            return step
    coarsest = DIGITS - 1 - math.floor(math.log10(largest))
    for decimals in range(coarsest, coarsest + MOST_DECIMALS):
        step = 10.0**-decimals
        if _fit(different, step):
            return step
    return 0.0


def _fit(values: Floats, step: float) -> bool:
    steps = values / step
    return bool((np.abs(steps - np.round(steps)) <= FITS).all())
