"""BMP structure (Microsoft, BITMAPFILEHEADER and the DIB headers)."""

from __future__ import annotations

import struct

from mlmcsc.adapters.image_containers.container import Container, Layout
from mlmcsc.adapters.image_containers.source import ByteSource

CORE = 12
HEADER_SIZE_END = 18
"""The file header and the size field of the DIB header behind it."""
MAX_PALETTE_BITS = 8
HEADERS = (CORE, 40, 52, 56, 64, 108, 124)
"""Known DIB header sizes in bytes; 12 is the OS/2 core header with 16-bit sizes."""
PLAIN, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
DEPTHS = {PLAIN: (1, 4, 8, 16, 24, 32), RLE8: (8,), RLE4: (4,), BITFIELDS: (16, 32)}


def plausible(head: bytes) -> bool:
    """Whether these first bytes can be a bitmap's: text may begin with `BM` too."""
    return (
        len(head) >= HEADER_SIZE_END
        and int.from_bytes(head[14:HEADER_SIZE_END], "little") in HEADERS
    )


def read(source: ByteSource) -> Container:
    """Read the header and check that all rows are inside the file.

    Raises:
        ImageFileError: When rows are missing or the header is wrong.
    """
    pixels, header_size = struct.unpack("<II", source.at(10, 8))
    if header_size == CORE:
        width, height, planes, bits = struct.unpack("<HHHH", source.at(18, 8))
        compression, stored, colours, entry = PLAIN, 0, 0, 3
    else:
        width, height, planes, bits, compression, stored, _, _, colours = struct.unpack(
            "<iiHHIIiiI", source.at(18, 32)
        )
        entry = 4
    if planes != 1 or width <= 0 or bits not in DEPTHS.get(compression, ()):
        raise source.fault(
            f"the BMP header is wrong: {width} wide, {planes} planes, {bits} bits, "
            f"compression {compression}"
        )
    palette_start = 14 + header_size
    if pixels < palette_start:
        raise source.fault(f"the BMP header is wrong: pixels at byte {pixels}, inside the header")
    packed = compression in (RLE8, RLE4)
    if packed and not stored:
        raise source.fault("the BMP header is wrong: compressed, but without the compressed size")
    rows = stored if packed else _stride(width, bits) * abs(height)
    source.require(pixels, rows)
    channels, depth = 3, 8
    if bits <= MAX_PALETTE_BITS:
        count = min(colours or 1 << bits, 1 << bits, (pixels - palette_start) // entry)
        channels = _palette_channels(source.at(palette_start, count * entry), entry)
    return Container("bmp", (Layout(width, abs(height), channels, depth),))


def _stride(width: int, bits: int) -> int:
    """Bytes of one row, padded to 32 bits."""
    return (width * bits + 31) // 32 * 4


def _palette_channels(palette: bytes, entry: int) -> int:
    """1 for a palette of greys, else 3."""
    blue, green, red = (palette[offset::entry] for offset in range(3))
    return 1 if blue == green == red else 3
