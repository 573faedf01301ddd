"""What is measured of a picture."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Components:
    """Measures of one picture, in shares of full scale (0 black, 1 the brightest that fits).

    They are taken of the grey picture, made smaller to 480 x 480 pixels' area if it is larger, so
    that bit depth and size do not matter. How: docs/explanation/image-quality.md.

    Attributes:
        tenengrad: Mean squared Sobel gradient, in (full scale / pixel)², >= 0.
        laplacian_variance: Squared Laplacian above the noise floor of the typical textured part, in
            (full scale / pixel²)², >= 0; like the Tenengrad after the smoothing that serves the
            picture best.
        rms_contrast: Standard deviation of the grey values, >= 0.
        clipped_low: Share of pixels at the dark end of the scale.
        clipped_high: Likewise at the bright end.
        noise: Standard deviation of the noise, from the quietest tenth of the picture, >= 0.
        illumination_gradient: Deviation of the fitted quadratic surface, in its mean, >= 0.
        saturation: Mean colour saturation (HSV), 0 grey to 1.
    """

    tenengrad: float
    laplacian_variance: float
    rms_contrast: float
    clipped_low: float
    clipped_high: float
    noise: float
    illumination_gradient: float
    saturation: float

    def to_dict(self) -> dict[str, float]:
        """For JSON and for the database's columns."""
        return {name: getattr(self, name) for name in NAMES}


NAMES = tuple(field.name for field in fields(Components))
"""The components, in the order of the class."""
