"""Instrument metadata beyond the real files: units, fallbacks, damage, contradictions."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.images import read_facts
from mlmcsc.adapters.microscope_metadata.units import micrometres

ZEISS, FEI = 34118, 34682


def zeiss(**values):
    """SmartSEM text: AP_WD="WD = 3.9 mm" becomes two lines."""
    return ZEISS, "0\r\n0\r\n" + "".join(f"{key}\r\n{line}\r\n" for key, line in values.items())


def fei(**sections):
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key}={value}" for key, value in values.items()), ""]
    return FEI, "\r\n".join(lines)


def test_zeiss_image_pixel_size_holds_at_any_width(tiff):
    tag = zeiss(
        AP_PIXEL_SIZE="Pixel Size = 10.00 nm", AP_IMAGE_PIXEL_SIZE="Image Pixel Size = 5.000 nm"
    )
    assert tiff(tag, width=2048).pixel_size_um == 0.005


def test_zeiss_pixel_size_holds_at_1024_pixels(tiff):
    facts = tiff(zeiss(AP_PIXEL_SIZE="Pixel Size = 10.00 nm"))
    assert facts.pixel_size_um == 0.01
    assert facts.sources["pixel_size_um"] == "Zeiss 34118 AP_PIXEL_SIZE"


def test_zeiss_pixel_size_is_not_guessed_at_another_width(tiff):
    facts = tiff(zeiss(AP_PIXEL_SIZE="Pixel Size = 10.00 nm"), width=2048)
    assert facts.pixel_size_um is None
    assert "this one has 2048" in facts.sources["pixel_size_um"]


def test_zeiss_width_that_contradicts_the_conversion_prevents_it(tiff):
    tag = zeiss(AP_PIXEL_SIZE="Pixel Size = 10.00 nm", AP_WIDTH="Width = 5.12 µm")
    assert tiff(tag, width=2048).pixel_size_um is None


@pytest.mark.parametrize(
    ("line", "value"), [("Mag =  50.00 K X", 50_000.0), ("Mag = 105 X", 105.0)]
)
def test_zeiss_magnification_is_read_with_its_prefix(tiff, line, value):
    assert tiff(zeiss(AP_MAG=line)).magnification == value


@pytest.mark.parametrize(("line", "value"), [("EHT = 500 V", 0.5), ("EHT = 20.00 kV", 20.0)])
def test_zeiss_voltage_is_read_in_either_unit(tiff, line, value):
    assert tiff(zeiss(AP_ACTUALKV=line)).accelerating_voltage_kv == value


@pytest.mark.parametrize("line", ["WD = 3.9 furlong", "WD = nan mm", "WD = 1e999 mm", "WD = -- mm"])
def test_zeiss_damaged_quantity_is_reported_and_left_out(tiff, line):
    settings = tiff(zeiss(AP_WD=line)).acquisition_settings
    assert "working_distance_mm" not in settings
    assert len(settings["metadata_problems"]) == 1
    assert "AP_WD" in settings["metadata_problems"][0]


def test_zeiss_impossible_date_is_reported(tiff):
    facts = tiff(zeiss(AP_DATE="Date :31 Feb 2015", AP_TIME="Time :9:40:32"))
    assert facts.captured_at is None
    assert facts.acquisition_settings["captured_at_as_written"] == "31 Feb 2015 9:40:32"
    assert "is not a clear time" in facts.acquisition_settings["metadata_problems"][0]


def test_names_of_people_never_leave_the_file(tiff):
    facts = tiff(
        zeiss(
            SV_USER_NAME="User Name = MUSTERMANN",
            SV_OPERATOR="Operator = MUSTERMANN",
            SV_IMAGE_PATH="Images = d:\\MUSTERMANN",
        ),
        fei(User={"User": "MUSTERMANN", "UserText": "batch 7"}),
        (315, "MUSTERMANN"),
        (33432, "MUSTERMANN"),
    )
    assert "MUSTERMANN" not in repr(facts)
    assert facts.acquisition_settings["user_text"] == "batch 7"


def test_fei_tiny_pixel_is_not_rounded_away(tiff):
    tag = fei(Beam={"Beam": "EBeam", "Scan": "EScan"}, EScan={"PixelWidth": "3.21e-12"})
    facts = tiff(tag)
    assert facts.pixel_size_um == 3.21e-06
    assert facts.sources["pixel_size_um"] == "FEI 34682 EScan.PixelWidth"


def test_fei_damaged_scan_falls_back_to_the_common_section(tiff):
    beam, scans = {"Beam": "EBeam", "Scan": "EScan"}, {"PixelWidth": "2e-09"}
    facts = tiff(fei(Beam=beam, EScan={"PixelWidth": "1,5e-9"}, Scan=scans))
    assert facts.pixel_size_um == 0.002
    assert facts.sources["pixel_size_um"] == "FEI 34682 Scan.PixelWidth"
    problems = facts.acquisition_settings["metadata_problems"]
    assert problems == ["FEI 34682 EScan.PixelWidth: '1,5e-9' is not a number"]


def test_fei_pixel_size_is_not_claimed_for_a_resized_picture(tiff):
    facts = tiff(fei(Image={"ResolutionX": 2048}, Scan={"PixelWidth": "2e-09"}), width=1024)
    assert facts.pixel_size_um is None
    assert "resized or cropped" in facts.sources["pixel_size_um"]


@pytest.mark.parametrize(
    ("sections", "magnification", "source"),
    [
        (
            {"Image": {"MagCanvasRealWidth": 0.2}, "System": {"DisplayWidth": 0.5}},
            1000.0,
            "FEI 34682 Image.MagCanvasRealWidth / EBeam.HFW",
        ),
        ({"System": {"DisplayWidth": 0.5}}, 2500.0, "FEI 34682 System.DisplayWidth / EBeam.HFW"),
        ({}, None, None),
    ],
)
def test_fei_magnification_needs_display_and_field_width(tiff, sections, magnification, source):
    facts = tiff(fei(Beam={"Beam": "EBeam"}, EBeam={"HFW": 0.0002}, **sections))
    assert facts.magnification == magnification
    assert facts.sources.get("magnification") == source


@pytest.mark.parametrize("width", [0, -1, "nan", "inf"])
def test_fei_impossible_numbers_become_no_facts(tiff, width):
    tag = fei(Beam={"Beam": "EBeam"}, Scan={"PixelWidth": width}, EBeam={"HFW": width})
    facts = tiff(tag)
    assert (facts.pixel_size_um, facts.magnification) == (None, None)
    assert facts.acquisition_settings["metadata_problems"]


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("06/13/2016", "05:06:40 PM", datetime(2016, 6, 13, 17, 6, 40, tzinfo=UTC)),
        ("05/06/2016", "17:06:40", None),  # 5 June or 6 May: nothing says which
    ],
)
def test_fei_user_date_is_taken_only_when_it_is_clear(tiff, date, time, expected):
    assert tiff(fei(User={"Date": date, "Time": time})).captured_at == expected


@pytest.mark.parametrize(
    ("unit", "per_unit", "size"),
    [
        ("micron", 4, 0.25),
        ("um", 4, 0.25),
        ("\\u00B5m", 4, 0.25),
        ("nm", (1, 2), 0.002),
        ("mm", 100, 10.0),
        ("cm", 1000, 10.0),
        ("inch", 2540, 10.0),
    ],
)
def test_imagej_unit_and_resolution_give_the_pixel_size(tiff, unit, per_unit, size):
    ratio = per_unit if isinstance(per_unit, tuple) else (per_unit, 1)
    facts = tiff(
        description=f"ImageJ=1.54f\nunit={unit}\n", resolution=(ratio, ratio), resolutionunit=1
    )
    assert facts.pixel_size_um == pytest.approx(size, rel=1e-9)


@pytest.mark.parametrize(("unit", "per_unit"), [("pixel", 4), ("inch", 72), ("parsec", 4)])
def test_imagej_calibration_that_is_none_is_not_taken(tiff, unit, per_unit):
    facts = tiff(description=f"ImageJ=1.54f\nunit={unit}\n", resolution=(per_unit, per_unit))
    assert facts.pixel_size_um is None


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("µm", 1), ("μm", 1), ("Micron", 1), ("NM", 1e-3), ("mm", 1e3), ("cm", 1e4), ("inch", 25_400)],
)
def test_units_are_known_however_they_are_written(unit, factor):
    assert micrometres(unit) == factor


@pytest.mark.parametrize("dpi", [72, 300])
def test_plain_resolution_is_no_calibration(tiff, dpi):
    facts = tiff(resolution=(dpi, dpi), resolutionunit="INCH")
    assert facts.pixel_size_um is None
    assert facts.acquisition_settings["print_resolution_per_inch"] == [dpi, dpi]


def test_contradicting_sources_are_reported_and_the_vendor_counts(tiff):
    facts = tiff(
        zeiss(AP_IMAGE_PIXEL_SIZE="Image Pixel Size = 5.000 nm"),
        description="ImageJ=1.54f\nunit=nm\n",
        resolution=(1, 1),
    )
    assert facts.pixel_size_um == 0.005
    (problem,) = facts.acquisition_settings["metadata_problems"]
    vendor, other = problem.split(", but ")
    assert vendor == "pixel_size_um: 0.005 from Zeiss 34118 AP_IMAGE_PIXEL_SIZE"
    assert other == "0.001 from ImageJ 270 unit=nm, 282 XResolution"


def test_text_is_cleaned_for_any_database(tiff):
    facts = tiff(fei(User={"UserText": "heat\x01 A\x7f7"}, Detectors={"Name": "x" * 300}))
    assert facts.acquisition_settings["user_text"] == "heat A7"
    assert facts.detector is None
    assert "300 characters" in facts.acquisition_settings["metadata_problems"][0]


def test_olympus_block_of_another_kind_is_reported(tmp_path):
    path = tmp_path / "sis.tif"
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), extratags=[(33560, 4, 1, 8, True)],
                     metadata=None)  # fmt: skip
    facts = read_facts(path)
    assert "not b'SIS0'" in facts.acquisition_settings["metadata_problems"][0]


@settings(max_examples=150, deadline=None)
@given(
    vendor=st.sampled_from([ZEISS, FEI]),
    text=st.text(st.characters(codec="cp1252"), max_size=80),
    number=st.sampled_from(["1e400", "-1", "nan", "0", "1e-400", "\uff15", "1_0", "", "7"]),
)
def test_any_vendor_text_gives_json_without_nan(tmp_path_factory, vendor, text, number):
    path = tmp_path_factory.getbasetemp() / "any.tif"
    lines = f"[Scan]\nPixelWidth={number}\n[{text}]\nAP_WD\n{text} = {number} mm\n{text}\n"
    lines += f"AP_IMAGE_PIXEL_SIZE\nx = {number} nm\n"
    value = lines.encode("cp1252", "replace")
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), extratags=[(vendor, 2, 0, value, True)],
                     metadata=None)  # fmt: skip
    facts = read_facts(path)
    json.dumps(dict(facts.acquisition_settings), allow_nan=False)
    expected = {ZEISS: 0.007, FEI: 7e6}[vendor] if number == "7" else None
    assert facts.pixel_size_um == expected
