"""OME-XML and EXIF: references, units, zones, damage."""

import struct
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import tifffile
from PIL import Image

from mlmcsc.adapters.images import read_facts
from mlmcsc.errors import ImageFileError

OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Instrument ID="Instrument:0">
    <Microscope Manufacturer="Olympus" Model="BX53"/>
    <Detector ID="Detector:0" Model="DP74" Type="CMOS"/>
    <Detector ID="Detector:1" Model="other"/>
    <Objective ID="Objective:0" NominalMagnification="10"/>
    <Objective ID="Objective:1" NominalMagnification="50" {calibrated} LensNA="0.8"/>
  </Instrument>
  <Image ID="Image:0">
    <AcquisitionDate>{date}</AcquisitionDate>
    <ObjectiveSettings ID="Objective:1"/>
    <Pixels ID="Pixels:0" Type="uint8" SizeX="8" SizeY="8" PhysicalSizeX="{size}" {unit}>
      <Channel ID="Channel:0"><DetectorSettings ID="Detector:0"/></Channel>
    </Pixels>
  </Image>
</OME>"""


def ome(size="0.5", unit="", calibrated="", date="2024-05-06T07:08:09"):
    # tifffile takes no other text than ASCII as str
    return OME.format(size=size, unit=unit, calibrated=calibrated, date=date).encode()


def test_ome_values_follow_the_references_of_the_image(tiff):
    facts = tiff(description=ome())
    assert facts.pixel_size_um == 0.5
    assert facts.magnification == 50.0
    assert facts.detector == "DP74"
    assert facts.instrument == "Olympus BX53"
    assert facts.captured_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert facts.acquisition_settings["objective_na"] == 0.8
    assert facts.sources["pixel_size_um"] == "OME-XML 270 PhysicalSizeX (µm)"


@pytest.mark.parametrize(("unit", "size"), [("nm", 0.0005), ("mm", 500.0), ("cm", 5000.0)])
def test_ome_unit_is_converted(tiff, unit, size):
    assert tiff(description=ome(unit=f'PhysicalSizeXUnit="{unit}"')).pixel_size_um == size


def test_ome_reference_frame_is_no_length(tiff):
    facts = tiff(description=ome(unit='PhysicalSizeXUnit="reference frame"'))
    assert facts.pixel_size_um is None
    assert "'reference frame' is no known length" in facts.sources["pixel_size_um"]


def test_ome_calibrated_magnification_is_preferred(tiff):
    facts = tiff(description=ome(calibrated='CalibratedMagnification="49.3"'))
    assert facts.magnification == 49.3


@pytest.mark.parametrize(
    ("date", "hour"), [("2024-05-06T07:08:09Z", 7), ("2024-05-06T07:08:09+02:00", 5),
                       ("2024-05-06T07:08:09", 11)],
)  # fmt: skip
def test_a_time_with_a_zone_keeps_it_and_one_without_is_the_instruments(tiff, date, hour):
    new_york = {"instrument_timezone": ZoneInfo("America/New_York")}
    facts = tiff(description=ome(date=date), read_options=new_york)
    assert facts.captured_at == datetime(2024, 5, 6, hour, 8, 9, tzinfo=UTC)


def test_ome_with_entities_is_not_parsed(tiff):
    bomb = b'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaa">]><OME>&a;</OME>'
    facts = tiff(description=bomb)
    problems = facts.acquisition_settings["metadata_problems"]
    assert problems == ["OME-XML 270: not read, it declares a DOCTYPE or entities"]


def test_ome_that_is_no_xml_is_reported(tiff):
    facts = tiff(description=b"<OME><Image></OME>")
    assert "no well-formed XML" in facts.acquisition_settings["metadata_problems"][0]


def test_ome_file_written_by_tifffile_is_read(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        np.zeros((2, 8, 8), np.uint16),
        metadata={"axes": "ZYX", "PhysicalSizeX": 65, "PhysicalSizeXUnit": "nm"},
    )
    facts = read_facts(tmp_path / "a.ome.tif")
    assert (facts.pixel_size_um, facts.pages, facts.bit_depth) == (0.065, 2, 16)


def camera_file(tmp_path, main=None, camera=None, suffix="jpg"):
    """A small picture with these EXIF tags, main and camera part."""
    path = tmp_path / f"camera.{suffix}"
    picture = Image.new("L", (16, 16))
    if suffix == "tif":  # Pillow writes the camera part of a TIFF from `tiffinfo` only
        picture.save(path, tiffinfo={**(main or {}), 0x8769: camera})
    else:
        exif = Image.Exif()
        exif.update(main or {})
        exif.get_ifd(0x8769).update(camera or {})
        picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_exif_time_has_its_zone_and_fraction(tmp_path, suffix):
    camera = {36867: "2024:07:01 12:00:00", 36881: "+02:00", 37521: "25", 34855: 100}
    facts = read_facts(camera_file(tmp_path, {271: "Leica", 272: "DMC 5400"}, camera, suffix))
    assert facts.captured_at == datetime(2024, 7, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert facts.sources["captured_at"] == "EXIF 36867 DateTimeOriginal"
    assert facts.acquisition_settings["captured_at_as_written"] == "2024:07:01 12:00:00 +02:00"
    assert facts.instrument == "Leica DMC 5400"
    assert facts.acquisition_settings["iso_speed"] == 100


def test_exif_time_of_saving_is_no_acquisition_time(tmp_path):
    assert read_facts(camera_file(tmp_path, {306: "2024:07:01 12:00:00"})).captured_at is None


NO_TIMES = ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "0001:01:01 00:00:00"]


@pytest.mark.parametrize("text", [*NO_TIMES, "1899:12:31 23:59:59"])
def test_exif_time_that_is_none_is_kept_as_written(tmp_path, text):
    facts = read_facts(camera_file(tmp_path, camera={36867: text}))
    assert facts.captured_at is None
    assert facts.acquisition_settings["captured_at_as_written"] == text.strip()


def test_a_time_that_has_no_utc_is_reported(tmp_path):
    path = camera_file(tmp_path, camera={36867: "9999:12:31 23:00:00", 36881: "-10:00"})
    facts = read_facts(path)
    assert facts.captured_at is None
    assert "captured_at" not in facts.sources
    assert "no time in UTC" in facts.acquisition_settings["metadata_problems"][0]


def test_a_damaged_exif_block_is_reported_and_the_picture_still_read(tmp_path):
    path = camera_file(tmp_path, {271: "Leica"})
    content = bytearray(path.read_bytes())
    start = content.index(b"Exif\x00\x00") + 6
    content[start + 4 : start + 8] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    facts = read_facts(path)
    assert facts.width == 16
    assert "EXIF not read" in facts.acquisition_settings["metadata_problems"][0]


def test_a_tiff_cut_off_inside_its_exif_part_is_refused(tmp_path):
    path = tmp_path / "exif.tif"
    pointer = [(65000, 4, 1, 100_000, True)]
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), metadata=None, extratags=pointer)
    content = path.read_bytes().replace(struct.pack("<H", 65000), struct.pack("<H", 34665))
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match="cut off"):
        read_facts(path)
