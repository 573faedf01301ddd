"""PNG structure (ISO/IEC 15948, W3C PNG 3rd edition)."""

from __future__ import annotations

import struct
import zlib

from mlmcsc.adapters.image_containers.container import Container, Layout
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.image_containers.tiff_directory import read_exif_block

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""Samples per pixel of each colour type; 3 is a palette."""
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PALETTE = 3
HEADER_LENGTH = 13


def read(source: ByteSource) -> Container:
    """Walk every chunk up to IEND, checking each checksum.

    Raises:
        ImageFileError: When the file is cut off, a checksum is wrong, or a needed chunk is missing.
    """
    header = palette = exif = None
    has_pixels = False
    position = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", source.at(position, 8))
        _check_sum(source, position + 4, length + 4)
        body = position + 8
        position = body + length + 4
        if header is None:
            if kind != b"IHDR" or length != HEADER_LENGTH:
                raise source.fault("the PNG is damaged: it does not begin with its header")
            header = struct.unpack(">IIBBBBB", source.at(body, HEADER_LENGTH))
        elif kind == b"PLTE":
            palette = source.at(body, length)
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"eXIf":
            exif = source.at(body, length)
    if header is None or not has_pixels:
        raise source.fault("the PNG is damaged: it holds no pixels")
    directories, problem = read_exif_block(source, exif)
    return Container("png", (_layout(source, header, palette),), directories, problem)


def _check_sum(source: ByteSource, start: int, length: int) -> None:
    """Compare a chunk's CRC-32 with the four bytes behind it."""
    source.require(start, length + 4)
    crc = 0
    for window in source.windows(start, start + length):
        crc = zlib.crc32(window, crc)
    if crc != int.from_bytes(source.at(start + length, 4)):
        raise source.fault(f"the PNG is damaged: wrong checksum at byte {start}")


def _layout(source: ByteSource, header: tuple[int, ...], palette: bytes | None) -> Layout:
    """Check the header's combination of values and turn it into a layout."""
    width, height, depth, colour, compression, filtering, interlace = header
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise source.fault(
            f"the PNG header is wrong: {depth} bits, colour type {colour}, "
            f"compression {compression}, filter {filtering}, interlace {interlace}"
        )
    if colour != PALETTE:
        return Layout(width, height, CHANNELS[colour], depth)
    if not palette or len(palette) % 3:
        raise source.fault("the PNG is damaged: its palette is missing")
    grey = palette[0::3] == palette[1::3] == palette[2::3]
    return Layout(width, height, 1 if grey else 3, 8)
