"""Drawn Charpy fracture surfaces whose shear fraction is known to the pixel.

`Fracture` is the broken specimen, `photograph` one look at it through a stereo microscope, and
`draw_surface` both in one call.
"""

from mlmcsc.demo.surfaces.camera import View, photograph
from mlmcsc.demo.surfaces.draw import Surface, draw_surface, take_view
from mlmcsc.demo.surfaces.fracture import Fracture, break_specimen

__all__ = [
    "Fracture",
    "Surface",
    "View",
    "break_specimen",
    "draw_surface",
    "photograph",
    "take_view",
]
