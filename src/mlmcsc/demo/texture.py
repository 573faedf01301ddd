"""A fracture's picture as 41 numbers: how granular it is, where, and how bright.

Cleavage shows as patches that are contrasty, isotropic and bright; torn metal is smoother, has a
grain, and is duller. Their product, the evidence, is thresholded against its own peak, so lamp,
exposure and focus matter little, but never below a floor, so a picture without any cleavage does
not find some.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mlmcsc.errors import ValidationError

Field = NDArray[np.float32]

EXTRACTOR = "texture"
VERSION = "1.0"

SIDE_PX = 480
WINDOW_PX = 25
EDGE_PX = 13
METAL_SHARE = 0.4  # of a row or column that crosses the bar
NOTCH_SHARE = 0.235  # 2 mm of 10 mm, and a little for the shadow at its root
OF_PEAK = (0.55, 0.65, 0.75)
FLOORS = (0.031, 0.034, 0.038, 0.042)
CELLS = 3
CONTRASTS = (0.042, 0.048, 0.054)
COHERENCES = (0.16, 0.2, 0.25, 0.3)
PERCENTILES = (1, 5, 25, 75, 95, 99)
TINY = 1e-6

FEATURE_NAMES: tuple[str, ...] = (
    *(f"granular_above_{k:g}_of_peak_and_{t:g}" for k in OF_PEAK for t in FLOORS),
    *(f"granular_cell_{row}{column}" for row in range(CELLS) for column in range(CELLS)),
    *(f"contrast_above_{t:g}" for t in CONTRASTS),
    *(f"coherence_below_{t:g}" for t in COHERENCES),
    *(f"brightness_percentile_{p}" for p in PERCENTILES),
    "brightness_skewness",
    "evidence_peak",
    "contrast_peak",
    "coherence_median",
    "fine_to_coarse_contrast",
    "log_evidence_peak",
    "log_contrast_peak",
)
"""One name per number, in order.

Shares of the ligament's area are in [0, 1]; brightness and contrast are relative to the
ligament's median brightness; coherence is 0 for an isotropic texture and 1 for parallel lines.
"""


@dataclass(frozen=True)
class _Maps:
    """Local measures over the ligament, all of the crop's shape."""

    brightness: Field
    contrast: Field
    fine: Field
    coherence: Field
    evidence: Field
    inside: NDArray[np.bool_]


def texture_features(gray: NDArray[np.uint8]) -> Field:
    """Describe a picture of a fracture.

    Args:
        gray: uint8 (H, W), the bar upright with its notch on top; other sizes than 480 x 480 are
            resampled to it.

    Returns:
        float32 (41,), finite, in the order of `FEATURE_NAMES`.

    Raises:
        ValidationError: not a two-dimensional uint8 array.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8:  # noqa: PLR2004 (rows and columns)
        raise ValidationError(
            f"gray has shape {gray.shape} and type {gray.dtype}; give uint8 (height, width)"
        )
    maps = _measure(gray)
    inside = maps.inside
    evidence, contrast = maps.evidence[inside], maps.contrast[inside]
    coherence, brightness = maps.coherence[inside], maps.brightness[inside]
    peak, contrast_peak = float(np.percentile(evidence, 95)), float(np.percentile(contrast, 95))
    granular = maps.evidence > max(0.65 * peak, 0.034)
    deviation = brightness - brightness.mean()
    spread = float(np.sqrt((deviation**2).mean())) + TINY
    numbers = [
        *(np.mean(evidence > max(k * peak, t)) for k in OF_PEAK for t in FLOORS),
        *_cells(granular, inside),
        *(np.mean(contrast > t) for t in CONTRASTS),
        *(np.mean(coherence < t) for t in COHERENCES),
        *np.percentile(brightness, PERCENTILES),
        (deviation**3).mean() / spread**3,
        peak,
        contrast_peak,
        np.median(coherence),
        maps.fine[inside].mean() / (contrast.mean() + TINY),
        np.log(peak + TINY),
        np.log(contrast_peak + TINY),
    ]
    return np.asarray(numbers, np.float32)


def _measure(gray: NDArray[np.uint8]) -> _Maps:
    if gray.shape != (SIDE_PX, SIDE_PX):
        small = cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        gray = np.asarray(small, np.uint8)
    picture, inside = _ligament(np.asarray(gray / np.float32(255), np.float32))
    weight = inside.astype(np.float32)
    area = cv2.blur(weight, (WINDOW_PX, WINDOW_PX)) + TINY

    def local(field: Field) -> Field:
        mean = cv2.blur(field * weight, (WINDOW_PX, WINDOW_PX)) / area
        return np.asarray(mean, np.float32)

    def energy(band: Field) -> Field:
        # OpenCV's running sums can fall a rounding error below zero.
        return np.sqrt(np.maximum(local(band * band), 0))

    soft: dict[float, Field] = {
        sigma: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
        for sigma in (1.0, 1.5, 2.0, 3.0, 6.0)
    }
    contrast = energy(soft[3.0] - soft[6.0])
    across = np.asarray(cv2.Sobel(soft[1.5], cv2.CV_32F, 1, 0), np.float32)
    down = np.asarray(cv2.Sobel(soft[1.5], cv2.CV_32F, 0, 1), np.float32)
    xx, yy, xy = local(across * across), local(down * down), local(across * down)
    # Coherence of the structure tensor: (l1 - l2) / (l1 + l2) of its eigenvalues.
    coherence = np.clip(np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (np.abs(xx + yy) + TINY), 0, 1)
    return _Maps(
        brightness=picture,
        contrast=contrast,
        fine=energy(soft[1.0] - soft[2.0]),
        coherence=coherence,
        evidence=contrast * (1 - coherence) * local(soft[2.0]),
        inside=inside,
    )


def _ligament(picture: Field) -> tuple[Field, NDArray[np.bool_]]:
    """Crop to the ligament and scale its median brightness to 1; say which pixels are metal."""
    smooth = cv2.blur(picture, (9, 9))
    metal = smooth > 0.35 * np.percentile(smooth[::4, ::4], 75)
    rows = np.flatnonzero(metal.mean(axis=1) > METAL_SHARE)
    columns = np.flatnonzero(metal.mean(axis=0) > METAL_SHARE)
    whole = (slice(None), slice(None))
    box = whole
    if rows.size > WINDOW_PX and columns.size > WINDOW_PX:
        top, bottom = int(rows[0]), int(rows[-1])
        box = (
            slice(top + int(NOTCH_SHARE * (bottom - top)), bottom - 5),
            slice(int(columns[0]), int(columns[-1])),
        )
    kernel = np.ones((EDGE_PX, EDGE_PX), np.uint8)
    inside = cv2.erode(metal[box].astype(np.uint8), kernel, borderValue=1) > 0
    if not inside.any():  # nothing like a bar: describe the whole picture
        box, inside = whole, np.ones_like(metal)
    crop = picture[box]
    return np.asarray(crop / (np.median(crop[inside]) + TINY)), inside


def _cells(granular: NDArray[np.bool_], inside: NDArray[np.bool_]) -> list[float]:
    """Return the granular share of each cell of a coarse grid, row by row."""
    both = (granular & inside).astype(np.float32)
    found = cv2.resize(both, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    metal = cv2.resize(inside.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return [float(share) for share in (found / (metal + TINY)).ravel()]
