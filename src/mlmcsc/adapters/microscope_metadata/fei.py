"""FEI / Thermo Fisher: sections of `Key=value` lines in TIFF tag 34680 or 34682, SI units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from mlmcsc.adapters.image_containers.container import Layout
from mlmcsc.adapters.image_containers.tiff_directory import Directory, decode_text
from mlmcsc.adapters.microscope_metadata.reading import Reading, scaled

TAGS = (34682, 34680)
PARTICLE_BEAMS = ("EBeam", "IBeam")
RADIANS = 180 / math.pi

Sections = Mapping[str, Mapping[str, str]]

QUANTITIES = (
    ("working_distance_mm", "{beam}", "WD", 1e3),
    ("working_distance_mm", "Stage", "WorkingDistance", 1e3),
    ("probe_current_pa", "{beam}", "BeamCurrent", 1e12),
    ("field_width_um", "{beam}", "HFW", 1e6),
    ("dwell_time_us", "Scan", "Dwelltime", 1e6),
    ("dwell_time_us", "{scan}", "Dwell", 1e6),
    ("aperture_um", "{beam}", "ApertureDiameter", 1e6),
    ("scan_rotation_deg", "{beam}", "ScanRotation", RADIANS),
    ("spot_size", "Beam", "Spot", 1.0),
    ("integrated_frames", "Image", "Integrate", 1.0),
    ("averaged_frames", "Image", "Average", 1.0),
    ("chamber_pressure_pa", "Vacuum", "ChPressure", 1.0),
    ("data_bar_height_px", "PrivateFei", "DatabarHeight", 1.0),
)
"""Setting, section, key, factor from the SI unit. The first readable row of a setting counts."""

STAGE = (
    ("x_mm", "Stage", "StageX", 1e3),
    ("y_mm", "Stage", "StageY", 1e3),
    ("z_mm", "Stage", "StageZ", 1e3),
    ("rotation_deg", "Stage", "StageR", RADIANS),
    ("tilt_deg", "Stage", "StageT", RADIANS),
)

TEXTS = (
    ("beam", "Beam", "Beam"),
    ("detector_mode", "Detectors", "Mode"),
    ("vacuum_mode", "Vacuum", "UserMode"),
    ("software", "System", "Software"),
    ("serial_number", "System", "Dnumber"),
    ("user_text", "User", "UserText"),
)
"""Setting, section, key. User.User names a person and is left out."""


def read(directory: Directory, layout: Layout) -> Reading | None:
    """Read tag 34682 or 34680; None when the page has neither."""
    tag = next((tag for tag in TAGS if tag in directory), None)
    if tag is None:
        return None
    file = _File(Reading(f"FEI {tag}"), _parse(decode_text(directory.raw(tag))))
    reading = file.reading
    _pixel_size(file, layout.width)
    _magnification(file)
    for section in ("Beam", file.beam):
        volts = file.number(section, "HV")
        kilovolts = None if volts is None else scaled(volts, 1e-3)
        reading.number("accelerating_voltage_kv", kilovolts, f"{section}.HV")
    reading.name("detector", file.text("Detectors", "Name"), "Detectors.Name")
    system = file.text("System", "SystemType")
    reading.name("instrument", system and f"FEI {system}", "System.SystemType")
    _time(file)
    for name, value in file.scaled(QUANTITIES).items():
        reading.setting(name, value)
    reading.setting("stage", {**file.scaled(STAGE)})
    for name, section, key in TEXTS:
        reading.setting(name, file.text(section, key))
    return reading


class _File:
    """The parsed tag and the reading that collects from it."""

    def __init__(self, reading: Reading, sections: Sections) -> None:
        self.reading = reading
        self.sections = sections
        self.beam = self.text("Beam", "Beam")
        self.scan = self.text("Beam", "Scan")

    def text(self, section: str, key: str) -> str:
        return self.sections.get(section, {}).get(key, "")

    def number(self, section: str, key: str) -> float | None:
        return self.reading.parse(self.text(section, key), f"{section}.{key}")

    def scaled(self, table: tuple[tuple[str, str, str, float], ...]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, section, key, factor in table:
            value = self.number(section.format(beam=self.beam, scan=self.scan), key)
            if value is not None:
                found.setdefault(name, scaled(value, factor))
        return found


def _parse(text: str) -> Sections:
    """Sections of `Key=value` lines; anything else is no part of the format."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        entry = line.strip("\x00 \t")
        if entry.startswith("[") and entry.endswith("]"):
            current = sections.setdefault(entry[1:-1], {})
        elif "=" in entry:
            key, value = entry.split("=", 1)
            current.setdefault(key.strip(), value.strip())
    return sections


def _pixel_size(file: _File, width: int) -> None:
    """PixelWidth of the scan, else field width over scan width (cameras have no scan)."""
    across = file.number("Image", "ResolutionX")
    if across is not None and across != width:
        file.reading.unknown(
            "pixel_size_um",
            f"it describes {across:g} pixels across, the image has {width}: resized or cropped",
        )
        return
    for section in dict.fromkeys((file.scan, "Scan", "EScan", "IScan")):
        metres = file.number(section, "PixelWidth")
        if metres is not None:
            file.reading.number("pixel_size_um", scaled(metres, 1e6), f"{section}.PixelWidth")
    field = file.number(file.beam, "HFW")
    if field is not None and across:
        key = f"{file.beam}.HFW / Image.ResolutionX"
        file.reading.number("pixel_size_um", scaled(field / across, 1e6), key)


def _magnification(file: _File) -> None:
    """Width of the picture as displayed over the width of the field, as the data bar prints it.

    MagCanvasRealWidth is the width the software displays at (the Helios data bar prints the
    magnification of that one); older files have System.DisplayWidth only. Six digits, like HFW.
    """
    field = file.number(file.beam, "HFW") if file.beam in PARTICLE_BEAMS else None
    if not field:
        return
    for section, key in (("Image", "MagCanvasRealWidth"), ("System", "DisplayWidth")):
        shown = file.number(section, key)
        if shown is not None:
            source = f"{section}.{key} / {file.beam}.HFW"
            file.reading.number("magnification", float(f"{shown / field:.6g}"), source)


def _time(file: _File) -> None:
    """Acquisition time: TimeOfCreation (day first), else User.Date with User.Time (month first)."""
    for written, key, pattern in (
        (
            file.text("PrivateFei", "TimeOfCreation"),
            "PrivateFei.TimeOfCreation",
            "%d.%m.%Y %H:%M:%S",
        ),
        (
            f"{file.text('User', 'Date')} {file.text('User', 'Time')}".strip(),
            "User.Date, User.Time",
            # Only the American clock tells that the month comes first.
            "%m/%d/%Y %I:%M:%S %p",
        ),
    ):
        if written and file.reading.captured is None:
            file.reading.time(_moment(written, pattern), written, key)


def _moment(written: str, pattern: str) -> datetime | None:
    """The naive local time, or None when the text does not follow the pattern."""
    try:
        return datetime.strptime(written, pattern)  # noqa: DTZ007 - the file gives no zone
    except ValueError:
        return None  # noted as a problem by the caller
