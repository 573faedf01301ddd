"""JPEG structure (ITU-T T.81 annex B, EXIF in APP1 per CIPA DC-008)."""

from __future__ import annotations

import re

from mlmcsc.adapters.image_containers.container import Container, Layout
from mlmcsc.adapters.image_containers.source import WINDOW, ByteSource
from mlmcsc.adapters.image_containers.tiff_directory import read_exif_block

BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers; C4, C8 and CC are tables."""
FILL = 0xFF
SAMPLE_BITS = 8
END, SCAN, APP1 = 0xD9, 0xDA, 0xE1
ALONE = frozenset((0x00, 0x01, 0xD8, *range(0xD0, 0xD8)))
"""No marker, or one without a segment: none of them belongs between segments."""
EXIF = b"Exif\x00\x00"

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker inside coded data: not a stuffed FF 00, not a restart FF D0 to D7, not a fill FF FF."""


def read(source: ByteSource) -> Container:
    """Walk every segment from the start of the image to its end marker.

    Raises:
        ImageFileError: When a segment or the end is missing, or the coding cannot be decoded here.
    """
    layout: Layout | None = None
    exif: bytes | None = None
    position = 2
    while True:
        position, marker = _next_marker(source, position)
        if marker == END:
            break
        if marker in ALONE:  # decoders pass over it and would see other segments than we do
            raise source.fault(f"the JPEG is damaged: FF {marker:02X} before byte {position}")
        length = int.from_bytes(source.at(position, 2))
        if marker in FRAMES:
            layout = layout or _frame(source, marker, source.at(position + 2, 6))
        elif marker == APP1 and exif is None and source.at(position + 2, min(6, length)) == EXIF:
            exif = source.at(position + 8, max(0, length - 8))
        source.require(position, max(2, length))
        position += max(2, length)
        if marker == SCAN:
            position = _after_scan(source, position)
    if layout is None:
        raise source.fault("the JPEG holds no picture (no frame header)")
    directories, problem = read_exif_block(source, exif)
    return Container("jpeg", (layout,), directories, problem)


def _next_marker(source: ByteSource, position: int) -> tuple[int, int]:
    """The marker code at `position` (fill bytes skipped) and the offset behind it."""
    prefix, code = source.at(position, 2)
    if prefix != FILL:
        raise source.fault(f"the JPEG is damaged: no marker where one belongs, at byte {position}")
    position += 1
    while code == FILL:
        position += 1
        code = source.at(position, 1)[0]
    return position + 1, code


def _frame(source: ByteSource, marker: int, header: bytes) -> Layout:
    """Size, precision and components from a frame header."""
    if marker not in (BASELINE, EXTENDED, PROGRESSIVE) or header[0] != SAMPLE_BITS:
        raise source.fault(
            f"a JPEG coding that cannot be decoded (frame type {marker - 0xC0}, {header[0]} bits)",
            "Convert it to PNG or TIFF",
        )
    height, width = int.from_bytes(header[1:3]), int.from_bytes(header[3:5])
    if header[5] not in (1, 3, 4):
        raise source.fault(f"the JPEG is damaged: {header[5]} colour components")
    return Layout(width, height, header[5], SAMPLE_BITS)


def _after_scan(source: ByteSource, position: int) -> int:
    """Offset of the first marker behind the coded data that starts at `position`."""
    while position < source.size:
        window = source.at(position, min(WINDOW, source.size - position))
        found = _MARKER.search(window)
        if found:
            return position + found.start()
        # A marker may straddle two windows: look at the last byte again.
        position += len(window) - 1 if len(window) > 1 else 1
    raise source.fault("the JPEG is cut off: its end marker is missing")
