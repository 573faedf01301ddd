"""Fingerprints: the same picture is recognised, a similar one is not."""

import io

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mlmcsc.adapters.fingerprints import _cells, fingerprint
from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.images import read_facts, read_pixels
from mlmcsc.adapters.images.preview import LUMA, grey_preview
from mlmcsc.domain.image_facts import (
    CANDIDATE_DISTANCE,
    NEAR_DUPLICATE_DISTANCE,
    Fingerprint,
    band_keys,
    hamming,
    near_duplicates,
)

HASH = st.integers(-(2**63), 2**63 - 1)
STRUCTURED = [
    "brick.png", "cell.png", "gravel.png", "ihc.png", "microaneurysms.png", "retina.jpg",
    "olympus_SIS.tif", "test_tiff_Zeiss_SEM_1k.tif", "test_tiff_Zeiss_SEM_512pix.tif",
]  # fmt: skip


def as_jpeg(quality):
    def save(pixels, path):
        Image.fromarray(pixels).save(path, "JPEG", quality=quality)

    return save


def halved(pixels, path):
    image = Image.fromarray(pixels)
    image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(path, "PNG")


def brighter_by(factor):
    def save(pixels, path):
        Image.fromarray(np.clip(pixels * factor, 0, 255).astype(np.uint8)).save(path, "PNG")

    return save


CHANGES = {
    "JPEG quality 95": as_jpeg(95),
    "JPEG quality 80": as_jpeg(80),
    "JPEG quality 60": as_jpeg(60),
    "half the size": halved,
    "10 % brighter": brighter_by(1.1),
    "10 % darker": brighter_by(0.9),
}


def noise(seed, *, grain, height=240, width=320):
    """Isotropic texture with structure down to `grain` pixels, mean 128, deviation 25."""
    small = np.random.default_rng(seed).normal(size=(height // grain, width // grain))
    texture = np.asarray(Image.fromarray(small.astype(np.float32)).resize((width, height)))
    return 128 + 25 * texture / texture.std()


def micrograph(seed):
    """A surface of its own under the illumination, outline and data bar that all share."""
    picture = noise(seed, grain=4)
    picture += 60 * np.linspace(-1, 1, 320) - 40 * np.linspace(-1, 1, 240)[:, None] ** 2
    picture[:, :40] = picture[:, -40:] = 5
    bar = np.random.default_rng(0).random((24, 320)) > 0.8
    picture[-24:] = 255 * bar
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", STRUCTURED)
def test_a_real_picture_is_recognised_after_a_change(micrographs, tmp_path, name, change):
    CHANGES[change](read_pixels(micrographs / name), tmp_path / "changed")
    before = read_facts(micrographs / name).fingerprint
    after = read_facts(tmp_path / "changed").fingerprint
    assert near_duplicates(before, after)
    assert set(enumerate(band_keys(before.coarse))) & set(enumerate(band_keys(after.coarse)))


@pytest.mark.parametrize("change", CHANGES)
def test_a_drawn_picture_is_recognised_after_a_change(tmp_path, change):
    for seed in range(20):
        CHANGES[change](micrograph(seed), tmp_path / "changed")
        after = read_facts(tmp_path / "changed").fingerprint
        assert near_duplicates(fingerprint(micrograph(seed)), after)


def test_different_surfaces_of_the_same_layout_are_told_apart():
    prints = [fingerprint(micrograph(seed)) for seed in range(80)]
    assert closest_pair(prints) > NEAR_DUPLICATE_DISTANCE + 10


def test_crops_of_one_texture_are_told_apart():
    texture = noise(1, grain=2, height=960, width=1280).clip(0, 255).astype(np.uint8)
    crops = [
        texture[y : y + 240, x : x + 320] for y in range(0, 960, 240) for x in range(0, 1280, 320)
    ]
    assert closest_pair([fingerprint(crop) for crop in crops]) > NEAR_DUPLICATE_DISTANCE + 10


def test_real_pictures_and_their_crops_are_told_apart(micrographs):
    prints = [read_facts(micrographs / name).fingerprint for name in STRUCTURED]
    for name in ("gravel.png", "brick.png"):
        pixels = read_pixels(micrographs / name)
        for y in range(0, 512, 128):
            prints += [fingerprint(pixels[y : y + 128, x : x + 128]) for x in range(0, 512, 128)]
    assert closest_pair(prints) > NEAR_DUPLICATE_DISTANCE + 10


def closest_pair(prints):
    assert None not in prints
    bits = np.unpackbits([np.frombuffer(one.fine, np.uint8) for one in prints], axis=1)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    return distances[np.triu_indices(len(prints), 1)].min()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((100, 100), np.uint8),
        np.full((100, 100), 4000, np.uint16),
        np.full((50, 50), np.nan, np.float32),
        np.tile(np.arange(256, dtype=np.uint8), (256, 1)),  # illumination, no surface
        np.ones((1, 1), np.uint8),
    ],
)
def test_a_picture_without_structure_has_no_fingerprint(picture):
    assert fingerprint(picture) is None


def test_an_empty_field_with_sensor_noise_and_a_data_bar_has_no_fingerprint():
    picture = np.random.default_rng(1).normal(60, 3, (960, 1280))
    picture[-96:] = 255 * (np.random.default_rng(2).random((96, 1280)) > 0.5)
    assert fingerprint(picture.clip(0, 255).astype(np.uint8)) is None


def test_depth_and_orientation_do_not_matter(tmp_path):
    picture = micrograph(3)
    image = Image.fromarray(picture)
    image.save(tmp_path / "8.png")
    Image.fromarray(picture.astype(np.uint16) * 257).save(tmp_path / "16.png")
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise for viewing
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    expected = read_facts(tmp_path / "8.png").fingerprint
    assert read_facts(tmp_path / "16.png").fingerprint == expected
    assert read_facts(tmp_path / "turned.png").fingerprint == expected


def test_no_fingerprint_is_made_when_none_is_asked_for(tmp_path):
    Image.fromarray(micrograph(3)).save(tmp_path / "a.png")
    assert read_facts(tmp_path / "a.png", fingerprint=False).fingerprint is None


def test_a_fingerprint_fits_the_database_columns():
    prints = [fingerprint(noise(seed, grain=8).astype(np.uint8)) for seed in range(20)]
    assert all(-(2**63) <= one.coarse < 2**63 and len(one.fine) == 32 for one in prints)
    assert {one.coarse < 0 for one in prints} == {True, False}


@given(coarse=HASH, flipped=st.sets(st.integers(0, 63), max_size=CANDIDATE_DISTANCE))
def test_hashes_within_the_candidate_distance_share_a_key(coarse, flipped):
    other = coarse
    for bit in flipped:
        other ^= 1 << bit
    assert any(
        mine == theirs for mine, theirs in zip(band_keys(coarse), band_keys(other), strict=True)
    )


@given(coarse=HASH)
def test_band_keys_hold_every_bit_once(coarse):
    keys = band_keys(coarse)
    assert all(0 <= key < 2**16 for key in keys)
    assert sum(key.bit_count() for key in keys) == (coarse % 2**64).bit_count()
    for bit in range(64):
        assert keys[bit % 4] >> (bit // 4) & 1 == (coarse % 2**64) >> bit & 1


@given(a=st.binary(min_size=32, max_size=32), b=st.binary(min_size=32, max_size=32))
def test_hamming_counts_differing_bits(a, b):
    bits = np.unpackbits(np.frombuffer(a, np.uint8)) != np.unpackbits(np.frombuffer(b, np.uint8))
    assert hamming(a, b) == hamming(b, a) == bits.sum()


def test_hashes_of_different_length_cannot_be_compared():
    with pytest.raises(ValueError, match="1 and 2 bytes"):
        hamming(b"a", b"ab")


def test_the_same_hash_is_a_near_duplicate_of_itself():
    one = Fingerprint(0, bytes(32))
    assert near_duplicates(one, one)
    assert not near_duplicates(one, Fingerprint(0, b"\xff" * 32))


def test_a_jpeg_needs_no_full_decoding():
    buffer = io.BytesIO()
    Image.fromarray(np.tile(micrograph(5), (8, 8))).save(buffer, "JPEG")
    source = ByteSource("large.jpg", buffer.getvalue())
    assert grey_preview(source, read_container(source, 10**8)).shape == (240, 320)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (240, 333), (97, 130)])
def test_cells_are_exact_means_even_where_they_split_pixels(height, width):
    picture = np.random.default_rng(4).integers(0, 256, (height, width), dtype=np.uint8)
    for cells, (rows, columns) in zip(_cells(picture), [(16, 17), (8, 9)], strict=True):
        spread = np.repeat(np.repeat(picture, rows, axis=0), columns, axis=1).astype(np.float64)
        exact = spread.reshape(rows, height, columns, width).mean(axis=(1, 3))
        np.testing.assert_allclose(cells, exact, atol=0.01)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("size", [(31, 45), (256, 256), (801, 333)])
def test_a_jpeg_preview_is_what_pillow_itself_makes_of_the_file(mode, size):
    buffer = io.BytesIO()
    Image.fromarray(micrograph(6)).resize(size).convert(mode).save(buffer, "JPEG")
    source = ByteSource("a.jpg", buffer.getvalue())
    with Image.open(buffer) as image:
        image.draft("L", (128, 128))
        expected = np.asarray(image.convert("L"))
    np.testing.assert_array_equal(grey_preview(source, read_container(source, 10**7)), expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("shape", [(97, 130), (300, 333), (300, 333, 3), (300, 333, 4)])
def test_a_plain_tiff_looked_at_in_place_has_the_fingerprint_of_its_decoded_pixels(
    tmp_path, order, dtype, shape
):
    full = np.iinfo(dtype).max
    drawn = np.random.default_rng(11).integers(0, full // 2, shape, dtype=dtype)
    tifffile.imwrite(
        tmp_path / "a.tif",
        drawn,
        byteorder=order,
        photometric="rgb" if len(shape) > 2 else "minisblack",
        rowsperstrip=31,
    )
    grey = drawn if drawn.ndim == 2 else (drawn[:, :, :3] @ LUMA).astype(drawn.dtype)
    told = read_facts(tmp_path / "a.tif").fingerprint
    assert told is not None
    assert told == fingerprint(grey)
    # Of whole levels no bit is dropped: 8 bits are as many as a level has.
    assert told == fingerprint((grey >> (0 if dtype == "u1" else 7)).astype(np.uint16))
    again = read_pixels(tmp_path / "a.tif")
    np.testing.assert_array_equal(again, drawn)
    assert again.flags.writeable
