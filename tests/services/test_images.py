"""Images: known by content, found by any path, described once, never contradicted silently."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from mlmcsc.errors import ConflictError, ImageMissingError, ValidationError


def test_an_image_keeps_what_its_file_and_its_user_say(db, draw):
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    path = draw("s1.png", size=(80, 60))
    key = db.store_image(
        path,
        specimen_id="SPEC_001",
        magnification=400.0,
        pixel_size_um=0.5,
        detector="SE2",
        accelerating_voltage_kv=15,
        timestamp=at,
        acquisition_settings={"gain": 2},
        quality_score=0.9,
    )
    found = db.get_image(key)
    assert (found.path, found.filename) == (str(path), "s1.png")
    assert (found.width, found.height, found.channels, found.bit_depth) == (80, 60, 3, 8)
    assert (found.format, found.pages, found.file_size) == ("png", 1, path.stat().st_size)
    assert (found.specimen_id, found.magnification, found.pixel_size_um) == ("SPEC_001", 400, 0.5)
    assert (found.detector, found.accelerating_voltage_kv) == ("SE2", 15.0)
    assert (found.timestamp, found.quality_score, found.is_valid) == (at, 0.9, True)
    assert found.acquisition_settings["gain"] == 2
    assert len(found.content_hash) == 64
    assert db.specimens.get("SPEC_001").id > 0


def test_the_same_content_under_another_path_is_the_same_image_found_by_both(db, draw, counts):
    path = draw("a.png")
    copy = path.with_name("copy.png")
    shutil.copy(path, copy)
    key = db.store_image(path)
    again = db.images.add(copy)
    assert (again.id, again.created, again.duplicate_of) == (key, False, str(path))
    assert [i.id for i in db.get_images(path=str(copy))] == [key]
    assert [i.id for i in db.get_images(path=str(path))] == [key]
    assert [i.id for i in db.get_images(path="copy.png")] == [key]
    assert counts()["images"] == 1


def test_storing_the_same_file_again_is_harmless(db, draw, nothing_written):
    path = draw("a.png")
    key = db.store_image(path, magnification=100.0)
    with nothing_written():
        assert db.store_image(path, magnification=100.0) == key


def test_other_content_at_a_stored_path_is_a_conflict(db, draw, nothing_written):
    db.store_image(draw("a.png"))
    path = draw("a.png", seed=1)
    with nothing_written(), pytest.raises(ConflictError, match="holds other content"):
        db.store_image(path)


def test_added_facts_fill_gaps(db, draw):
    path = draw("a.png")
    key = db.store_image(path)
    assert db.store_image(path, specimen_id="S1", magnification=50.0, quality_score=0.7) == key
    db.store_image(path, acquisition_settings={"gain": 2})
    db.store_image(path, acquisition_settings={"bias": 1, "gain": 2})
    found = db.get_image(key)
    assert (found.specimen_id, found.magnification, found.quality_score) == ("S1", 50.0, 0.7)
    assert found.acquisition_settings["gain"] == 2
    assert found.acquisition_settings["bias"] == 1


def test_contradicting_facts_are_a_conflict_that_names_both(db, draw, refuses):
    path = draw("a.png")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    known = {
        "specimen_id": "S1",
        "magnification": 50.0,
        "quality_score": 0.7,
        "timestamp": now,
        "acquisition_settings": {"gain": 2},
        "is_valid": True,
    }
    db.store_image(path, **known)
    other = {
        "specimen_id": "S2",
        "magnification": 60.0,
        "quality_score": 0.8,
        "timestamp": now + timedelta(1),
        "acquisition_settings": {"gain": 3},
        "is_valid": False,
    }
    for name, value in other.items():
        refuses(ConflictError, name, db.store_image, path, **{name: value})


def test_an_image_is_corrected_on_purpose(db, draw, audit):
    key = db.store_image(draw("a.png"), magnification=50.0)
    assert db.update_image(key, magnification=60.0, specimen_id="S2").magnification == 60.0
    assert "50.0" in str(audit()[-1].old_values)
    assert db.update_image(key, magnification=None).magnification is None
    found = db.update_image_quality(key, 0.25, is_valid=False)
    assert (found.quality_score, found.is_valid) == (0.25, False)


def test_a_typed_value_that_the_file_contradicts_is_flagged_with_its_source(db, micrographs):
    path = micrographs / "test_tiff_Zeiss_SEM_1k.tif"
    stored = db.images.add(path, pixel_size_um=123.0)
    (told,) = stored.conflicts
    found = db.get_image(stored.id)
    flagged = found.acquisition_settings["metadata_conflicts"]["pixel_size_um"]
    assert found.pixel_size_um == 123.0
    assert flagged["given"] == 123.0
    assert flagged["file"] != 123.0
    assert flagged["source"]
    assert "pixel_size_um" in told
    assert flagged["source"] in told


def test_what_the_instrument_wrote_is_kept_with_its_source(db, micrographs):
    key = db.store_image(micrographs / "test_tiff_Zeiss_SEM_1k.tif")
    found = db.get_image(key)
    assert found.pixel_size_um > 0
    assert found.acquisition_settings["metadata_sources"]["pixel_size_um"]


def test_a_managed_image_survives_its_source(db, draw):
    path = draw("a.png")
    content = path.read_bytes()
    stored = db.images.add(path, storage="managed")
    path.unlink()
    found = db.get_image(stored.id)
    assert found.storage == "managed"
    assert found.content_hash in found.path
    with open(found.path, "rb") as file:
        assert file.read() == content
    assert [i.id for i in db.get_images(path=str(path))] == [stored.id]
    assert db.images.thumbnail(stored.id).exists()


def test_an_unknown_storage_is_refused(db, draw, refuses):
    refuses(ValidationError, "in_place, managed", db.images.add, draw("a.png"), storage="cloud")


def test_images_that_look_the_same_are_linked(db, draw):
    path = draw("a.png", size=(256, 192))
    first = db.store_image(path)
    picture = Image.open(path).convert("RGB")
    picture.save(path.with_name("a.jpg"), quality=85)
    second = db.images.add(path.with_name("a.jpg"))
    third = db.images.add(draw("other.png", seed=9, size=(256, 192)))
    assert second.created
    assert second.near_duplicate_of == first
    assert [other for other, _ in db.images.near_duplicates(first)] == [second.id]
    assert [other for other, _ in db.images.near_duplicates(second.id)] == [first]
    assert third.near_duplicate_of is None


def test_a_thumbnail_is_made_once_and_kept(db, draw):
    key = db.store_image(draw("a.png", size=(640, 480)))
    made = db.images.thumbnail(key, size=64)
    with Image.open(made) as picture:
        assert max(picture.size) == 64
    before = made.stat().st_mtime_ns
    assert db.images.thumbnail(key, size=64) == made
    assert made.stat().st_mtime_ns == before
    with pytest.raises(ValidationError, match="16 to 4096"):
        db.images.thumbnail(key, size=5)


def test_a_thumbnail_of_a_lost_file_says_so(db, draw):
    path = draw("lost.png", seed=4711)
    key = db.store_image(path)
    path.unlink()
    with pytest.raises(ImageMissingError, match="is gone"):
        db.images.thumbnail(key)


def test_a_16_bit_image_is_windowed_into_view(db, tmp_path):
    pixels = (np.arange(64 * 64, dtype=np.uint16) // 16).reshape(64, 64)  # 0..255 of 65535
    Image.fromarray(pixels).save(tmp_path / "deep.tif")
    key = db.store_image(tmp_path / "deep.tif")
    assert db.get_image(key).bit_depth == 16
    with Image.open(db.images.thumbnail(key, size=64)) as picture:
        assert np.ptp(np.asarray(picture.convert("L")).astype(int)) > 100


def test_a_relative_path_and_a_path_object_mean_the_same_file(db, draw, tmp_path):
    path = draw("a.png")
    os.chdir(tmp_path)
    assert db.store_image("a.png") == db.store_image(path) == db.store_image(str(path))
