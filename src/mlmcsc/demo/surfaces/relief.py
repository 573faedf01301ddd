"""The microscopic shape of each zone, as slopes for the light to fall on.

Slopes rather than colours, because the same fracture looks different under another lamp: a
cleavage facet flashes when it happens to mirror the light, a fibrous patch never does.
"""

from __future__ import annotations

import cv2
import numpy as np

from mlmcsc.demo.surfaces.geometry import CLEAVAGE_CENTRE_MM, LIGAMENT_MM, Geometry
from mlmcsc.demo.surfaces.noise import Field, facet_labels, fractal_noise, smooth_noise

FACET_MM = 0.085  # about the size of a prior-austenite grain
PACKET_MM = 0.5  # neighbouring facets share a rough orientation

Slopes = tuple[Field, Field]


def cleavage_slopes(rng: np.random.Generator, geometry: Geometry) -> Slopes:
    """Tilt every grain facet its own way, with river lines and radial ridges over them."""
    shape = geometry.depth.shape
    facets = facet_labels(rng, shape, max(1.8, FACET_MM / geometry.pixel_mm))
    packets = facet_labels(rng, shape, PACKET_MM / geometry.pixel_mm)
    tilt = rng.normal(0, 0.38, (2, int(facets.max()) + 1)).astype(np.float32)
    lean = rng.normal(0, 0.14, (2, int(packets.max()) + 1)).astype(np.float32)
    ridge = _radial_ridges(rng, geometry)
    river = 0.14 * rng.standard_normal(shape, dtype=np.float32)
    swell = fractal_noise(rng, shape, (1.5 / geometry.pixel_mm, 1.1 / geometry.pixel_mm), 3)
    swell_across, swell_down = _gradient(swell * np.float32(3.0))
    across = tilt[0][facets] + lean[0][packets] + ridge + river + swell_across
    down = tilt[1][facets] + lean[1][packets] - river + swell_down
    return across, down


def fibrous_slopes(rng: np.random.Generator, geometry: Geometry) -> Slopes:
    """Tear the ductile zones: dimples everywhere, terraces along the tearing direction."""
    shape = geometry.depth.shape
    unit = 1 / geometry.pixel_mm
    dimples = fractal_noise(rng, shape, (0.2 * unit, 0.2 * unit), 2)
    # Terraces of the thumbnail run across the bar, those of the lips along its edges.
    flat = fractal_noise(rng, shape, (0.5 * unit, 1.0 * unit), 4)
    steep = fractal_noise(rng, shape, (1.2 * unit, 0.45 * unit), 3)
    beside = side_lip(geometry)
    # Rubbing smooths the lips, so they are the quieter part.
    terraces = 2.0 * flat * (1 - beside) + 0.7 * steep * beside
    swell = smooth_noise(rng, shape, (1.3 * unit, 1.3 * unit))
    return _gradient((0.34 - 0.14 * beside) * dimples + terraces + 5.0 * swell)


def lip_slopes(rng: np.random.Generator, geometry: Geometry) -> Slopes:
    """Incline the lips and the rim around the flat cleavage.

    Lips stand near 45 degrees; each side of this half of the bar carries either the lip or its
    matching hollow, so the direction is drawn by lot.
    """
    sides = rng.choice([-1.0, 1.0], 2)
    beside, beyond = side_lip(geometry), far_lip(geometry)
    steep = np.where(geometry.across < 0, sides[0], sides[1])
    rim = np.exp(-(((geometry.excess - 0.06) / 0.07) ** 2))
    across = (0.55 * beside + 0.35 * rim * np.abs(geometry.across)) * steep
    middle = np.clip((geometry.depth - CLEAVAGE_CENTRE_MM) / 3, -1, 1)
    down = 0.45 * beyond + 0.4 * rim * middle
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def notch_slopes(rng: np.random.Generator, geometry: Geometry) -> Slopes:
    """Lay the broach marks of the machined notch parallel to its root."""
    height, width = geometry.depth.shape
    marks = rng.normal(0, 0.25, (height, 1)).astype(np.float32)
    drift = 0.12 * smooth_noise(rng, (height, width), (2, width / 3))
    return np.zeros((height, width), np.float32), marks + drift + np.float32(0.1)


def side_lip(geometry: Geometry) -> Field:
    """Return 0..1: how far a pixel belongs to the shear lips at the two sides."""
    beside = (np.abs(geometry.across) - 0.55) / 0.3
    return np.asarray(np.clip(beside, 0, 1), np.float32) * (1 - far_lip(geometry))


def far_lip(geometry: Geometry) -> Field:
    """Return 0..1: how far a pixel belongs to the lip opposite to the notch."""
    return np.asarray(np.clip((geometry.depth - 0.72 * LIGAMENT_MM) / 1.6, 0, 1), np.float32)


def _radial_ridges(rng: np.random.Generator, geometry: Geometry) -> Field:
    """Fan low ridges out from the crack's origin below the notch."""
    angle = np.arctan2(geometry.across * 5, geometry.depth + 1.5)
    waves = sum(
        amplitude * np.sin(angle * count + rng.uniform(0, 6.28))
        for count, amplitude in ((31, 0.5), (53, 0.4), (89, 0.3))
    )
    return np.asarray(0.2 * waves, np.float32)


def _gradient(height: Field) -> Slopes:
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)
