"""The components of a picture, by OpenCV; why so: docs/explanation/image-quality.md."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_quality.grey import Floats, Grey
from mlmcsc.domain.image_quality.components import Components
from mlmcsc.domain.image_quality.formula import LEAST_GRADIENT

BLOCK = 16
"""Side of the blocks in which noise and light are measured, in pixels of the small picture."""
QUIET = 0.1
"""The quietest tenth of blocks shows what noise there is."""
STRATA, LEAST_BLOCKS = 9, 20
"""Blocks are compared with those of like brightness: noise grows with the signal."""
ABOVE = 1.35
"""Detail is what exceeds the quiet blocks by this factor: blocks of pure noise differ too."""
SMOOTHINGS = (0.0, 0.5, 0.75, 1.1, 1.6, 2.4)
"""Deviations of Gaussian smoothing that are tried, in pixels of the small picture."""
ROUNDING = 3e-5
"""Squared Laplacian that rounding to 8 bits makes in a picture of flat grey slopes."""
NEAR = 1 / 255
CLIP_ZONE = 0.02
"""Black and white, smoothed, count less and less up to here: noise lifts a clipped black."""
OWN_RANGE = 0.005
"""Pixels in this share of the picture's own range at an end are clipped too: made darker later."""
LAPLACIAN_OF_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Immerkaer's operator: blind to slopes and curvature. CVIU 64 (1996) 300-302."""
IMMERKAER_GAIN = 36.0
"""Its answer to white noise of variance 1: the sum of its squares."""
SOBEL_GAIN = 8.0


def measure(picture: Grey) -> Components:
    """Measure one picture."""
    small = picture.small
    tenengrad, detail = _focus(small)
    low, high = _clipped(picture)
    return Components(
        tenengrad=tenengrad,
        laplacian_variance=detail,
        rms_contrast=float(small.std()),
        clipped_low=low,
        clipped_high=high,
        noise=_noise(small),
        illumination_gradient=_illumination(_blocks(small)),
        saturation=picture.saturation,
    )


def _focus(small: Floats) -> tuple[float, float]:
    """Tenengrad and Laplacian variance after the smoothing at which their ratio is greatest.

    So smoothing a picture first cannot raise the ratio: it was tried here.
    """
    found: list[tuple[float, float, float]] = []
    for sigma in SMOOTHINGS:
        seen = small
        if sigma:
            seen = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        across = cv2.Sobel(seen, cv2.CV_32F, 1, 0, scale=1 / SOBEL_GAIN)
        down = cv2.Sobel(seen, cv2.CV_32F, 0, 1, scale=1 / SOBEL_GAIN)
        gradient = float(cv2.norm(across, cv2.NORM_L2SQR) + cv2.norm(down, cv2.NORM_L2SQR))
        gradient /= seen.size
        curved = cv2.Laplacian(seen, cv2.CV_32F, ksize=1)
        rounding = ROUNDING / (1 + 4 * sigma * sigma) ** 1.5
        above = max(0.0, _above_floor(_blocks(curved * curved), _blocks(seen)) - rounding)
        found.append((above / (gradient + LEAST_GRADIENT), gradient, above))
    return max(found)[1:]


def _above_floor(energy: Floats, brightness: Floats) -> float:
    """Mean energy less the floor: that of the quietest blocks of like brightness."""
    order = np.argsort(brightness, axis=None, kind="stable")
    parts = max(1, min(STRATA, energy.size // LEAST_BLOCKS))
    sorted_energy = energy.ravel()[order]
    floor = sum(_quantile(part, QUIET) * part.size for part in np.array_split(sorted_energy, parts))
    return float(energy.mean() - ABOVE * floor / energy.size)


def _quantile(values: Floats, share: float) -> float:
    """As `numpy.quantile` (linear), at a tenth of its cost for a few values."""
    ordered = np.sort(values)
    place = share * (ordered.size - 1)
    below = int(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _noise(small: Floats) -> float:
    seen = cv2.filter2D(small, cv2.CV_32F, LAPLACIAN_OF_LAPLACIANS)
    return math.sqrt(_quantile(_blocks(seen * seen).ravel(), QUIET) / IMMERKAER_GAIN)


def _clipped(picture: Grey) -> tuple[float, float]:
    """Shares of pixels at the dark and at the bright end, of scale or of the picture's own range.

    The larger of two: as stored; and in the small picture, smoothed, where noise hides it less.
    """
    stored, full = picture.stored, picture.full
    lowest, highest, _, _ = cv2.minMaxLoc(stored)
    margin = OWN_RANGE * (highest - lowest)
    dark, bright = max(NEAR * full, lowest + margin), min(full - NEAR * full, highest - margin)
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


def _blocks(values: Floats) -> Floats:
    """Means of blocks of about BLOCK x BLOCK pixels that cover the picture."""
    height, width = values.shape
    size = max(1, width // BLOCK), max(1, height // BLOCK)
    whole = values[: size[1] * BLOCK or None, : size[0] * BLOCK or None]
    means: Floats = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    return means
