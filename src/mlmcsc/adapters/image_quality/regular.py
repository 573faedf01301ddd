"""Edges that are no scene's: steps between few grey levels, and those on a regular grid."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

LEVELS = 256
LEAST_LEVELS = 3
"""From two levels nothing can be told of the step between them."""
PERIODS = (8, 7, 6, 5, 4, 3)
"""Pixels between the edges: 8 in JPEG; a picture enlarged by repeating pixels has any."""
LEAST_PERIODS = 8
USUAL = 1.4
"""How far the changes at one phase exceed those at the others in pictures without a grid."""
UNSEEN = 0.03
"""Changes of so many 255ths are no edges."""
LINES = 240
"""Lines that changes are averaged over."""

Pixels = npt.NDArray[Any]


def grey_step(stored: Pixels) -> float:
    """The step between the grey levels in use, in 255ths, at least 1; of 8-bit pictures only."""
    if stored.dtype != np.uint8:
        return 1.0
    counts = cv2.calcHist([stored], [0], None, [LEVELS], [0, LEVELS])
    used = np.flatnonzero(counts)
    return float(np.quantile(np.diff(used), 0.25)) if used.size >= LEAST_LEVELS else 1.0


def off_grid(stored: Pixels, full: float) -> float:
    """1 for a picture without a regular grid, down to 0 if all edges stand on one.

    Both directions must show it: lines of a scene may be regular in one.
    """
    across, down = _changes(stored, full), _changes(stored.T, full)
    shares = [max(_off(across, period), _off(down, period)) for period in PERIODS]
    return min(shares) ** 2


def _changes(stored: Pixels, full: float) -> npt.NDArray[Any]:
    """Mean change from each column to the next, in 255ths."""
    lines = np.ascontiguousarray(stored[:: max(1, stored.shape[0] // LINES)])
    if lines.shape[1] < LEAST_PERIODS:
        return np.zeros(0)
    change = cv2.absdiff(lines[:, 1:], lines[:, :-1])
    sums = cv2.reduce(change.astype(np.float32), 0, cv2.REDUCE_AVG)
    return np.asarray(sums.ravel() * (255 / full))


def _off(changes: npt.NDArray[Any], period: int) -> float:
    whole = changes.size // period * period
    if whole < LEAST_PERIODS * period:
        return 1.0
    phases = np.sort(np.median(changes[:whole].reshape(-1, period), axis=0))
    between = float(phases[:-1].mean()) + UNSEEN
    return min(1.0, USUAL * between / (float(phases[-1]) + 1e-9))
