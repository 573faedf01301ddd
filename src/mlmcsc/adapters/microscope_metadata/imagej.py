"""ImageJ: `key=value` lines in ImageDescription; the calibration stands in XResolution."""

from __future__ import annotations

from mlmcsc.adapters.image_containers.container import Layout
from mlmcsc.adapters.image_containers.tiff_directory import Directory
from mlmcsc.adapters.microscope_metadata.reading import Reading, scaled
from mlmcsc.adapters.microscope_metadata.units import micrometres

DESCRIPTION, X_RESOLUTION, Y_RESOLUTION = 270, 282, 283
NOT_LENGTHS = ("", "pixel", "pixels")
SCREEN_DPI = (72.0, 96.0)
"""Resolutions that ImageJ takes over from pictures that were never calibrated."""


def read(directory: Directory, layout: Layout) -> Reading | None:  # noqa: ARG001 - one signature for all vendors
    """Read the calibration; None when the page is not ImageJ's."""
    description = directory.text(DESCRIPTION) or ""
    if not description.startswith("ImageJ="):
        return None
    pairs = (line.split("=", 1) for line in description.splitlines() if "=" in line)
    values = {key.strip(): value.strip() for key, value in pairs}
    reading = Reading("ImageJ")
    reading.setting("software", f"ImageJ {values['ImageJ']}")
    unit = values.get("unit", "")
    per_unit = directory.ratio(X_RESOLUTION)
    length = micrometres(unit)
    if unit.lower() in NOT_LENGTHS or not per_unit:
        return reading
    if length is None:
        reading.unknown("pixel_size_um", f"the unit {unit[:40]!r} is no known length")
    elif length == micrometres("inch") and per_unit in SCREEN_DPI:
        reading.unknown("pixel_size_um", f"{per_unit:g} pixels per inch is a screen setting")
    else:
        key = f"270 unit={unit}, 282 XResolution"
        reading.number("pixel_size_um", scaled(length, 1 / per_unit), key)
        down = directory.ratio(Y_RESOLUTION)
        if down and down != per_unit:
            reading.setting("pixel_height_um", scaled(length, 1 / down))
    return reading
