"""A small grey version of the first page, as cheaply as its format allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.images.decoders import Pixels, decoding, pillow_image
from mlmcsc.adapters.images.pixels import look
from mlmcsc.adapters.microscope_metadata.exif import orientation

DRAFT_SIZE = 128
"""A JPEG is decoded at the smallest 1/8, 1/4 or 1/2 scale with at least so many pixels a side.
Smaller costs hardly less and moves the cells' edges to whole 8-pixel blocks."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601 weights of R, G, B."""
GREY, RGB = 1, 3


def grey_preview(source: ByteSource, container: Container) -> npt.NDArray[np.generic]:
    """Grey values of the first page, `(H, W)`, turned upright, not necessarily full size.

    Raises:
        ImageFileError: When the pixels cannot be decoded.
    """
    if container.format == "jpeg":
        pixels = _jpeg(source, container)
    else:
        pixels = _luma(look(source, container))
    return upright(pixels, orientation(container))


def _jpeg(source: ByteSource, container: Container) -> Pixels:
    """Grey values at a scale that libjpeg decodes directly."""
    layout = container.pages[0]
    if layout.channels not in (GREY, RGB):
        with pillow_image(source, container) as image:
            image.draft("L", (DRAFT_SIZE, DRAFT_SIZE))
            return np.asarray(image.convert("L"))
    from PIL import Image  # noqa: PLC0415 - Pillow only when decoding

    room = min(layout.width // DRAFT_SIZE, layout.height // DRAFT_SIZE)
    scale = next(scale for scale in (8, 4, 2, 1) if room >= scale or scale == 1)
    size = -(-layout.width // scale), -(-layout.height // scale)
    data = source.at(0, source.size)
    with decoding(source):  # Pillow's decoder without its header parser: we have walked the header
        return np.asarray(Image.frombytes("L", size, data, "jpeg", "L", "", scale, 0))


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
