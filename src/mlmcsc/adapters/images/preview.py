"""A small grey version of the first page, as cheaply as its format allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.images.decoders import Pixels, pillow_image
from mlmcsc.adapters.images.pixels import decode
from mlmcsc.adapters.microscope_metadata.exif import orientation

DRAFT_SIZE = (128, 128)
"""A JPEG is decoded at the smallest 1/8, 1/4 or 1/2 scale that is at least this large.
Smaller costs hardly less and moves the cells' edges to whole 8-pixel blocks."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601 weights of R, G, B."""
GREY_CHANNELS, RGB = (1, 2), 3


def grey_preview(source: ByteSource, container: Container) -> npt.NDArray[np.generic]:
    """Grey values of the first page, `(H, W)`, turned upright, not necessarily full size.

    Raises:
        ImageFileError: When the pixels cannot be decoded.
    """
    if container.format == "jpeg":
        with pillow_image(source, container) as image:
            image.draft("L", DRAFT_SIZE)
            pixels = np.asarray(image if image.mode == "L" else image.convert("L"))
    else:
        pixels = _luma(decode(source, container))
    return upright(pixels, orientation(container))


def upright(pixels: Pixels, turn: int) -> Pixels:
    """Apply an EXIF orientation, 1 to 8, to `(H, W)` or `(H, W, C)` (a view, no copy)."""
    if turn in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _luma(pixels: Pixels) -> Pixels:
    """Brightness; alpha and further channels are left out."""
    if pixels.ndim == 2:  # noqa: PLR2004 - grey already
        return pixels
    if pixels.shape[2] < RGB:
        return pixels[:, :, 0]
    kind = pixels.dtype if pixels.dtype.kind == "u" else np.float32
    return (pixels[:, :, :RGB] @ LUMA).astype(kind)
