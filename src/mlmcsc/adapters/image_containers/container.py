"""What the structure of an image file tells without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.image_containers.tiff_directory import Directory

MAX_CHANNELS = 32
MAX_BYTES_PER_PIXEL = 8
"""Decoded size is limited to this many bytes for each pixel of the pixel limit."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape of one page.

    Attributes:
        width: Pixels.
        height: Pixels.
        channels: Samples per pixel once a palette is applied.
        bit_depth: Bits per sample.
        compression: TIFF compression number; 1 (none) elsewhere.
    """

    width: int
    height: int
    channels: int
    bit_depth: int
    compression: int = 1


@dataclass(frozen=True, slots=True)
class Container:
    """One image file, structurally whole.

    Attributes:
        format: `jpeg`, `png`, `bmp` or `tiff`.
        pages: Shape of every page, at least one.
        directories: The TIFF directory of every page (TIFF), or of the EXIF block if any.
        problem: Why an EXIF block could not be read, if so.
    """

    format: str
    pages: tuple[Layout, ...]
    directories: tuple[Directory, ...] = ()
    problem: str | None = None


def check_size(source: ByteSource, layout: Layout, max_pixels: int) -> None:
    """Refuse impossible and decompression-bomb sizes before anything is decoded.

    Raises:
        ImageFileError: When the page has no pixels, more than `max_pixels`, more than 32 channels,
            or decodes to more than 8 bytes per allowed pixel.
    """
    pixels = layout.width * layout.height
    shape = f"{layout.width} x {layout.height} pixels"
    if pixels <= 0:
        raise source.fault(f"the header says {shape}")
    if layout.channels > MAX_CHANNELS:
        raise source.fault(
            f"the header says {layout.channels} channels, the limit is {MAX_CHANNELS}",
            "Store the channels as pages of a TIFF file",
        )
    decoded = pixels * layout.channels * -(-layout.bit_depth // 8)
    if pixels > max_pixels or decoded > MAX_BYTES_PER_PIXEL * max_pixels:
        raise source.fault(
            f"the header says {shape} ({decoded} bytes), the limit is {max_pixels} pixels",
            "If the file can be trusted, raise max_pixels; else leave it out",
        )
