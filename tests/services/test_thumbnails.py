"""Thumbnails show what was stored, or nothing."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from PIL import Image

from mlmcsc.adapters.thumbnails import MAX_SIZE, MIN_SIZE, write_thumbnail
from mlmcsc.config.sections import PerformanceSection
from mlmcsc.errors import ImageFileError

pytestmark = pytest.mark.sqlite_tells


def test_another_picture_in_a_files_place_is_not_shown(db, draw):
    path = draw("changed.png", seed=5001)
    key = db.store_image(path)
    draw("changed.png", seed=5002)
    with pytest.raises(ImageFileError, match="other content than when it was stored"):
        db.images.thumbnail(key)
    draw("changed.png", seed=5001)
    assert db.images.thumbnail(key).exists()


def test_another_picture_of_the_same_size_is_not_shown(db, draw, tmp_path):
    path = tmp_path / "flat.bmp"
    Image.new("RGB", (32, 32), (5, 50, 3)).save(path)
    key = db.store_image(path)
    Image.new("RGB", (32, 32), (5, 50, 4)).save(path)
    with pytest.raises(ImageFileError, match="other content"):
        db.images.thumbnail(key)


def test_a_file_that_was_only_touched_is_shown(db, draw):
    path = draw("touched.png", seed=5003)
    key = db.store_image(path)
    os.utime(path, (1, 1))
    assert db.images.thumbnail(key).exists()


def test_a_damaged_managed_copy_is_not_shown(db, draw):
    stored = db.images.add(draw("kept.bmp", seed=5004), storage="managed")
    with open(db.get_image(stored.id).path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    with pytest.raises(ImageFileError, match="other content"):
        db.images.thumbnail(stored.id)


def test_every_size_that_can_be_configured_can_be_made(db, draw):
    limits = PerformanceSection.model_json_schema()["properties"]["thumbnail_size"]
    assert (limits["minimum"], limits["maximum"]) == (MIN_SIZE, MAX_SIZE)
    key = db.store_image(draw("large.png", seed=5005))
    assert db.images.thumbnail(key, size=MAX_SIZE).exists()


def test_the_configured_pixel_limit_holds_for_thumbnails_too(db, draw, tmp_path):
    path = draw("wide.png", seed=5006)
    key = db.store_image(path)
    small = replace(db.images, settings=replace(db.images.settings, max_pixels=100))
    with pytest.raises(ImageFileError, match="100"):
        small.thumbnail(key)
    with pytest.raises(ImageFileError, match="100"):
        write_thumbnail(path, tmp_path / "t.png", max_pixels=100)
