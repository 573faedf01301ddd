"""Olympus Soft Imaging Solutions (SIS): binary block behind TIFF tag 33560.

Layout: 60-byte header (magic `SIS0`, local time to the minute, number of entries), then 8-byte
entries (type, count, offset); entry type 1 is the calibration: exponent, pixel size, magnification.
"""

from __future__ import annotations

import struct
from datetime import datetime

from mlmcsc.adapters.image_containers.container import Layout
from mlmcsc.adapters.image_containers.tiff_directory import Directory, decode_text
from mlmcsc.adapters.microscope_metadata.reading import Reading, scaled

TAG = 33560
MAGIC = b"SIS0"
HEADER = struct.Struct("<4s6xhhhhh6x32xh")
ENTRY = struct.Struct("<hhI")
CALIBRATION = struct.Struct("<10xhdd8xd2x34s32x")
CALIBRATION_TYPE = 1
MAX_EXPONENT = 30


def read(directory: Directory, layout: Layout) -> Reading | None:  # noqa: ARG001 - one signature for all vendors
    """Read the SIS block; None when the page has none.

    Raises:
        ImageFileError: When the block is not inside the file.
    """
    offset = directory.integer(TAG, 0)
    if not offset:
        return None
    source = directory.source
    reading = Reading(f"Olympus SIS {TAG}")
    magic, minute, hour, day, month, year, entries = HEADER.unpack(source.at(offset, HEADER.size))
    if magic != MAGIC:
        reading.problems.append(f"{reading.tag}: begins with {magic!r}, not {MAGIC!r}")
        return reading
    written = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}"
    reading.time(_moment(year, month, day, hour, minute), written, "time")
    for index in range(max(0, entries)):
        place = offset + HEADER.size + index * ENTRY.size
        kind, _, block = ENTRY.unpack(source.at(place, ENTRY.size))
        if kind == CALIBRATION_TYPE:
            _calibration(reading, source.at(block, CALIBRATION.size))
    return reading


def _calibration(reading: Reading, block: bytes) -> None:
    """Pixel size (metres times a power of ten), magnification and camera."""
    exponent, width, _, magnification, camera = CALIBRATION.unpack(block)
    if abs(exponent) > MAX_EXPONENT:
        reading.problems.append(f"{reading.tag} pixel size: exponent {exponent}")
    else:
        reading.number("pixel_size_um", scaled(width, 10.0**exponent * 1e6), "pixelsizex")
    reading.number("magnification", magnification, "magnification")
    reading.name("detector", decode_text(camera.split(b"\x00", 1)[0]), "cameraname")


def _moment(year: int, month: int, day: int, hour: int, minute: int) -> datetime | None:
    """Local time of the instrument, or None when the numbers are no date."""
    try:
        return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - the file gives no zone
    except ValueError:
        return None  # noted as a problem by `Reading.time`
