"""OME-XML in ImageDescription (OME data model 2016-06)."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as ET

from mlmcsc.adapters.image_containers.container import Layout
from mlmcsc.adapters.image_containers.tiff_directory import Directory
from mlmcsc.adapters.microscope_metadata.reading import Reading, clean, scaled
from mlmcsc.adapters.microscope_metadata.units import micrometres

DESCRIPTION = 270
TAG = "OME-XML 270"


def read(directory: Directory, layout: Layout) -> Reading | None:  # noqa: ARG001 - one signature for all vendors
    """Read the first image of the OME document; None when the page has no OME-XML.

    A document with a DOCTYPE is not parsed: OME-XML has none, and entities are declared there
    (billion laughs, external entities).
    """
    text = directory.text(DESCRIPTION) or ""
    if not re.search(r"<(\w+:)?OME[\s>]", text[:4096]):
        return None
    reading = Reading(TAG)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        reading.problems.append(f"{TAG}: not read, it declares a DOCTYPE or entities")
        return reading
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities cannot be declared, see above
    except ET.ParseError as error:
        reading.problems.append(f"{TAG}: not read, no well-formed XML: {error}")
        return reading
    image = root.find("{*}Image")
    if image is None:
        reading.problems.append(f"{TAG}: holds no Image (a companion file may)")
        return reading
    _read_image(reading, root, image)
    return reading


def _read_image(reading: Reading, root: ET.Element, image: ET.Element) -> None:
    """Collect from the Image element and what it refers to."""
    pixels = image.find("{*}Pixels")
    if pixels is not None:
        _pixel_size(reading, pixels)
    objective = _referred(root, image.find("{*}ObjectiveSettings"), "Objective")
    for key in ("CalibratedMagnification", "NominalMagnification"):
        value = reading.parse(objective.get(key), f"Objective {key}")
        reading.number("magnification", value, f"Objective {key}")
    numerical_aperture = reading.parse(objective.get("LensNA"), "Objective LensNA")
    reading.setting("objective_na", numerical_aperture)
    reading.setting("objective", objective.get("Model"))
    detector = _referred(root, image.find(".//{*}DetectorSettings"), "Detector")
    for key in ("Model", "Type"):
        reading.name("detector", detector.get(key), f"Detector {key}")
    microscope = root.find(".//{*}Microscope")
    if microscope is not None:
        names = [microscope.get(key, "") for key in ("Manufacturer", "Model")]
        reading.name("instrument", " ".join(names), "Microscope Manufacturer, Model")
    written = image.findtext("{*}AcquisitionDate", "").strip()
    reading.time(_moment(written), written, "AcquisitionDate")


def _pixel_size(reading: Reading, pixels: ET.Element) -> None:
    """PhysicalSizeX with its unit; the schema's default unit is the micrometre."""
    for axis, keep in (("X", "pixel_size_um"), ("Y", "pixel_height_um")):
        key = f"PhysicalSize{axis}"
        size = reading.parse(pixels.get(key), key)
        if size is None:
            continue
        unit = pixels.get(f"{key}Unit", "µm")
        length = micrometres(unit)
        if length is None:
            reading.unknown(keep, f"{key}Unit {clean(unit, 40)!r} is no known length")
        elif axis == "X":
            reading.number(keep, scaled(size, length), f"{key} ({unit})")
        elif scaled(size, length) != reading.numbers.get("pixel_size_um"):
            reading.setting(keep, scaled(size, length))


def _referred(root: ET.Element, settings: ET.Element | None, kind: str) -> ET.Element:
    """The element that the image's settings name by ID, else the only one of its kind.

    An empty element when there is none, or several and no reference: guessing would invent.
    """
    known = root.findall(f".//{{*}}Instrument/{{*}}{kind}")
    if settings is not None:
        known = [element for element in known if element.get("ID") == settings.get("ID")]
    return known[0] if len(known) == 1 else ET.Element(kind)


def _moment(written: str) -> datetime | None:
    """xsd:dateTime, aware when it carries a zone."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None  # noted as a problem by `Reading.time`
