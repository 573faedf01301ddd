"""From components to one number.

A change of a constant here, or of how a component is measured, is a new formula: raise `FORMULA`,
and every image is measured again by the next run.
"""

from __future__ import annotations

import math
from typing import Final

from mlmcsc.domain.image_quality.components import Components

FORMULA: Final = "1"

SHARP: Final = 0.4
"""Squared frequency, (1 / pixel)², at which focus reaches 1 - 1/e."""
LEAST_GRADIENT: Final = 1e-6
"""Tenengrad, (full scale / pixel)², of a picture in which there is nothing but rounding."""
CLIPPING: Final = 1.5
"""Power with which clipped pixels count."""
UNEVEN: Final = 0.1
"""Largest share that uneven light can cost."""


NOISY: Final = 0.1
"""Noise, in shares of full scale, that halves the score."""
FAINT: Final = 0.02
"""RMS contrast below which the score falls."""


def score(measured: Components) -> float:
    """Formula "1": focus x exposure x light x quiet x contrast, from 0 to 1.

    focus = 1 - exp(-x / 0.4), where x = Laplacian variance / (Tenengrad + 1e-6) is the mean
    squared spatial frequency of what stands out of the noise: it does not depend on how much there
    is to see, nor on contrast, and blur lowers it.
    exposure = (1 - clipped_low - clipped_high)^1.5.
    light = 1 - 0.1 min(1, illumination gradient).
    quiet = 1 / (1 + (noise / 0.1)^2).
    contrast = min(1, RMS contrast / 0.02).

    Colour is measured but not judged: most micrographs have none.
    The idea of focus from gradients: Pertuz, Puig and Garcia, Pattern Recognition 46 (2013)
    1415-1432; the ratio and the constants are ours.
    """
    frequency = measured.laplacian_variance / (measured.tenengrad + LEAST_GRADIENT)
    focus = -math.expm1(-frequency / SHARP)
    exposure = math.pow(max(0.0, 1.0 - measured.clipped_low - measured.clipped_high), CLIPPING)
    light = 1.0 - UNEVEN * min(1.0, measured.illumination_gradient)
    relative = measured.noise / NOISY
    quiet = 1.0 / (1.0 + relative * relative)
    contrast = min(1.0, measured.rms_contrast / FAINT)
    return focus * exposure * light * quiet * contrast
