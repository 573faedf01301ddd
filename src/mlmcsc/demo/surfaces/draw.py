"""Fracture and photograph in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.demo.surfaces.camera import View, photograph
from mlmcsc.demo.surfaces.fracture import Fracture, break_specimen
from mlmcsc.demo.surfaces.geometry import Mask
from mlmcsc.errors import ValidationError

MARGIN_MM = 0.4  # what the field of view leaves beside the widest bar


@dataclass(frozen=True)
class Surface:
    """A picture of a fracture and the truth about it.

    Attributes:
        pixels: uint8 (H, W, 3), red-green-blue.
        mask: bool (H, W), cleavage.
        ligament: bool (H, W), all that broke.
        true_sfa: (A_total - A_cleavage) / A_total in [0, 1], exactly as counted in the masks.
        pixel_size_um: edge of a pixel, in micrometres.
    """

    pixels: NDArray[np.uint8]
    mask: Mask
    ligament: Mask
    true_sfa: float
    pixel_size_um: float


def draw_surface(
    rng: np.random.Generator,
    *,
    shear_fraction: float,
    size: tuple[int, int] = (480, 480),
    defocus_px: float = 0.6,
    exposure: float = 1.0,
    noise_sigma: float = 0.012,
) -> Surface:
    """Draw a Charpy fracture surface with a known shear fraction.

    The field of view is 13.5 mm: the bar's 10 mm, of which the notch takes the upper 2 mm, and
    room for the lateral expansion.

    Args:
        rng: source of all randomness.
        shear_fraction: wanted share of fibrous area in [0, 1]; met to the pixel.
        size: height and width in pixels.
        defocus_px: deviation of the blur, in pixels.
        exposure: factor on the light; 1 is well exposed.
        noise_sigma: deviation of the sensor's noise as a share of full scale.

    Raises:
        ValidationError: `shear_fraction` outside [0, 1], or `size` too small.
    """
    fracture = break_specimen(rng, shear_fraction=shear_fraction, size=size)
    view = View(defocus_px=defocus_px, exposure=exposure, noise_sigma=noise_sigma)
    return take_view(rng, fracture, view)


def take_view(rng: np.random.Generator, fracture: Fracture, view: View) -> Surface:
    """Photograph a fracture; the masks move with the specimen.

    Raises:
        ValidationError: the view's shift would move the bar out of the picture.
    """
    furthest = int(MARGIN_MM * 1000 / fracture.pixel_size_um)
    if max(map(abs, view.shift_px)) > furthest:
        raise ValidationError(
            f"shift_px is {view.shift_px}; beyond {furthest} pixels the bar leaves the picture"
        )
    picture = photograph(rng, fracture, view)
    return Surface(
        pixels=np.asarray(np.rint(picture * 255), np.uint8),
        mask=np.roll(fracture.cleavage, view.shift_px, axis=(0, 1)),
        ligament=np.roll(fracture.ligament, view.shift_px, axis=(0, 1)),
        true_sfa=fracture.true_sfa,
        pixel_size_um=fracture.pixel_size_um,
    )
