"""The ten strata of the label range, told by their limits: for places that cannot compute bins."""

from __future__ import annotations

from functools import lru_cache

from mlmcsc.domain.splits.sequence import STRATA


@lru_cache(maxsize=8)
def stratum_starts(low: float, high: float) -> tuple[float, ...]:
    """The lowest double of each stratum but the first, exactly as `assign_splits` bins values.

    Found by bisection of the very formula that it uses, which never falls as the value rises;
    `low + k * (high - low) / 10` would be off by a rounding error, and so would another order of
    the operations.

    Args:
        low: Lowest possible label.
        high: Highest possible label.
    """
    return tuple(_start(k, low, high) for k in range(1, STRATA))


def _start(stratum: int, low: float, high: float) -> float:
    below, at = low, high
    while True:
        middle = below / 2 + at / 2
        if not below < middle < at:
            return at
        if (middle - low) / (high - low) * STRATA >= stratum:
            at = middle
        else:
            below = middle


def stratum_centres(low: float, high: float) -> tuple[float, ...]:
    """The middle of each of the ten strata, which stands for every value in it."""
    return tuple(low + (k + 0.5) / STRATA * (high - low) for k in range(STRATA))
