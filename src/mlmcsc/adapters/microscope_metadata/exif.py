"""EXIF (CIPA DC-008) in JPEG, PNG and TIFF, and the plain tags of TIFF 6.0."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.tiff_directory import Directory, read_directory
from mlmcsc.adapters.microscope_metadata.reading import Reading, scaled
from mlmcsc.errors import ImageFileError

MAKE, MODEL, ORIENTATION, EXIF_POINTER = 271, 272, 274, 34665
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
UPRIGHT, MAX_ORIENTATION = 1, 8
UNIT_NAMES = {2: "inch", 3: "cm"}
MAX_OFFSET_HOURS = 24

TIMES = (
    (36867, 36881, 37521, "DateTimeOriginal"),
    (36868, 36882, 37522, "DateTimeDigitized"),
)
"""Time, its zone, its fraction of a second. Tag 306 says when the file was written, no more."""
FIRST_YEAR = 1900
"""No camera wrote an earlier one; clocks that were never set write years like 0001."""

RATIOS = (
    ("exposure_time_s", 33434),
    ("f_number", 33437),
    ("focal_length_mm", 37386),
    ("digital_zoom", 41988),
)
ISO_SPEED = 34855


def read(container: Container) -> Reading | None:
    """Read EXIF of the first page; None when there is none.

    Artist, owner, serial numbers, comments and GPS are personal data and are not read.

    Raises:
        ImageFileError: When a TIFF is cut off inside its EXIF part.
    """
    reading = Reading("EXIF")
    if container.problem:
        reading.problems.append(container.problem)
    if not container.directories:
        return reading if reading.problems else None
    main = container.directories[0]
    names = [text for text in (main.text(MAKE), main.text(MODEL)) if text]
    reading.name("instrument", " ".join(names), "271 Make, 272 Model")
    turn = orientation(container)
    if turn != UPRIGHT:
        reading.setting("orientation", turn)
    if container.format == "tiff":
        _resolution_hint(reading, main)
    part = _exif_part(reading, container, main)
    if part is not None:
        _time(reading, part)
        for name, tag in RATIOS:
            value = part.ratio(tag)
            reading.setting(name, None if value is None else scaled(value, 1.0))
        if ISO_SPEED in part:
            reading.setting("iso_speed", part.integer(ISO_SPEED, 0))
    return reading


def orientation(container: Container) -> int:
    """How the first page is to be turned for viewing, 1 (as stored) to 8."""
    if not container.directories:
        return UPRIGHT
    value = container.directories[0].integer(ORIENTATION, UPRIGHT)
    return value if UPRIGHT <= value <= MAX_ORIENTATION else UPRIGHT


def _exif_part(reading: Reading, container: Container, main: Directory) -> Directory | None:
    """The directory that tag 34665 points to."""
    offset = main.integer(EXIF_POINTER, 0)
    if not offset:
        return None
    try:
        return read_directory(main.source, main.order, offset)[0]
    except ImageFileError as error:
        if container.format == "tiff":  # the offset is the file's own: the file is cut off
            raise
        reading.problems.append(f"EXIF 34665: {error}")
        return None


def _time(reading: Reading, part: Directory) -> None:
    """The first readable acquisition time, with its zone and fraction of a second."""
    for tag, zone_tag, fraction_tag, name in TIMES:
        written = part.text(tag)
        if written is None or reading.captured is not None:
            continue
        zone = part.text(zone_tag) or ""
        moment = _moment(written, zone, part.text(fraction_tag) or "")
        reading.time(moment, f"{written} {zone}".strip(), f"{tag} {name}")


def _moment(written: str, zone: str, fraction: str) -> datetime | None:
    """`2018:11:15 19:42:31`, `+02:00` and `25`; None when it is no time."""
    digits = re.match(r"\d{1,6}", fraction)
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", zone)
    try:
        moment = datetime.strptime(written, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - zone follows
        if digits:
            moment = moment.replace(microsecond=int(digits[0].ljust(6, "0")))
        if offset:
            east = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            moment = moment.replace(tzinfo=timezone(-east if offset[1] == "-" else east))
    except ValueError:
        return None  # noted as a problem by `Reading.time`
    return moment if moment.year >= FIRST_YEAR else None


def _resolution_hint(reading: Reading, main: Directory) -> None:
    """Keep a print resolution as a hint: 72 dpi is not a calibration."""
    unit = UNIT_NAMES.get(main.integer(RESOLUTION_UNIT, 0))
    across, down = main.ratio(X_RESOLUTION), main.ratio(Y_RESOLUTION)
    if unit and across and down:
        reading.setting(f"print_resolution_per_{unit}", [scaled(across, 1.0), scaled(down, 1.0)])
