"""Where things are on a broken Charpy bar: notch, ligament, cleavage, lips.

The bar is the standard 10 mm x 10 mm one with a 2 mm notch (ASTM E23 figure 1), so its ligament is
8 mm deep and 10 mm wide before it deforms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.demo.surfaces.noise import Field, fractal_noise

BAR_MM = 10.0
NOTCH_MM = 2.0
LIGAMENT_MM = BAR_MM - NOTCH_MM
FIELD_OF_VIEW_MM = 13.5
CLEAVAGE_CENTRE_MM = 3.5  # below the notch root: the crack turns brittle above mid-ligament

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Geometry:
    """The outlines, each field of the picture's shape.

    Attributes:
        pixel_mm: edge of a pixel, in millimetres.
        notch: the machined strip above the ligament.
        ligament: the whole fracture surface, deformed edges included.
        cleavage: the brittle part of the ligament.
        depth: millimetres below the notch root; negative in the notch strip.
        across: -1 at the left edge of the bar, +1 at the right one.
        excess: above 0 outside the cleavage, growing towards the edges; below 0 inside it.
    """

    pixel_mm: float
    notch: Mask
    ligament: Mask
    cleavage: Mask
    depth: Field
    across: Field
    excess: Field


def outline(
    rng: np.random.Generator,
    shape: tuple[int, int],
    shear_fraction: float,
    lateral_expansion_mm: float,
) -> Geometry:
    """Lay out one fracture so that cleavage covers exactly its share of the ligament's pixels."""
    height, width = shape
    pixel_mm = FIELD_OF_VIEW_MM / min(height, width)
    top = (height * pixel_mm - BAR_MM) / 2 + NOTCH_MM
    depth_1d = ((np.arange(height) + 0.5) * pixel_mm - top).astype(np.float32)
    x_1d = ((np.arange(width) + 0.5) * pixel_mm - width * pixel_mm / 2).astype(np.float32)
    depth = np.broadcast_to(depth_1d[:, None], shape)
    wobble = 0.035 * fractal_noise(rng, (height, 1), (height / 8, 1), 4)
    half_width = _half_width(depth_1d, lateral_expansion_mm)[:, None] + wobble
    across = np.asarray(x_1d[None, :] / half_width, np.float32)
    # The far edge folds over in a tough bar, so it bows outwards a little.
    far_edge = LIGAMENT_MM + 0.12 * lateral_expansion_mm * (1 - (x_1d[None, :] / 5) ** 2)
    on_bar = (np.abs(across) <= 1) & (depth <= far_edge) & (depth >= -NOTCH_MM)
    root = 0.03 * fractal_noise(rng, (1, width), (1, width / 12), 3)
    ligament = on_bar & (depth >= root)
    level = _level(rng, shape, depth, across)
    cleavage, threshold = _lowest_share(level, ligament, 1 - shear_fraction)
    return Geometry(
        pixel_mm=pixel_mm,
        notch=on_bar & ~ligament,
        ligament=ligament,
        cleavage=cleavage,
        depth=depth,
        across=across,
        excess=level - np.float32(threshold),
    )


def _half_width(depth: Field, lateral_expansion_mm: float) -> Field:
    """Return half the bar's width in mm: drawn in at the notch root, bulged at the far edge."""
    bulge = np.clip((depth - 1.0) / (LIGAMENT_MM - 1.0), 0, 1) ** 1.6
    neck = np.exp(-(((depth - 0.6) / 1.4) ** 2))
    half = BAR_MM / 2 + lateral_expansion_mm * (0.5 * bulge - 0.16 * neck)
    return np.asarray(half, np.float32)


def _level(rng: np.random.Generator, shape: tuple[int, int], depth: Field, across: Field) -> Field:
    """Return a field whose level sets are nested, rough, rounded rectangles (1 at the edges)."""
    above = np.clip((CLEAVAGE_CENTRE_MM - depth) / CLEAVAGE_CENTRE_MM, 0, None)
    below = np.clip((depth - CLEAVAGE_CENTRE_MM) / (LIGAMENT_MM - CLEAVAGE_CENTRE_MM), 0, None)
    sideways = np.abs(across + np.float32(rng.normal(0, 0.03)))
    vertical = above + below
    rounded = np.sqrt(np.sqrt(sideways**4 + vertical**4))
    # The fibrous crack starts as a thumbnail: deepest at mid-thickness (crack-front tunnelling).
    thumbnail = (
        rng.uniform(0.1, 0.3) * above * np.clip(1 - (across / rng.uniform(0.5, 0.8)) ** 2, 0, 1)
    )
    # Fine octaves leave ductile ligaments and brittle islands on both sides of the border.
    rough = 0.03 * fractal_noise(rng, shape, (shape[0] / 9, shape[1] / 9), 3)
    rough += 0.03 * fractal_noise(rng, shape, (shape[0] / 50, shape[1] / 50), 3)
    return np.asarray(rounded + thumbnail + rough, np.float32)


def _lowest_share(level: Field, ligament: Mask, share: float) -> tuple[Mask, float]:
    """Mark the `share` of the ligament's pixels with the lowest level; return also the border."""
    inside = np.flatnonzero(ligament)
    count = round(share * inside.size)
    cleavage = np.zeros(level.shape, np.bool_)
    values = level.ravel()[inside]
    if count == 0:
        return cleavage, float(values.min()) - 0.3
    order = np.argpartition(values, count - 1)[:count]
    cleavage.ravel()[inside[order]] = True
    return cleavage, float(values[order].max())
