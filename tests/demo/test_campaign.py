import csv
import re
from datetime import datetime
from itertools import islice

import numpy as np
import pytest
import tifffile
from PIL import Image

from mlmcsc.demo.campaign import TRUTH_FILE, draw_campaign, write_campaign
from mlmcsc.errors import ValidationError

DATE_TIME_ORIGINAL = (0x8769, 0x9003)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    return folder, write_campaign(folder, seed=2, specimens=8, images_per_specimen=2)


def test_every_image_of_a_specimen_shows_the_same_fracture_in_another_light(campaign):
    views = [one for one in campaign.images if one.specimen.specimen_id == "SPEC_A03"]

    assert [one.number for one in views] == [1, 2, 3, 4, 5]
    assert len({one.surface.true_sfa for one in views}) == 1
    assert len({one.view for one in views}) == 5
    assert len({one.surface.pixels.tobytes() for one in views}) == 5


def test_the_truth_of_an_image_is_its_specimens(campaign):
    for one in campaign.images:
        assert one.surface.true_sfa == pytest.approx(one.specimen.sfa, abs=1e-4)


def test_no_bar_touches_the_edge_of_its_picture(campaign):
    for one in campaign.images:
        ligament = one.surface.ligament
        assert not ligament[:, [0, -1]].any()
        assert not ligament[[0, -1]].any()


def test_filenames_tell_specimen_temperature_and_view(campaign):
    names = [one.filename for one in campaign.images]

    assert all(re.fullmatch(r"SPEC_[AB]\d\d_-?\d+C_view[1-5]\.(jpg|png|tif)", n) for n in names)
    assert len(set(names)) == len(names) == 60


def test_more_views_leave_the_earlier_ones_as_they_were():
    few = list(draw_campaign(seed=4, specimens=2, images_per_specimen=1))
    many = [o for o in draw_campaign(seed=4, specimens=2, images_per_specimen=2) if o.number == 1]

    assert [one.filename for one in few] == [one.filename for one in many]
    for one, same in zip(few, many, strict=True):
        assert np.array_equal(one.surface.pixels, same.surface.pixels)


def test_most_files_are_jpeg_and_a_few_are_png_and_tiff(written):
    folder, images = written
    suffixes = [path.suffix for path in folder.iterdir() if path.name != TRUTH_FILE]

    assert len(suffixes) == len(images) == 16
    assert {suffix: suffixes.count(suffix) for suffix in set(suffixes)} == {
        ".jpg": 13,
        ".png": 2,
        ".tif": 1,
    }


def test_jpeg_and_png_carry_the_time_of_exposure(written):
    folder, images = written
    for one in images:
        if one.filename.endswith("tif"):
            continue
        with Image.open(folder / one.filename) as picture:
            stored = picture.getexif().get_ifd(DATE_TIME_ORIGINAL[0])[DATE_TIME_ORIGINAL[1]]
        assert datetime.strptime(stored, "%Y:%m:%d %H:%M:%S") == one.taken_at  # noqa: DTZ007


def test_tiff_is_sixteen_bit_and_carries_the_pixel_size(written):
    folder, images = written
    (one,) = [one for one in images if one.filename.endswith("tif")]

    with tifffile.TiffFile(folder / one.filename) as file:
        page = file.pages[0]
        pixels, per_unit, unit = page.dtype, page.tags["XResolution"].value, file.imagej_metadata
    assert pixels == np.uint16
    assert per_unit[1] / per_unit[0] == pytest.approx(one.surface.pixel_size_um, rel=1e-4)
    assert unit["unit"] == "um"


def test_the_truth_file_tells_the_truth_of_every_image(written):
    folder, images = written
    with (folder / TRUTH_FILE).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert [row["filename"] for row in rows] == [one.filename for one in images]
    for row, one in zip(rows, images, strict=True):
        assert float(row["true_sfa"]) == pytest.approx(one.surface.true_sfa, abs=1e-6)
        assert float(row["temperature_c"]) == one.specimen.temperature_c


def test_the_same_seed_writes_the_same_bytes(written, tmp_path):
    folder, _ = written
    write_campaign(tmp_path, seed=2, specimens=8, images_per_specimen=2)

    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_another_seed_draws_other_fractures():
    def first(seed):
        return next(islice(draw_campaign(seed), 1)).surface.pixels

    assert not np.array_equal(first(1), first(2))


def test_a_campaign_without_images_is_refused():
    with pytest.raises(ValidationError, match="images_per_specimen is 0; give at least 1"):
        next(draw_campaign(1, images_per_specimen=0))
