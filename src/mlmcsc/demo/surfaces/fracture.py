"""A broken specimen: what stays the same from one photograph to the next."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mlmcsc.demo.surfaces import relief
from mlmcsc.demo.surfaces.geometry import Geometry, Mask, outline
from mlmcsc.demo.surfaces.noise import Field, smooth_noise
from mlmcsc.errors import ValidationError

SMALLEST_PX = 64


@dataclass(frozen=True)
class Fracture:
    """One fracture surface, ready to be lit.

    Attributes:
        cleavage: bool (H, W), the bright granular part.
        ligament: bool (H, W), all that broke; `cleavage` lies inside it.
        slope_across: float32 (H, W), rise per pixel to the right.
        slope_down: float32 (H, W), rise per pixel downwards.
        reflectance: float32 (H, W) in [0, 1], share of light scattered back.
        gloss: float32 (H, W) in [0, 1], strength of mirror-like flashes.
        warmth: float32 (H, W), 0 silvery to 1 brownish grey.
        pixel_size_um: edge of a pixel, in micrometres.
    """

    cleavage: Mask
    ligament: Mask
    slope_across: Field
    slope_down: Field
    reflectance: Field
    gloss: Field
    warmth: Field
    pixel_size_um: float

    @property
    def true_sfa(self) -> float:
        """Shear fraction (A_total - A_cleavage) / A_total in [0, 1], counted in pixels (E23)."""
        total = int(self.ligament.sum())
        return (total - int(self.cleavage.sum())) / total


def break_specimen(
    rng: np.random.Generator,
    *,
    shear_fraction: float,
    size: tuple[int, int] = (480, 480),
    lateral_expansion_mm: float | None = None,
) -> Fracture:
    """Draw the fracture surface of one specimen.

    Args:
        rng: source of all randomness; the same state draws the same fracture.
        shear_fraction: wanted share of fibrous area, in [0, 1].
        size: height and width in pixels, each at least 64.
        lateral_expansion_mm: growth of the width at the far edge; by default 0.1 mm for a fully
            brittle bar up to 2 mm for a fully tough one.

    Raises:
        ValidationError: `shear_fraction` outside [0, 1], or `size` too small.
    """
    if not 0 <= shear_fraction <= 1:
        raise ValidationError(f"shear_fraction is {shear_fraction}; give a number in [0, 1]")
    if min(size) < SMALLEST_PX:
        raise ValidationError(f"size is {size}; give at least {SMALLEST_PX} pixels each way")
    if lateral_expansion_mm is None:
        lateral_expansion_mm = 0.1 + 1.9 * shear_fraction
    geometry = outline(rng, size, shear_fraction, lateral_expansion_mm)
    soft = _soft_cleavage(geometry)
    across, down = _slopes(rng, geometry, soft)
    on_bar = geometry.ligament | geometry.notch
    return Fracture(
        cleavage=geometry.cleavage,
        ligament=geometry.ligament,
        slope_across=across,
        slope_down=down,
        reflectance=_reflectance(rng, geometry, soft),
        gloss=np.asarray(np.where(on_bar, 0.06 + 0.94 * soft, 0.0), np.float32),
        warmth=np.asarray(np.where(geometry.notch, 0.3, 1 - soft), np.float32),
        pixel_size_um=geometry.pixel_mm * 1000,
    )


def _reflectance(rng: np.random.Generator, geometry: Geometry, soft: Field) -> Field:
    shape, unit = geometry.depth.shape, 1 / geometry.pixel_mm
    patches = smooth_noise(rng, shape, (0.12 * unit, 0.12 * unit))
    stains = smooth_noise(rng, shape, (1.8 * unit, 1.8 * unit))
    bright = 0.4 + 0.1 * soft + 0.03 * patches * (1 - soft) + 0.012 * stains
    # The notch lies out of the fracture's plane, its root in its own shadow.
    shaded = np.where(geometry.notch, 0.62 - 0.2 * np.tanh(geometry.depth + 1.0), 1.0)
    root = 1 - 0.75 * np.exp(-((geometry.depth / 0.09) ** 2))
    burr = 1 + 0.35 * np.clip((np.abs(geometry.across) - 0.975) / 0.02, 0, 1)
    on_bar = geometry.ligament | geometry.notch
    reflected = np.where(on_bar, bright * shaded * root * burr, 0.03 + 0.004 * patches)
    return np.asarray(np.clip(reflected, 0, 1), np.float32)


def _soft_cleavage(geometry: Geometry) -> Field:
    """Blend the zones over some 0.1 mm: no edge in metal is cut with scissors."""
    sharp = geometry.cleavage.astype(np.float32)
    soft = cv2.GaussianBlur(sharp, (0, 0), max(0.5, 0.04 / geometry.pixel_mm))
    return np.asarray(soft, np.float32)


def _slopes(rng: np.random.Generator, geometry: Geometry, soft: Field) -> relief.Slopes:
    cleaved = relief.cleavage_slopes(rng, geometry)
    torn = relief.fibrous_slopes(rng, geometry)
    lips = relief.lip_slopes(rng, geometry)
    notch = relief.notch_slopes(rng, geometry)
    across, down = (
        np.asarray(
            np.where(
                geometry.notch,
                notch[axis],
                soft * cleaved[axis] + (1 - soft) * (torn[axis] + lips[axis]),
            ),
            np.float32,
        )
        for axis in (0, 1)
    )
    return across, down
