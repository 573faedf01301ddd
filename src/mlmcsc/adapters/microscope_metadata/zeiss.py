"""Zeiss SmartSEM: text in TIFF tag 34118, a key line followed by a `Label = value unit` line."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

from mlmcsc.adapters.image_containers.container import Layout
from mlmcsc.adapters.image_containers.tiff_directory import Directory, decode_text
from mlmcsc.adapters.microscope_metadata.reading import Reading, clean, scaled
from mlmcsc.adapters.microscope_metadata.units import si_factor

TAG = 34118
FULL_WIDTH = 1024
"""AP_PIXEL_SIZE is the pixel of a scan this wide, whatever width was stored."""
AGREEMENT = 0.01

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_KEY = re.compile(r"(?:AP|DP|SV)_[A-Z0-9_]+")
_QUANTITY = re.compile(r"(\S+)\s*(.*)")

QUANTITIES = (
    ("working_distance_mm", "AP_WD", "m", 1e3),
    ("probe_current_pa", "AP_IPROBE", "A", 1e12),
    ("dwell_time_us", "DP_DWELL_TIME", "s", 1e6),
    ("scan_rotation_deg", "AP_SCANROTATION", "°", 1.0),
    ("aperture_um", "AP_APERTURESIZE", "m", 1e6),
    ("field_width_um", "AP_WIDTH", "m", 1e6),
    ("brightness_percent", "AP_BRIGHTNESS", "%", 1.0),
    ("contrast_percent", "AP_CONTRAST", "%", 1.0),
)
"""Setting, key, unit as written without prefix, factor from that unit to the setting's."""

STAGE = (
    ("x_mm", "AP_STAGE_AT_X", "m", 1e3),
    ("y_mm", "AP_STAGE_AT_Y", "m", 1e3),
    ("z_mm", "AP_STAGE_AT_Z", "m", 1e3),
    ("rotation_deg", "AP_STAGE_AT_R", "°", 1.0),
    ("tilt_deg", "AP_STAGE_AT_T", "°", 1.0),
)

TEXTS = (
    ("scan_speed", "DP_SCANRATE"),
    ("noise_reduction", "DP_NOISE_REDUCTION"),
    ("signal_mixing", "DP_MIXING"),
    ("vacuum_mode", "DP_VAC_MODE"),
    ("user_text", "SV_USER_TEXT"),
    ("sample_id", "SV_SAMPLE_ID"),
    ("original_file_name", "SV_FILE_NAME"),
    ("software", "SV_VERSION"),
)
"""Setting and key. SV_USER_NAME, SV_OPERATOR and SV_IMAGE_PATH name persons and are left out."""


def read(directory: Directory, layout: Layout) -> Reading | None:
    """Read tag 34118; None when the page has none."""
    if TAG not in directory:
        return None
    values = _parse(decode_text(directory.raw(TAG)))
    reading = Reading(f"Zeiss {TAG}")
    _pixel_size(reading, values, layout.width)
    magnification = _quantity(reading, values, "AP_MAG", "X")
    reading.number("magnification", magnification, "AP_MAG")
    voltage = _quantity(reading, values, "AP_ACTUALKV", "V")
    kilovolts = None if voltage is None else scaled(voltage, 1e-3)
    reading.number("accelerating_voltage_kv", kilovolts, "AP_ACTUALKV")
    reading.name("detector", values.get("DP_DETECTOR_CHANNEL"), "DP_DETECTOR_CHANNEL")
    serial = values.get("SV_SERIAL_NUMBER")
    reading.name("instrument", serial and f"Zeiss {serial}", "SV_SERIAL_NUMBER")
    _time(reading, values.get("AP_DATE", ""), values.get("AP_TIME", ""))
    for name, value in _scaled(reading, values, QUANTITIES).items():
        reading.setting(name, value)
    reading.setting("stage", {**_scaled(reading, values, STAGE)})
    for name, key in TEXTS:
        reading.setting(name, values.get(key))
    return reading


def _parse(text: str) -> dict[str, str]:
    """Key to value: the text behind the first `=` or `:` of the line after each key line."""
    lines = [line.strip() for line in text.splitlines()]
    values: dict[str, str] = {}
    for key, line in pairwise(lines):
        if _KEY.fullmatch(key):
            # A label may hold neither sign; times have `Time :8:20:42`, so the first sign counts.
            values.setdefault(key, re.split(r"[=:]", line, maxsplit=1)[-1].strip())
    return values


def _quantity(reading: Reading, values: dict[str, str], key: str, base: str) -> float | None:
    """The number under `key` in the unit `base`; a noted problem when it cannot be read."""
    match = _QUANTITY.fullmatch(values.get(key, ""))
    if not match:
        return None
    unit = match[2].strip().replace("Secs", "s")
    factor = si_factor(unit, base)
    if factor is None:
        reading.problems.append(f"{reading.tag} {key}: {clean(values[key], 60)!r} is not in {base}")
        return None
    number = reading.parse(match[1], key)
    return None if number is None else scaled(number, factor)


def _scaled(
    reading: Reading, values: dict[str, str], table: tuple[tuple[str, str, str, float], ...]
) -> dict[str, float]:
    """Every row of `table` that the file holds, in the setting's unit."""
    found = ((name, _quantity(reading, values, key, base), to) for name, key, base, to in table)
    return {name: scaled(value, to) for name, value, to in found if value is not None}


def _pixel_size(reading: Reading, values: dict[str, str], width: int) -> None:
    """AP_IMAGE_PIXEL_SIZE, else AP_PIXEL_SIZE corrected for the stored width."""
    stored = _quantity(reading, values, "AP_IMAGE_PIXEL_SIZE", "m")
    if stored is not None:
        reading.number("pixel_size_um", scaled(stored, 1e6), "AP_IMAGE_PIXEL_SIZE")
        return
    screen = _quantity(reading, values, "AP_PIXEL_SIZE", "m")
    if screen is None:
        return
    field = _quantity(reading, values, "AP_WIDTH", "m")
    metres = screen * FULL_WIDTH / width
    if width == FULL_WIDTH:
        reading.number("pixel_size_um", scaled(screen, 1e6), "AP_PIXEL_SIZE")
    elif field is not None and abs(field / width - metres) <= AGREEMENT * metres:
        key = f"AP_PIXEL_SIZE x {FULL_WIDTH} / {width} (image width), agrees with AP_WIDTH"
        reading.number("pixel_size_um", scaled(metres, 1e6), key)
    else:
        reading.unknown(
            "pixel_size_um",
            f"AP_PIXEL_SIZE holds for images {FULL_WIDTH} pixels wide, this one has {width}, "
            "and AP_WIDTH does not confirm a conversion",
        )


def _time(reading: Reading, date: str, time: str) -> None:
    """Acquisition time from `23 Dec 2015` and `9:40:32` (local time of the instrument)."""
    match = re.fullmatch(r"(\d{1,2}) (\w{3}) (\d{4}) (\d{1,2}):(\d{2}):(\d{2})", f"{date} {time}")
    moment = None
    if match and match[2].lower() in MONTHS:
        month = MONTHS.index(match[2].lower()) + 1
        try:
            moment = datetime(  # noqa: DTZ001 - the file gives no zone; the caller adds it
                int(match[3]), month, int(match[1]), int(match[4]), int(match[5]), int(match[6])
            )
        except ValueError:
            moment = None  # 31 Feb and the like: noted as a problem by `time`
    reading.time(moment, f"{date} {time}".strip(), "AP_DATE, AP_TIME")
