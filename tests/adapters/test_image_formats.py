"""JPEG, PNG, BMP and TIFF: told apart by content, read without loss."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from mlmcsc.adapters.images import pixels as pixel_reading
from mlmcsc.adapters.images import read_facts, read_pixels, supported_suffixes
from mlmcsc.adapters.images.preview import upright
from mlmcsc.errors import ImageFileError

HEADERS = {
    "jpeg": ("jpeg", 32, 24, 3, 8, 1),
    "progressive jpeg": ("jpeg", 32, 24, 3, 8, 1),
    "grey jpeg": ("jpeg", 32, 24, 1, 8, 1),
    "png": ("png", 32, 24, 3, 8, 1),
    "16-bit png": ("png", 32, 24, 1, 16, 1),
    "palette png": ("png", 32, 24, 3, 8, 1),
    "bmp": ("bmp", 32, 24, 3, 8, 1),
    "grey bmp": ("bmp", 32, 24, 1, 8, 1),
    "palette bmp": ("bmp", 32, 24, 3, 8, 1),
    "tiff": ("tiff", 32, 24, 1, 8, 1),
    "multi-page tiff": ("tiff", 32, 24, 1, 16, 3),
    "tiled tiff": ("tiff", 128, 96, 1, 16, 1),
    "BigTIFF": ("tiff", 32, 24, 3, 8, 1),
    "big-endian tiff": ("tiff", 32, 24, 1, 16, 1),
    "lzw tiff": ("tiff", 32, 24, 3, 8, 1),
    "jpeg tiff": ("tiff", 32, 24, 3, 8, 1),
    "OME-TIFF": ("tiff", 32, 24, 1, 16, 3),
    "ImageJ tiff": ("tiff", 32, 24, 1, 16, 3),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_header_is_read_from_a_file_without_suffix(samples, write, kind):
    facts = read_facts(write(samples[kind]), fingerprint=False)
    header = (facts.format, facts.width, facts.height, facts.channels, facts.bit_depth, facts.pages)
    assert header == HEADERS[kind]


def test_every_sample_is_covered(samples):
    assert set(samples) == set(HEADERS)


@pytest.mark.parametrize("kind", HEADERS)
def test_pixels_agree_with_the_header(samples, write, kind):
    pixels = read_pixels(write(samples[kind]))
    _, width, height, channels, depth, _ = HEADERS[kind]
    assert pixels.shape == ((height, width, channels) if channels > 1 else (height, width))
    assert pixels.dtype == f"uint{depth}"
    assert pixels.dtype.isnative


def test_a_wrong_but_valid_suffix_does_no_harm(samples, write):
    facts = read_facts(write(samples["png"], "photo.jpg"))
    assert (facts.format, facts.filename) == ("png", "photo.jpg")


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("png", "colour"),
        ("16-bit png", "grey16"),
        ("bmp", "colour"),
        ("grey bmp", "grey"),
        ("tiff", "grey"),
        ("multi-page tiff", "grey16"),
        ("BigTIFF", "colour"),
        ("big-endian tiff", "grey16"),
        ("lzw tiff", "colour"),
        ("OME-TIFF", "grey16"),
        ("ImageJ tiff", "grey16"),
    ],
)
def test_lossless_formats_give_back_every_bit(samples, patterns, write, kind, pattern):
    np.testing.assert_array_equal(read_pixels(write(samples[kind])), patterns[pattern])


@pytest.mark.parametrize("kind", ["multi-page tiff", "OME-TIFF", "ImageJ tiff"])
def test_each_page_is_reachable(samples, patterns, write, kind):
    path = write(samples[kind])
    np.testing.assert_array_equal(read_pixels(path, page=1), patterns["grey16"][::-1])
    np.testing.assert_array_equal(read_pixels(path, page=2), patterns["grey16"] // 2)


@pytest.mark.parametrize("page", [-1, 3])
def test_a_page_that_is_not_there_is_an_error_that_says_which_are(samples, write, page):
    with pytest.raises(ImageFileError, match="Ask for a page from 0 to 2"):
        read_pixels(write(samples["multi-page tiff"]), page=page)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_colour_png_keeps_16_bits(tmp_path, channels):
    pixels = np.random.default_rng(1).integers(0, 65536, (24, 32, 4), dtype=np.uint16)
    if channels == 2:  # OpenCV writes no grey with alpha
        imagecodecs = pytest.importorskip("imagecodecs")
        content = imagecodecs.png_encode(np.ascontiguousarray(pixels[:, :, :2]))
    else:
        order = [2, 1, 0, 3][:channels]
        content = cv2.imencode(".png", pixels[:, :, order])[1].tobytes()
    path = tmp_path / "colour.png"
    path.write_bytes(content)
    facts = read_facts(path)
    assert (facts.channels, facts.bit_depth) == (channels, 16)
    np.testing.assert_array_equal(read_pixels(path), pixels[:, :, :channels])


def test_planes_stored_one_after_the_other_come_last(tmp_path, patterns):
    planes = np.moveaxis(patterns["colour16"], -1, 0)
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_pixels(tmp_path / "p.tif"), patterns["colour16"])


def test_white_is_zero_is_turned_so_that_bright_is_large(tmp_path, patterns):
    tifffile.imwrite(tmp_path / "w.tif", patterns["grey16"], photometric="miniswhite")
    np.testing.assert_array_equal(read_pixels(tmp_path / "w.tif"), 65535 - patterns["grey16"])


def test_bilevel_pixels_are_0_and_255(tmp_path, patterns):
    mask = patterns["grey"] > 127
    tifffile.imwrite(tmp_path / "m.tif", mask, photometric="minisblack")
    Image.fromarray(mask).save(tmp_path / "m.png")
    for name in ("m.tif", "m.png"):
        np.testing.assert_array_equal(read_pixels(tmp_path / name), mask * np.uint8(255))


def test_a_colour_palette_is_applied_and_a_grey_one_is_not(tmp_path, patterns):
    colours = np.random.default_rng(2).integers(0, 65536, (3, 256), dtype=np.uint16)
    ramp = np.stack([np.arange(256, dtype=np.uint16) * 257] * 3)
    for name, palette in (("colour.tif", colours), ("grey.tif", ramp)):
        options = {"photometric": "palette", "colormap": palette}
        tifffile.imwrite(tmp_path / name, patterns["grey"], **options)
    assert read_facts(tmp_path / "grey.tif").channels == 1
    np.testing.assert_array_equal(read_pixels(tmp_path / "grey.tif"), patterns["grey"])
    assert read_facts(tmp_path / "colour.tif").channels == 3
    expected = (colours.T >> 8).astype(np.uint8)[patterns["grey"]]
    np.testing.assert_array_equal(read_pixels(tmp_path / "colour.tif"), expected)


def test_an_imagej_stack_with_one_directory_for_all_slices_is_read_whole(tmp_path, patterns):
    stack = np.stack([patterns["grey16"], patterns["grey16"][::-1], patterns["grey16"] // 3])
    description = "ImageJ=1.54f\nimages=3\nslices=3\n"
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack[0], byteorder=">", description=description, metadata=None)
    with path.open("ab") as file:
        file.write(stack[1:].astype(">u2").tobytes())
    assert read_facts(path).pages == 3
    for page in range(3):
        np.testing.assert_array_equal(read_pixels(path, page=page), stack[page])


@pytest.mark.parametrize("kind", ["lzw tiff", "jpeg tiff", "tiled tiff"])
def test_common_compressions_need_no_extra_package(samples, write, monkeypatch, kind):
    path = write(samples[kind])
    with_extra = read_pixels(path)
    monkeypatch.setattr(pixel_reading, "has_imagecodecs", lambda: False)
    np.testing.assert_array_equal(read_pixels(path), with_extra)


def test_a_compression_that_needs_the_extra_package_says_so(tmp_path, patterns, monkeypatch):
    path = tmp_path / "white.tif"
    tifffile.imwrite(path, patterns["grey"], compression="lzw", photometric="miniswhite")
    monkeypatch.setattr(pixel_reading, "has_imagecodecs", lambda: False)
    with pytest.raises(ImageFileError, match=r"Install mlmcsc\[ome\]"):
        read_pixels(path)


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_is_applied_as_pillow_applies_it(patterns, turn):
    image = Image.fromarray(patterns["colour"])
    image.getexif()[274] = turn
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(upright(patterns["colour"], turn), expected)


def test_suffixes_are_lower_case_with_a_dot():
    assert {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"} <= supported_suffixes()
    assert all(suffix.startswith(".") and suffix.islower() for suffix in supported_suffixes())
