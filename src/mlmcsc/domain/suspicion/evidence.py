"""How far labels are from what somebody else says of them, in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from mlmcsc.domain.suspicion.results import STANDS_OUT

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

FORMULA: Final = "suspicion/2"
MAD_TO_SD: Final = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution (Huber 1981)."""
FLOOR: Final = 0.01
"""Smallest scatter assumed, as a part of the label range: labels are written in such steps."""
CAP: Final = 8.0
"""No single witness counts more than so many standard deviations."""
SEVERAL: Final = 3
"""So many colleagues who agree with a label outweigh other witnesses."""
AGREE: Final = 2.0
"""Standard deviations within which colleagues agree with a label."""
ENOUGH: Final = 20
"""Differences from which on the usual one, and the scatter about it, are estimated."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one kind of witness says of N labels; NaN where it says nothing.

    Attributes:
        expected: What it expects, shape `(N,)`, float64.
        z: Standardised differences, shape `(N,)`, float64.
        witnesses: How many speak, shape `(N,)`, int64.
    """

    expected: Floats
    z: Floats
    witnesses: Ids

    @classmethod
    def nothing(cls, size: int) -> Said:
        """No evidence at all."""
        return cls(np.full(size, np.nan), np.full(size, np.nan), np.zeros(size, np.int64))


def scatter(differences: Floats, span: float) -> float:
    """Robust standard deviation, 1.4826 times the median deviation; never less than the floor."""
    apart = np.abs(differences - np.median(differences))
    return max(float(MAD_TO_SD * np.median(apart)), FLOOR * span)


def against(values: Floats, expected: Floats, witnesses: Ids, span: float) -> Said:
    """Each label against one expectation: z = (d - median d) / (1.4826 · MAD of d), d = x - e.

    Nothing is said where fewer than `ENOUGH` labels have an expectation: the usual difference
    would not be known.

    Args:
        values: The labels, shape `(N,)`.
        expected: Likewise; NaN where nothing is expected.
        witnesses: How many speak, likewise.
        span: Width of the label range.
    """
    known = np.isfinite(expected)
    if np.count_nonzero(known) < ENOUGH:
        return Said.nothing(len(values))
    difference = values - expected
    usual = np.median(difference[known])
    z = (difference - usual) / scatter(difference[known], span)
    return Said(expected, z, np.where(known, witnesses, 0))


def ranks(colleagues: Said, *others: Said) -> tuple[Floats, NDArray[np.bool_]]:
    """Each label's score to rank by, and whether rather the model or the image is to be doubted.

    Where `SEVERAL` colleagues or more agree with a label, no other witness makes it more
    suspicious than the colleagues do. In doubt are model and image where all witnesses together
    would have made it stand out.

    Args:
        colleagues: What colleagues say.
        others: What models and similar images say.
    """
    together, alone = scores(colleagues, *others), scores(colleagues)
    agreed = (colleagues.witnesses >= SEVERAL) & (np.abs(colleagues.z) < AGREE)
    found = np.where(agreed, np.minimum(together, alone), together)
    return found, agreed & (together >= STANDS_OUT) & (found < STANDS_OUT)


def scores(*said: Said) -> Floats:
    """How much speaks against each label, to rank by; NaN where nobody speaks.

    Minus log10 of the tail of a χ² distribution beyond the sum of squares of k values z, each
    capped at `CAP`, with k degrees of freedom: so labels with more witnesses and with fewer can be
    compared. It is no probability, as witnesses are not independent: the model was trained on such
    labels, perhaps on this one, and similar images have the same raters. Who says nothing is not
    counted: missing is not zero.
    """
    z = np.stack([each.z for each in said])
    speaks = np.isfinite(z)
    squares = np.where(speaks, np.minimum(np.abs(z), CAP) ** 2, 0.0).sum(axis=0)
    count = speaks.sum(axis=0)
    chance = chdtrc(np.maximum(count, 1), squares)
    found: Floats = np.where(count > 0, -np.log10(np.maximum(chance, 1e-300)), np.nan)
    return found
