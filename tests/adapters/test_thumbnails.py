"""Thumbnails: small, upright, windowed, written whole."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from mlmcsc.adapters.thumbnails import write_thumbnail
from mlmcsc.errors import ImageFileError, ImageMissingError, StoreError, ValidationError


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_every_real_file_gets_a_thumbnail(micrographs, tmp_path, suffix):
    for path in sorted(micrographs.iterdir()):
        target = tmp_path / f"{path.stem}{suffix}"
        assert write_thumbnail(path, target) == target
        with Image.open(target) as thumbnail:
            assert max(thumbnail.size) <= 256
            assert thumbnail.mode in ("L", "RGB")


@pytest.mark.parametrize("size", [16, 100, 256])
def test_the_longer_side_has_the_size_asked_for(micrographs, tmp_path, size):
    write_thumbnail(micrographs / "test_tiff_Zeiss_SEM_1k.tif", tmp_path / "t.png", size=size)
    with Image.open(tmp_path / "t.png") as thumbnail:
        assert thumbnail.size == (size, size * 768 // 1024)


def test_a_small_picture_is_not_enlarged(samples, write, tmp_path):
    write_thumbnail(write(samples["png"]), tmp_path / "t.png")
    with Image.open(tmp_path / "t.png") as thumbnail:
        assert thumbnail.size == (32, 24)


def test_16_bits_are_windowed_from_the_half_to_the_99_and_a_half_percentile(tmp_path):
    pixels = np.linspace(1000, 3000, 64 * 64).astype(np.uint16).reshape(64, 64)
    pixels[0, 0], pixels[-1, -1] = 0, 65535  # a dead and a hot pixel must not set the window
    tifffile.imwrite(tmp_path / "16.tif", pixels)
    write_thumbnail(tmp_path / "16.tif", tmp_path / "t.png")
    shown = np.asarray(Image.open(tmp_path / "t.png"))
    low, high = np.percentile(pixels, (0.5, 99.5))
    expected = np.rint((np.clip(pixels, low, high) - low) * 255 / (high - low))
    assert np.abs(shown - expected).max() <= 1


def test_8_bits_are_shown_as_they_are(tmp_path):
    pixels = np.arange(100, 164, dtype=np.uint8)[None].repeat(64, axis=0)
    Image.fromarray(pixels).save(tmp_path / "dim.png")
    write_thumbnail(tmp_path / "dim.png", tmp_path / "t.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "t.png")), pixels)


@pytest.mark.parametrize("values", [[7.0], [np.nan], [np.inf, 1.0]])
def test_pictures_without_a_range_are_black(tmp_path, values):
    tifffile.imwrite(tmp_path / "f.tif", np.resize(values, (32, 32)).astype(np.float32))
    write_thumbnail(tmp_path / "f.tif", tmp_path / "t.png")
    assert not np.asarray(Image.open(tmp_path / "t.png")).any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(tmp_path, kind):
    picture = np.zeros((40, 80), np.uint8)
    picture[:, :20] = 255  # left edge bright
    exif = Image.Exif()
    exif[274] = 6  # turn clockwise: the left edge becomes the top
    Image.fromarray(picture).save(tmp_path / "turned", kind, exif=exif)
    write_thumbnail(tmp_path / "turned", tmp_path / "t.png")
    shown = np.asarray(Image.open(tmp_path / "t.png"))
    assert shown.shape == (80, 40)
    assert shown[:15].min() > 200
    assert shown[25:].max() < 50


def test_an_existing_thumbnail_is_replaced_and_nothing_is_left_beside_it(samples, write, tmp_path):
    folder = tmp_path / "thumbnails"
    folder.mkdir()
    (folder / "t.jpg").write_bytes(b"old")
    write_thumbnail(write(samples["png"]), folder / "t.jpg")
    assert [path.name for path in folder.iterdir()] == ["t.jpg"]
    assert (folder / "t.jpg").read_bytes().startswith(b"\xff\xd8")


def test_a_failure_leaves_the_old_thumbnail_and_no_temporary_file(samples, write, tmp_path):
    folder = tmp_path / "thumbnails"
    folder.mkdir()
    (folder / "t.jpg").write_bytes(b"old")
    with pytest.raises(ImageFileError):
        write_thumbnail(write(samples["png"][:-30]), folder / "t.jpg")
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("t.jpg", b"old")]


def test_a_missing_folder_is_named(samples, write, tmp_path):
    with pytest.raises(StoreError, match="Check that its directory exists"):
        write_thumbnail(write(samples["png"]), tmp_path / "none" / "t.jpg")


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(ImageMissingError, match="gone"):
        write_thumbnail(tmp_path / "gone.png", tmp_path / "t.jpg")


def test_another_suffix_is_refused(samples, write, tmp_path):
    with pytest.raises(ValidationError, match=r"\.jpg, \.jpeg or \.png"):
        write_thumbnail(write(samples["png"]), tmp_path / "t.gif")


@pytest.mark.parametrize("size", [0, 15, 5000])
def test_an_absurd_size_is_refused(samples, write, tmp_path, size):
    with pytest.raises(ValidationError, match=f"size={size}"):
        write_thumbnail(write(samples["png"]), tmp_path / "t.png", size=size)
