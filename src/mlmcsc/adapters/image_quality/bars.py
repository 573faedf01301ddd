"""Data bars and borders: flat stripes at the edges that the instrument added to the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DEEPEST = 0.25
"""Share of the height (or width) that a bar can take at most."""
FLAT = 0.5
"""Share of a row that has the bar's grey: the rest is text."""
MOST_ROWS = 0.6
"""Share of a bar's rows that are flat like this: the others are frames and lines of text."""
FRAME = 3
"""Lines that can belong to a bar's frame."""
LEAST = 4
"""Fewer lines are no bar."""
NEAR = 0.6 / 255
"""A bar is drawn: its grey is the same everywhere."""
EDGE = 12
"""Lines at the edge whose most common grey may be a bar's."""
LOOKED_AT = 512
"""Pixels of a row that are looked at: enough for a share."""

Pixels = npt.NDArray[Any]


def scene(pixels: Pixels, full: float) -> Pixels:
    """The part of a picture, `(H, W)` or `(H, W, C)`, without bars and borders (a view)."""
    colour = pixels.ndim == 3  # noqa: PLR2004 - axes
    grey = pixels[:, :, min(1, pixels.shape[2] - 1)] if colour else pixels
    top, bottom = _depth(grey, full), _depth(grey[::-1], full)
    inner = grey[top : grey.shape[0] - bottom]
    left, right = _depth(inner.T, full), _depth(inner.T[::-1], full)
    return pixels[top : pixels.shape[0] - bottom, left : pixels.shape[1] - right]


def _depth(rows: Pixels, full: float) -> int:
    """How many of the first rows are a bar."""
    most = int(rows.shape[0] * DEEPEST)
    if most < LEAST:
        return 0
    step = max(1, rows.shape[1] // LOOKED_AT)
    levels, counts = np.unique(rows[:EDGE, ::step], return_counts=True)
    bar = float(levels[counts.argmax()])
    stripe = rows[: most + 1, ::step].astype(np.float32)
    flat = np.mean(np.abs(stripe - bar) <= NEAR * full, axis=1) >= FLAT
    share = np.cumsum(flat) / np.arange(1, flat.size + 1)
    ends = np.flatnonzero(flat & (share >= MOST_ROWS))
    if not ends.size or ends[-1] >= most or ends[-1] + 1 < LEAST:
        return 0  # none; or a background that goes on
    return int(min(ends[-1] + 1 + FRAME, most))
