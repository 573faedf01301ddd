"""Pixels of any kind as grey values of a common scale and a common size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_quality.bars import scene
from mlmcsc.errors import ValidationError

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[Any]
"""float32; OpenCV's stubs promise no type."""


SIDE = 480
"""Measures are taken at the area of SIDE x SIDE pixels; smaller pictures stay as they are."""
COMMON_BITS = (8, 10, 12, 14, 16)
"""A camera's 12 bits are often stored in 16: full scale is the first of these that holds all."""
RGB = 3
MOST_CHANNELS = 4


@dataclass(frozen=True, slots=True)
class Grey:
    """A picture made ready.

    Attributes:
        stored: Grey values as stored, `(H, W)`, any size.
        full: The largest value that `stored` can have.
        small: float32 `(h, w)`, 0 to 1, at most the area of SIDE x SIDE, after a median over 3 x 3
            stored pixels: hot and dead pixels are no detail.
        rough: Likewise, without the median.
        saturation: Mean HSV saturation, 0 to 1.
    """

    stored: Pixels
    full: float
    small: Floats
    rough: Floats
    saturation: float


def grey(pixels: Pixels, *, blue_first: bool = False) -> Grey:
    """Bring a picture to grey, to a scale from 0 to 1, and to a common size.

    Args:
        pixels: `(H, W)` or `(H, W, C)`, RGB unless `blue_first`; alpha is left out.
        blue_first: Colours are BGR, as OpenCV decodes them.

    Data bars and borders are left out.

    Raises:
        ValidationError: A value is not finite.
    """
    whole, full = _plain(pixels)
    scaled = np.ascontiguousarray(scene(whole, full))
    if scaled.ndim == RGB and not RGB <= scaled.shape[2] <= MOST_CHANNELS:
        scaled = np.ascontiguousarray(scaled[:, :, 0])
    if scaled.ndim < RGB:
        return Grey(scaled, full, _clean(scaled, full), _small(scaled, full), 0.0)
    bare = scaled if scaled.shape[2] == RGB else np.ascontiguousarray(scaled[:, :, :RGB])
    code = cv2.COLOR_BGR2GRAY if blue_first else cv2.COLOR_RGB2GRAY
    stored = cv2.cvtColor(bare, code)
    colours = _small(bare, full)
    rough = cv2.cvtColor(colours, code)
    return Grey(stored, full, _clean(stored, full), rough, _saturation(colours))


def _clean(stored: Pixels, full: float) -> Floats:
    """The median is taken at both sizes, so that the size does not matter."""
    return cv2.medianBlur(_small(cv2.medianBlur(stored, 3), full), 3)


def _plain(pixels: Pixels) -> tuple[Pixels, float]:
    """Values from 0 on in a type that OpenCV takes, and full scale."""
    kind = pixels.dtype
    if kind == np.uint8:
        return pixels, 255.0
    if kind == np.uint16:
        largest = int(pixels.max())
        return pixels, float(next(2**bits - 1 for bits in COMMON_BITS if largest < 2**bits))
    values = pixels.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValidationError("some values are infinite or no numbers")
    low, high = float(values.min()), float(values.max())
    if kind.kind == "f":
        inside = low >= 0 and high <= 1
        return (values, 1.0) if inside else (values - low, max(high - low, 1e-30))
    values -= min(low, 0.0)
    return values, float(2 ** math.ceil(math.log2(max(high - min(low, 0.0), 1.0) + 1)) - 1)


def _small(values: Pixels, full: float) -> Floats:
    height, width = values.shape[:2]
    scale = SIDE / math.sqrt(height * width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        # In floats: rounding would count as detail, and as noise.
        values = cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.multiply(values, 1.0 / full, dtype=np.float32)


def _saturation(colours: Floats) -> float:
    high = colours.max(axis=2)
    spread = high - colours.min(axis=2)
    return float(np.divide(spread, high, out=np.zeros_like(high), where=high > 0).mean())
