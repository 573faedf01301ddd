"""What the instrument wrote into the file: calibration, detector, voltage, time.

Sources in order of trust; the first that knows a value gives it, and a later one that contradicts
it is noted under `metadata_problems`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.microscope_metadata import exif, fei, imagej, olympus, ome, zeiss
from mlmcsc.adapters.microscope_metadata.reading import Reading
from mlmcsc.domain.image_facts import JSON

AGREEMENT = 0.01
"""Two sources may differ by this share before it counts as a contradiction."""

FIRST_PAGE_VENDORS = (zeiss.read, fei.read, ome.read, imagej.read)


@dataclass(frozen=True, slots=True)
class Metadata:
    """All sources of one file merged; see `ImageFacts` for the fields."""

    captured_at: datetime | None
    pixel_size_um: float | None
    magnification: float | None
    detector: str | None
    accelerating_voltage_kv: float | None
    instrument: str | None
    sources: Mapping[str, str]
    settings: Mapping[str, JSON]


def read_metadata(container: Container, instrument_timezone: tzinfo) -> Metadata:
    """Read and merge every metadata source of an image file.

    Args:
        container: The file's structure.
        instrument_timezone: Zone of the instrument's clock, for times written without one.

    Raises:
        ImageFileError: When a TIFF is cut off inside its metadata.
    """
    merged = Reading("merged")
    for reading in _readings(container):
        _merge(merged, reading)
    captured = _to_utc(merged, instrument_timezone)
    if merged.problems:
        merged.settings["metadata_problems"] = [*merged.problems]
    return Metadata(
        captured_at=captured,
        pixel_size_um=merged.numbers.get("pixel_size_um"),
        magnification=merged.numbers.get("magnification"),
        detector=merged.names.get("detector"),
        accelerating_voltage_kv=merged.numbers.get("accelerating_voltage_kv"),
        instrument=merged.names.get("instrument"),
        sources=merged.reasons | merged.sources,
        settings=merged.settings,
    )


def _readings(container: Container) -> Iterator[Reading]:
    """Every source that the file holds, the most trusted first."""
    if container.format == "tiff":
        for read in FIRST_PAGE_VENDORS:
            reading = read(container.directories[0], container.pages[0])
            if reading is not None:
                yield reading
    camera = exif.read(container)
    if camera is not None:
        yield camera
    if container.format == "tiff":
        # Olympus puts its block on the page with the raw counts, beside an RGB page of equal size.
        first = container.pages[0]
        for directory, layout in zip(container.directories, container.pages, strict=False):
            same = (layout.width, layout.height) == (first.width, first.height)
            block = olympus.read(directory, layout) if same else None
            if block is not None:
                yield block


def _merge(merged: Reading, reading: Reading) -> None:
    """Add what `reading` knows and `merged` does not; note contradictions."""
    for name, number in reading.numbers.items():
        known = merged.numbers.setdefault(name, number)
        if not math.isclose(known, number, rel_tol=AGREEMENT):
            merged.problems.append(
                f"{name}: {known} from {merged.sources[name]}, but {number} from "
                f"{reading.sources[name]}"
            )
    for name, text in reading.names.items():
        merged.names.setdefault(name, text)
    if merged.captured is None and reading.captured is not None:
        merged.captured = reading.captured
        # The text as written belongs to the time that was taken.
        merged.settings.pop("captured_at_as_written", None)
    for mine, theirs in (
        (merged.sources, reading.sources),
        (merged.reasons, reading.reasons),
    ):
        for name, text in theirs.items():
            mine.setdefault(name, text)
    for name, value in reading.settings.items():
        merged.settings.setdefault(name, value)
    merged.problems.extend(reading.problems)


def _to_utc(merged: Reading, zone: tzinfo) -> datetime | None:
    """The acquisition time in UTC; a naive time is the instrument's local time."""
    moment = merged.captured
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        merged.problems.append(f"captured_at {moment}: no time in UTC: {error}")
        del merged.sources["captured_at"]
        return None
