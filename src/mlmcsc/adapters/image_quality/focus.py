"""How fine the detail of the typical textured part of a picture is."""

from __future__ import annotations

import cv2
import numpy as np

from mlmcsc.adapters.image_quality.blocks import blocks, quantile
from mlmcsc.adapters.image_quality.grey import Floats
from mlmcsc.domain.image_quality.formula import LEAST_GRADIENT

QUIET = 0.1
"""The quietest tenth of blocks shows what noise there is."""
STRATA, LEAST_BLOCKS = 9, 20
"""Blocks are compared with those of like brightness: noise grows with the signal."""
ABOVE = 1.45
"""Detail is what exceeds the quiet blocks by this factor: blocks of pure noise differ too."""
SMOOTHINGS = (0.0, 0.5, 0.75, 1.1, 1.6, 2.4)
"""Deviations of Gaussian smoothing that are tried, in pixels of the small picture."""
ROUNDING = 3e-5
"""Squared Laplacian that rounding to 8 bits makes in a picture of flat grey slopes."""
SOBEL_GAIN = 8.0
TILE = 6
"""Side of a tile, in blocks: noise averages out over it."""
FAINT = 3e-6
"""Squared gradient, per grey step of 1/255, with which a tile counts half."""
BESIDE_NOISE = 0.3
"""Share of the noise's squared gradient with which a tile counts half."""
EMPTY = 0.05
"""If less than this share of the tiles has texture, the rest of it counts as blurred."""


def focus(small: Floats, step: float) -> tuple[float, float]:
    """Mean squared gradient, and that times the typical ratio of squared Laplacian to it.

    Both after the smoothing at which the ratio is greatest. So smoothing a picture first cannot
    raise it: it was tried here.

    Args:
        small: The picture, without single outliers, float32, 0 to 1.
        step: Between its grey levels, in 255ths: what coarse rounding makes is no detail.
    """
    brightness = blocks(small)
    ratio, gradient = max(_at(small, sigma, brightness, step) for sigma in SMOOTHINGS)
    return gradient, ratio * (gradient + LEAST_GRADIENT)


def _at(small: Floats, sigma: float, brightness: Floats, step: float) -> tuple[float, float]:
    seen = small
    if sigma:
        seen = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    across = cv2.Sobel(seen, cv2.CV_32F, 1, 0, scale=1 / SOBEL_GAIN)
    down = cv2.Sobel(seen, cv2.CV_32F, 0, 1, scale=1 / SOBEL_GAIN)
    curved = cv2.Laplacian(seen, cv2.CV_32F, ksize=1)
    gradients, curvature = blocks(across * across + down * down), blocks(curved * curved)
    rounding = ROUNDING * step * step / (1 + 4 * sigma * sigma) ** 1.5
    gradient, noise = _tiles(gradients), _tiles(_floor(gradients, brightness))
    detail = np.maximum(0, _tiles(curvature - _floor(curvature, brightness)) - rounding)
    textured = np.maximum(0, gradient - noise)
    weight = textured / (textured + FAINT * step * step + BESIDE_NOISE * noise)
    return _median(detail / (gradient + LEAST_GRADIENT), weight), float(gradient.mean())


def _median(ratios: Floats, weights: Floats) -> float:
    """The weighted median, so that a sharp part cannot vouch for the rest."""
    order = np.argsort(ratios, axis=None)
    missing = max(0.0, EMPTY * weights.size - float(weights.sum()))
    reached = missing + np.cumsum(weights.ravel()[order])
    half = float(reached[-1]) / 2
    return 0.0 if missing >= half else float(ratios.ravel()[order][np.searchsorted(reached, half)])


def _floor(energy: Floats, brightness: Floats) -> Floats:
    """What noise makes in each block: as much as in the quietest of like brightness, and more."""
    order = np.argsort(brightness, axis=None, kind="stable")
    parts = max(1, min(STRATA, energy.size // LEAST_BLOCKS))
    values, floor = energy.ravel(), np.empty(energy.size, np.float32)
    for part in np.array_split(order, parts):
        floor[part] = ABOVE * quantile(values[part], QUIET)
    return floor.reshape(energy.shape)


def _tiles(values: Floats) -> Floats:
    height, width = values.shape
    size = max(1, round(width / TILE)), max(1, round(height / TILE))
    means: Floats = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return means
