"""One look at a fracture: lamp, lens and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mlmcsc.demo.surfaces.fracture import Fracture
from mlmcsc.demo.surfaces.noise import Field

COOL = np.array([0.985, 1.0, 1.02], np.float32)
WARM = np.array([1.035, 1.0, 0.945], np.float32)


@dataclass(frozen=True)
class View:
    """How a photograph is taken.

    Attributes:
        azimuth_deg: where the lamp stands, 0 right, 90 far edge of the bar.
        elevation_deg: height of the lamp above the specimen's plane.
        defocus_px: deviation of the blur, in pixels; 0 is sharp.
        exposure: factor on the light; 1 is well exposed.
        noise_sigma: deviation of the sensor's noise as a share of full scale.
        shift_px: how far the specimen is moved down and to the right, in pixels.
    """

    azimuth_deg: float = 225.0
    elevation_deg: float = 58.0
    defocus_px: float = 0.6
    exposure: float = 1.0
    noise_sigma: float = 0.012
    shift_px: tuple[int, int] = (0, 0)


def photograph(rng: np.random.Generator, fracture: Fracture, view: View) -> Field:
    """Return the picture, float32 (H, W, 3) red-green-blue in [0, 1]."""
    grey = _illuminate(fracture, view) * view.exposure
    tint = COOL + fracture.warmth[..., None] * (WARM - COOL)
    picture = grey[..., None] * tint
    if view.defocus_px > 0:
        blurred = cv2.GaussianBlur(picture, (0, 0), view.defocus_px)
        picture = np.asarray(blurred, np.float32)
    picture = _shifted(picture, view.shift_px) * _lamp_and_lens(rng, grey.shape)[..., None]
    # Shot noise grows with the root of the light, read noise does not.
    grain = rng.standard_normal(grey.shape, dtype=np.float32)[..., None]
    colour_grain = cv2.resize(
        rng.standard_normal((grey.shape[0] // 2, grey.shape[1] // 2, 3), dtype=np.float32),
        grey.shape[::-1],
    )
    strength = view.noise_sigma * (0.4 + np.sqrt(np.clip(picture, 0, 1)))
    picture += strength * (grain + 0.4 * colour_grain)
    return np.clip(picture, 0, 1, out=picture)


def _illuminate(fracture: Fracture, view: View) -> Field:
    """Scatter (Lambert) and mirror (Blinn-Phong, exponent 32) the lamp's light."""
    azimuth, elevation = np.deg2rad(view.azimuth_deg), np.deg2rad(view.elevation_deg)
    light = np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ],
        np.float32,
    )
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    a, d = fracture.slope_across, fracture.slope_down
    length = 1 / np.sqrt(a * a + d * d + 1)
    lambert = np.maximum(0, (light[2] - a * light[0] - d * light[1]) * length)
    mirror = np.maximum(0, (half[2] - a * half[0] - d * half[1]) * length)
    for _ in range(5):
        mirror *= mirror
    lit = fracture.reflectance * (0.3 + 0.9 * lambert) + 0.5 * fracture.gloss * mirror
    return np.asarray(lit, np.float32)


def _shifted(picture: Field, shift_px: tuple[int, int]) -> Field:
    return np.roll(picture, shift_px, axis=(0, 1)) if any(shift_px) else picture


def _lamp_and_lens(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Return the uneven light: a slope across the field and a fall towards the corners."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    slope_y, slope_x = rng.uniform(-0.12, 0.12, 2)
    vignette = 1 - rng.uniform(0.05, 0.18) * (x * x + y * y) / 2
    return np.asarray((1 + slope_y * y + slope_x * x) * vignette, np.float32)
