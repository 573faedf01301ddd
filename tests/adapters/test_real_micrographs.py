"""Every real file, with the values that its tags hold (checked by hand, see the notes)."""

import hashlib
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mlmcsc.adapters.images import read_facts, read_pixels

HELIOS = 'FEI Helios NanoLab" 660'
E_BEAM = {
    "format": "tiff",
    "width": 512,
    "height": 471,
    "channels": 1,
    "pages": 1,
    # Data bar of the picture: HFW 1.73 mm, mag 120 x, 5.00 kV, WD 4.0 mm, 6.3 pA, det ETD.
    # (System.DisplayWidth / HFW would be 300 x: not what the bar says.)
    "pixel_size_um": 3.3724,
    "magnification": 120.0,
    "accelerating_voltage_kv": 5.0,
    "detector": "ETD",
    "instrument": HELIOS,
    "captured_at": datetime(2016, 6, 13, 17, 6, 40, tzinfo=UTC),
    "fingerprint": None,  # the picture is black but for its data bar
}
NAVCAM = {
    "format": "tiff",
    "width": 768,
    "height": 551,
    "channels": 1,
    "bit_depth": 8,
    "pages": 1,
    "magnification": None,
    "accelerating_voltage_kv": None,
    "detector": "Nav-Cam",
    "instrument": HELIOS,
    "captured_at": datetime(2022, 5, 17, 9, 7, 8, tzinfo=UTC),
    "fingerprint": None,  # all zero
}
PLAIN = {
    "pages": 1,
    "bit_depth": 8,
    "captured_at": None,
    "pixel_size_um": None,
    "magnification": None,
    "detector": None,
    "accelerating_voltage_kv": None,
    "instrument": None,
}
EXPECTED = {
    "FEI-Helios-Ebeam-8bits.tif": {**E_BEAM, "bit_depth": 8},
    "FEI-Helios-Ebeam-16bits.tif": {**E_BEAM, "bit_depth": 16},
    # IRBeam.HFW 0.202732 m over 768 pixels
    "FEI-Helios-navcam.tif": {**NAVCAM, "pixel_size_um": 263.973958333},
    "FEI-Helios-navcam-with-no-IRBeam.tif": {**NAVCAM, "pixel_size_um": None},
    "FEI-Helios-navcam-with-no-IRBeam-bad-floats.tif": {**NAVCAM, "pixel_size_um": None},
    "test_tiff_Zeiss_SEM_1k.tif": {
        "format": "tiff",
        "width": 1024,
        "height": 768,
        "channels": 1,
        "bit_depth": 8,
        "pages": 1,
        "pixel_size_um": 2.615,
        "magnification": 105.0,
        "accelerating_voltage_kv": 25.0,
        "detector": "HE-SE2",
        "instrument": "Zeiss Merlin-61-08",
        "captured_at": datetime(2015, 12, 23, 9, 40, 32, tzinfo=UTC),
    },
    "test_tiff_Zeiss_SEM_512pix.tif": {
        "format": "tiff",
        "width": 512,
        "height": 384,
        "channels": 1,
        "bit_depth": 8,
        "pages": 1,
        # The bar of 200 nm is 17 pixels long: 11.65 nm, twice the 5.825 nm of AP_PIXEL_SIZE.
        "pixel_size_um": 0.01165,
        "magnification": 50_000.0,
        "accelerating_voltage_kv": 5.0,
        "detector": "InLens",
        "instrument": "Zeiss ULTRA 55-36-06",
        "captured_at": datetime(2018, 9, 25, 8, 20, 42, tzinfo=UTC),
    },
    "olympus_SIS.tif": {
        "format": "tiff",
        "width": 112,
        "height": 101,
        "channels": 3,
        "bit_depth": 8,
        "pages": 2,
        "pixel_size_um": 2.39279177588e-05,
        "magnification": 600_000.0,
        "accelerating_voltage_kv": None,
        "detector": None,
        "instrument": "Olympus Soft Imaging Solutions Quemesa",
        "captured_at": datetime(2018, 11, 15, 19, 42, 33, tzinfo=UTC),
    },
    "imagej_calibrated.tif": {
        **PLAIN,
        "format": "tiff",
        "width": 68,
        "height": 68,
        "channels": 1,
        "bit_depth": 32,
        "pixel_size_um": 0.168674710989,  # 1000000 / 5928571 micron
    },
    "brick.png": {**PLAIN, "format": "png", "width": 512, "height": 512, "channels": 1},
    "gravel.png": {**PLAIN, "format": "png", "width": 512, "height": 512, "channels": 1},
    "cell.png": {**PLAIN, "format": "png", "width": 550, "height": 660, "channels": 1},
    "microaneurysms.png": {**PLAIN, "format": "png", "width": 102, "height": 102, "channels": 1},
    "ihc.png": {**PLAIN, "format": "png", "width": 512, "height": 512, "channels": 3},
    "retina.jpg": {**PLAIN, "format": "jpeg", "width": 1411, "height": 1411, "channels": 3},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_file_gives_the_values_of_its_tags(micrographs, name):
    facts = read_facts(micrographs / name)
    expected = EXPECTED[name]
    assert {field: getattr(facts, field) for field in expected} == expected


def test_every_real_file_is_covered(micrographs):
    assert {path.name for path in micrographs.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_hash_size_and_path_are_the_files_own(micrographs, name):
    path = micrographs / name
    facts = read_facts(path, fingerprint=False)
    content = path.read_bytes()
    assert facts.content_hash == hashlib.sha256(content).hexdigest()
    assert facts.hash_algorithm == "sha256"
    assert facts.file_size == len(content)
    assert facts.mtime_ns == path.stat().st_mtime_ns
    assert (facts.path, facts.filename) == (str(path), name)


@pytest.mark.parametrize("name", EXPECTED)
def test_pixels_have_the_shape_and_depth_of_the_facts(micrographs, name):
    facts, pixels = (
        read_facts(micrographs / name, fingerprint=False),
        read_pixels(micrographs / name),
    )
    colour = (3,) if facts.channels == 3 else ()
    assert pixels.shape == (facts.height, facts.width, *colour)
    assert pixels.dtype == {8: "uint8", 16: "uint16", 32: "float32"}[facts.bit_depth]


@pytest.mark.parametrize("name", EXPECTED)
def test_settings_are_json_without_nan_and_without_names_of_people(micrographs, name):
    facts = read_facts(micrographs / name, fingerprint=False)
    text = json.dumps([facts.acquisition_settings, facts.sources], allow_nan=False)
    for person in ("supervisor", "LIM", "LIBERATO", "Liberato", "joven", "THU", "Eric"):
        assert person not in text


def test_every_typed_value_names_the_tag_it_came_from(micrographs):
    facts = read_facts(micrographs / "test_tiff_Zeiss_SEM_512pix.tif", fingerprint=False)
    assert facts.sources == {
        "pixel_size_um": "Zeiss 34118 AP_PIXEL_SIZE x 1024 / 512 (image width), "
        "agrees with AP_WIDTH",
        "magnification": "Zeiss 34118 AP_MAG",
        "accelerating_voltage_kv": "Zeiss 34118 AP_ACTUALKV",
        "detector": "Zeiss 34118 DP_DETECTOR_CHANNEL",
        "instrument": "Zeiss 34118 SV_SERIAL_NUMBER",
        "captured_at": "Zeiss 34118 AP_DATE, AP_TIME",
    }


def test_image_pixel_size_is_preferred_to_pixel_size(micrographs):
    facts = read_facts(micrographs / "test_tiff_Zeiss_SEM_1k.tif", fingerprint=False)
    assert facts.sources["pixel_size_um"] == "Zeiss 34118 AP_IMAGE_PIXEL_SIZE"


def test_damaged_numbers_are_reported_and_nothing_is_invented(micrographs):
    name = "FEI-Helios-navcam-with-no-IRBeam-bad-floats.tif"
    settings = read_facts(micrographs / name, fingerprint=False).acquisition_settings
    assert settings["metadata_problems"] == [
        "FEI 34682 Beam.HV: 'notafloat' is not a number",
        "FEI 34682 Stage.WorkingDistance: 'notafloat' is not a number",
    ]
    assert "working_distance_mm" not in settings


def test_useful_settings_are_kept_in_handy_units(micrographs):
    fei = read_facts(micrographs / "FEI-Helios-Ebeam-8bits.tif").acquisition_settings
    assert fei["working_distance_mm"] == 4.03466
    assert fei["probe_current_pa"] == 6.25
    assert fei["dwell_time_us"] == 10.0
    assert fei["user_text"] == "Helios E-Beam"
    assert fei["captured_at_as_written"] == "13.06.2016 17:06:40"
    assert fei["stage"]["rotation_deg"] == pytest.approx(-135.281, abs=1e-3)
    zeiss = read_facts(micrographs / "test_tiff_Zeiss_SEM_1k.tif").acquisition_settings
    assert zeiss["probe_current_pa"] == 1000.0
    assert zeiss["stage"] == {
        "x_mm": 75.6442, "y_mm": 60.4901, "z_mm": 25.193, "rotation_deg": 10.2, "tilt_deg": 0.0,
    }  # fmt: skip


def test_print_resolution_is_a_hint_and_no_pixel_size(micrographs):
    facts = read_facts(micrographs / "FEI-Helios-navcam-with-no-IRBeam.tif")
    assert facts.acquisition_settings["print_resolution_per_inch"] == [96.0, 96.0]
    assert facts.pixel_size_um is None


def test_clock_of_the_instrument_is_converted_to_utc(micrographs):
    facts = read_facts(
        micrographs / "test_tiff_Zeiss_SEM_1k.tif", instrument_timezone=ZoneInfo("Asia/Seoul")
    )
    assert facts.captured_at == datetime(2015, 12, 23, 0, 40, 32, tzinfo=UTC)
    assert facts.acquisition_settings["captured_at_as_written"] == "23 Dec 2015 9:40:32"


def test_second_page_of_the_olympus_file_keeps_its_raw_counts(micrographs):
    pixels = read_pixels(micrographs / "olympus_SIS.tif", page=1)
    assert (pixels.shape, pixels.dtype) == ((101, 112), "uint16")
