"""Pictures as files, each format with the metadata that a microscope's software would leave."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

MICROMETRES_PER_INCH = 25_400
JPEG_QUALITY = 92


def write_picture(
    path: Path, pixels: NDArray[np.uint8], *, taken_at: datetime, pixel_size_um: float
) -> None:
    """Write one picture in the format of its suffix.

    JPEG and PNG carry EXIF `DateTimeOriginal` and the resolution. TIFF is 16-bit grey and carries
    the pixel size as ImageJ writes it: pixels per unit in `XResolution`, the unit in the
    description.

    Args:
        path: ends in `.jpg`, `.png` or `.tif`.
        pixels: uint8 (H, W, 3), red-green-blue.
        taken_at: local time without a zone.
        pixel_size_um: edge of a pixel, in micrometres.

    Raises:
        OSError: the file cannot be written.
    """
    if path.suffix == ".tif":
        _write_tiff(path, pixels, taken_at, pixel_size_um)
        return
    picture = Image.fromarray(pixels)
    dpi = MICROMETRES_PER_INCH / pixel_size_um
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "mlmcsc", "drawn Charpy fracture"  # Make, Model
    exif.get_ifd(0x8769)[0x9003] = f"{taken_at:%Y:%m:%d %H:%M:%S}"  # Exif: DateTimeOriginal
    # PNG is lossless: Pillow ignores the quality there.
    picture.save(path, exif=exif, dpi=(dpi, dpi), quality=JPEG_QUALITY)


def _write_tiff(
    path: Path, pixels: NDArray[np.uint8], taken_at: datetime, pixel_size_um: float
) -> None:
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    per_um = 1 / pixel_size_um
    tifffile.imwrite(
        path,
        np.asarray(np.rint(grey * 257), np.uint16),
        imagej=True,
        resolution=(per_um, per_um),
        datetime=taken_at,
        metadata={"unit": "um"},
    )
