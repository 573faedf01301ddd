"""How a shear fracture appearance may have been found."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class SfaMethod(StrEnum):
    """How a shear fracture appearance was found; the methods of ASTM E23 and ISO 148-1."""

    DIMENSIONS = "dimensions"
    """Width A and depth B of the cleavage area measured."""
    AREAS = "areas"
    """Whole area and cleavage area measured, e.g. with a planimeter."""
    COMPARISON_CHART = "comparison_chart"
    """Compared with a chart of fracture appearances."""
    PHOTOGRAPH = "photograph"
    """Measured on an enlarged photograph."""
    IMAGE_ANALYSIS = "image_analysis"
    """Measured by a program on an image."""


METHODS: Final = tuple(method.value for method in SfaMethod)
