"""Pictures of a version: decoded on demand, and never another picture than the frozen one."""

from __future__ import annotations

import hashlib
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from mlmcsc.errors import ImageFileError, ImageMissingError, IntegrityError


@pytest.fixture
def url(sqlite_url):
    return sqlite_url


@pytest.fixture
def pictures(tmp_path):
    """A colour PNG, a JPEG that is to be turned, a 16-bit TIFF."""
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(colour).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    left_dark = np.repeat(np.uint8([[0] * 50 + [255] * 50]), 80, axis=0)
    Image.fromarray(left_dark).save(tmp_path / "b.jpg", exif=exif, quality=95)
    deep = np.linspace(100, 4000, 30 * 20).reshape(30, 20).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "c.tif")
    return {"a.png": colour, "b.jpg": left_dark, "c.tif": deep}


@pytest.fixture
def dataset(db, freeze, pictures, tmp_path):
    paths = [str(tmp_path / name) for name in pictures]
    hashes = [hashlib.sha256((tmp_path / name).read_bytes()).digest() for name in pictures]
    freeze([1, 2, 3], [0, 0.5, 1], paths=paths, hashes=hashes)
    return db.datasets.open("v1")


def images(dataset, **content):
    return next(dataset.batches(8, images=True, **content)).images


def test_as_stored_nothing_is_lost(dataset, pictures):
    colour, turned, deep = images(dataset)
    assert np.array_equal(colour, pictures["a.png"])
    assert turned.shape == (80, 100)
    assert deep.dtype == np.uint16
    assert np.array_equal(deep, pictures["c.tif"])


def test_resized_they_are_upright_and_of_eight_bits(dataset):
    found = images(dataset, image_size=(10, 20))
    assert found.shape == (3, 10, 20, 3)
    assert found.dtype == np.uint8
    grey = images(dataset, image_size=(10, 20), image_mode="grey")
    assert grey.shape == (3, 10, 20)
    assert (grey[1, 0] < 5).all()  # the dark left side is on top
    assert (grey[1, -1] > 250).all()
    assert grey[2, 0, 0] < 15  # 12 of 16 bits used, windowed to the whole range
    assert grey[2, -1, -1] > 240


def test_another_picture_is_never_trained_on(dataset, pictures, tmp_path):
    stamp = (tmp_path / "a.png").stat()
    Image.fromarray(pictures["a.png"][::-1]).save(tmp_path / "a.png")
    import os

    os.utime(tmp_path / "a.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(IntegrityError, match=r"Image 1 .*a\.png.*another picture"):
        images(dataset)
    assert np.array_equal(images(dataset, check="none")[0], pictures["a.png"][::-1])


def test_a_file_that_is_gone_or_broken_is_named(dataset, tmp_path):
    (tmp_path / "b.jpg").unlink()
    with pytest.raises(ImageMissingError, match=r"Image 2 .*b\.jpg"):
        images(dataset)
    batch = next(dataset.batches(8, images=True, image_size=(4, 4), missing_images="skip"))
    assert batch.image_ids.tolist() == [1, 3]
    assert batch.left_out.tolist() == [2]
    assert batch.images.shape == (2, 4, 4, 3)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    with pytest.raises(ImageFileError, match="Image 1"):
        images(dataset, check="none", missing_images="skip")


def test_an_image_that_was_never_hashed_is_refused_unless_its_path_is_believed(
    db, freeze, pictures, tmp_path
):
    freeze([1], [0.5], paths=[str(tmp_path / "a.png")], hashes=[None])
    dataset = db.datasets.open("v1")
    with pytest.raises(IntegrityError, match=r"never hashed.*check='none'"):
        images(dataset)
    assert np.array_equal(images(dataset, check="none")[0], pictures["a.png"])


def test_resized_pictures_are_kept_under_their_content(db, dataset, tmp_path):
    asked = {"image_size": (10, 20), "cache": True}
    first = images(dataset, **asked)
    folder = db._database.images.thumbnails.parent / "pictures"
    kept = sorted(folder.rglob("*.u8"))
    assert len(kept) == 3
    for name in ("a.png", "b.jpg", "c.tif"):
        (tmp_path / name).unlink()
    assert np.array_equal(images(pickle.loads(pickle.dumps(dataset)), **asked), first)  # noqa: S301
    damaged = bytearray(kept[0].read_bytes())
    damaged[5] ^= 1
    kept[0].write_bytes(damaged)
    with pytest.raises(ImageMissingError):  # a damaged copy is not used
        images(dataset, **asked)
    shutil.rmtree(folder)


def test_an_unchecked_picture_is_not_kept_for_those_who_check(dataset, pictures, tmp_path):
    asked = {"image_size": (10, 20), "cache": True}
    Image.fromarray(pictures["a.png"][::-1]).save(tmp_path / "a.png")
    images(dataset, check="none", **asked)
    with pytest.raises(IntegrityError, match="another picture"):
        images(dataset, **asked)


def test_real_micrographs_are_read(db, freeze, micrographs):
    kinds = {".tif", ".jpg", ".png"}
    found = sorted(path for path in micrographs.rglob("*") if path.suffix.lower() in kinds)
    found = [path for path in found if path.stat().st_size < 4_000_000][:6]
    assert found
    hashes = [hashlib.sha256(path.read_bytes()).digest() for path in found]
    freeze(range(1, len(found) + 1), [0.5] * len(found), paths=list(map(str, found)), hashes=hashes)
    stack = images(db.datasets.open("v1"), image_size=(64, 64))
    assert stack.shape == (len(found), 64, 64, 3)
    stored = [images(db.datasets.open("v1"))[at] for at in range(len(found))]
    for small, whole in zip(stack, stored, strict=True):
        assert (small.std() > 5) == (whole.std() > 0)  # some are black altogether
