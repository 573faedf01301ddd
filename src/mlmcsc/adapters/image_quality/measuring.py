"""The components of a picture, by OpenCV; why so: docs/explanation/image-quality.md."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_quality.blocks import blocks, quantile
from mlmcsc.adapters.image_quality.focus import focus
from mlmcsc.adapters.image_quality.grey import Floats, Grey
from mlmcsc.adapters.image_quality.regular import grey_step, off_grid
from mlmcsc.domain.image_quality.components import Components

NEAR = 1 / 255
CLIP_ZONE = 0.02
"""Black and white, smoothed, count less and less up to here: noise lifts a clipped black."""
LAPLACIAN_OF_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Immerkaer's operator: blind to slopes and curvature. CVIU 64 (1996) 300-302."""
IMMERKAER_GAIN = 36.0
"""Its answer to white noise of variance 1: the sum of its squares."""
QUIET = 0.1
"""The quietest tenth of blocks shows what noise there is."""


def measure(picture: Grey) -> Components:
    """Measure one picture."""
    small = picture.small
    tenengrad, detail = focus(small, grey_step(picture.stored))
    low, high = _clipped(picture)
    return Components(
        tenengrad=tenengrad,
        laplacian_variance=detail * off_grid(picture.stored, picture.full),
        rms_contrast=float(small.std()),
        clipped_low=low,
        clipped_high=high,
        noise=_noise(picture.rough),
        illumination_gradient=_illumination(blocks(small)),
        saturation=picture.saturation,
    )


def _noise(small: Floats) -> float:
    seen = cv2.filter2D(small, cv2.CV_32F, LAPLACIAN_OF_LAPLACIANS)
    return math.sqrt(quantile(blocks(seen * seen).ravel(), QUIET) / IMMERKAER_GAIN)


def _clipped(picture: Grey) -> tuple[float, float]:
    """Shares of pixels at the dark and at the bright end of the scale.

    The larger of two: as stored; and in the small picture, smoothed, where noise hides it less.
    """
    stored, full = picture.stored, picture.full
    dark, bright = NEAR * full, full - NEAR * full
    smooth = cv2.blur(picture.small, (5, 5), borderType=cv2.BORDER_REPLICATE)
    faded = 1 / (CLIP_ZONE - NEAR)
    low = float(np.clip((CLIP_ZONE - smooth) * faded, 0, 1).mean())
    high = float(np.clip((smooth - (1 - CLIP_ZONE)) * faded, 0, 1).mean())
    at_low = cv2.countNonZero(cv2.inRange(stored, -1.0, dark)) / stored.size
    at_high = cv2.countNonZero(cv2.inRange(stored, bright, 2 * full + 1)) / stored.size
    return max(low, at_low), max(high, at_high)


def _illumination(means: Floats) -> float:
    """How uneven the light is: the deviation of a quadratic surface fitted to block means."""
    terms, solution = _fitting(*means.shape)
    surface = terms @ (solution @ means.ravel())
    return float(surface.std() / max(float(means.mean()), 1e-6))


@functools.lru_cache(maxsize=16)
def _fitting(rows: int, columns: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The surface's terms, `(N, 6)`, and what solves for their factors; the same for one size."""
    down, across = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    x, y = across.ravel(), down.ravel()
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
    return terms, np.linalg.pinv(terms)
