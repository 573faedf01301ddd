"""Pixels as stored: 16 bits stay 16 bits."""

from __future__ import annotations

import math
import os

import numpy as np

from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.container import Container, Layout
from mlmcsc.adapters.image_containers.source import ByteSource, open_source
from mlmcsc.adapters.image_containers.tiff import (
    COLOUR_MAP,
    PALETTE,
    PHOTOMETRIC,
    PLANAR,
    SEPARATE,
    STRIP_OFFSETS,
    whole_samples_at,
)
from mlmcsc.adapters.image_containers.tiff_directory import Directory
from mlmcsc.adapters.images.decoders import (
    MORE_DECODERS,
    Pixels,
    check_page,
    decoding,
    has_imagecodecs,
    opencv_page,
    pillow_image,
    tifffile_page,
)

WHITE_IS_ZERO = 0
NO_COMPRESSION = 1
BYTE, WORD = 8, 16
GREY, GREY_ALPHA, RGB = 1, 2, 3


def read_pixels(
    path: str | os.PathLike[str], *, page: int = 0, max_pixels: int = 500_000_000
) -> Pixels:
    """Decode one page without loss.

    Args:
        path: A JPEG, PNG, BMP or TIFF file.
        page: Page of a TIFF, from 0.
        max_pixels: Largest allowed width x height, checked before decoding.

    Returns:
        `(H, W)` or `(H, W, C)`, as stored (EXIF orientation not applied), large values bright.
        uint8 for up to 8 bits (fewer bits are spread over 0 to 255), uint16 for up to 16, else the
        TIFF's own dtype. Colours are RGB; a colour palette is applied.

    Raises:
        ImageMissingError: When there is no such file.
        ImageFileError: When the file is no whole, supported image, or has no such page.
    """
    absolute = os.path.abspath(path)
    with open_source(absolute) as (source, _):
        container = read_container(source, max_pixels)
        return decode(source, container, page)


def decode(source: ByteSource, container: Container, page: int = 0) -> Pixels:
    """Decode one page of an opened file; see `read_pixels`."""
    pixels = look(source, container, page)
    return pixels if pixels.flags.writeable else pixels.copy()


def look(source: ByteSource, container: Container, page: int = 0) -> Pixels:
    """The same pixels, perhaps as a view of the file's bytes that cannot be written to."""
    check_page(source, container, page)
    layout = container.pages[page]
    with decoding(source):
        if container.format == "tiff":
            pixels = _tiff(source, container, page)
        elif layout.bit_depth == WORD and layout.channels > GREY:
            pixels = _png16(source, layout)  # Pillow would cut 16-bit colours to 8
        else:
            pixels = _pillow(source, container)
    expected = (layout.height, layout.width, *((layout.channels,) if layout.channels > 1 else ()))
    if pixels.shape != expected:
        raise source.fault(f"the decoder gave pixels of shape {pixels.shape}, not {expected}")
    return pixels


def _pillow(source: ByteSource, container: Container) -> Pixels:
    """JPEG, BMP and all PNGs but 16-bit colour."""
    layout = container.pages[0]
    alpha = "CMYK" if container.format == "jpeg" else "RGBA"
    with pillow_image(source, container) as image:
        if layout.bit_depth == WORD:
            return np.asarray(image).astype(np.uint16)
        mode = {1: "L", 2: "LA", 3: "RGB", 4: alpha}[layout.channels]
        image.load()
        image.info.pop("transparency", None)  # the pixels, without what should hide some of them
        return np.asarray(image if image.mode == mode else image.convert(mode))


def _png16(source: ByteSource, layout: Layout) -> Pixels:
    """16-bit colour PNG; OpenCV widens grey with alpha to four channels."""
    pixels = opencv_page(source, 0)
    return pixels[:, :, [0, 3]] if layout.channels == GREY_ALPHA else pixels


def _tiff(source: ByteSource, container: Container, page: int) -> Pixels:
    """One TIFF page: palette applied, white large, planes last, native byte order."""
    layout = container.pages[page]
    if page >= len(container.directories):
        return _slice(source, container, page)
    directory = container.directories[page]
    start = whole_samples_at(directory, layout)
    if start is not None:
        return _as_it_lies(source, directory, layout, start)
    photometric = directory.integer(PHOTOMETRIC, 1)
    if layout.compression != NO_COMPRESSION and not has_imagecodecs():
        if photometric in (WHITE_IS_ZERO, PALETTE):  # OpenCV turns some of these over, some not
            raise source.fault("a compressed palette or white-is-zero page", MORE_DECODERS)
        return opencv_page(source, page)
    pixels = tifffile_page(source, page)
    if directory.integer(PLANAR, 1) == SEPARATE and pixels.ndim == 3:  # noqa: PLR2004
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[2] == 1:  # noqa: PLR2004
        pixels = pixels[:, :, 0]
    if photometric == PALETTE:
        return pixels if layout.channels == GREY else _coloured(directory, pixels)
    pixels = _spread(pixels, layout.bit_depth)
    if photometric == WHITE_IS_ZERO and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _as_it_lies(source: ByteSource, directory: Directory, layout: Layout, start: int) -> Pixels:
    """Pixels that need no decoder: a view of the file's bytes, in native byte order."""
    shape = (layout.height, layout.width, *((layout.channels,) if layout.channels > 1 else ()))
    stored = np.dtype(f"{directory.order.mark}u{layout.bit_depth // BYTE}")
    raw = np.frombuffer(source.view(start, math.prod(shape) * stored.itemsize), stored)
    return raw.reshape(shape).astype(stored.newbyteorder("="), copy=False)


def _spread(pixels: Pixels, bits: int) -> Pixels:
    """Fewer than 8 bits spread over 0 to 255, so that full is 255 in every image."""
    if bits >= BYTE:
        return pixels
    return (pixels.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)


def _coloured(directory: Directory, indices: Pixels) -> Pixels:
    """Apply a colour map of 16-bit entries, 8 bits kept."""
    colours = np.array(directory.integers(COLOUR_MAP), np.uint16).reshape(RGB, -1)
    return (colours.T >> BYTE).astype(np.uint8)[indices]


def _slice(source: ByteSource, container: Container, page: int) -> Pixels:
    """A further slice of an ImageJ stack: same shape as the first, right behind it."""
    directory = container.directories[0]
    first = _tiff(source, container, 0)
    offset = directory.integer(STRIP_OFFSETS, 0) + page * first.nbytes
    stored = first.dtype.newbyteorder(">" if directory.order.mark == ">" else "<")
    raw = np.frombuffer(source.at(offset, first.nbytes), stored)
    return raw.reshape(first.shape).astype(first.dtype)
