from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.domain.image_rows import check_change, check_metadata, check_path, compare, image_row
from mlmcsc.domain.tables import IMAGES
from mlmcsc.errors import ValidationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN = datetime(2025, 1, 1, tzinfo=UTC)


def facts(**known):
    plain = {
        "path": "/lab/a.tif",
        "filename": "a.tif",
        "file_size": 10,
        "mtime_ns": 1,
        "content_hash": "ab" * 32,
        "hash_algorithm": "sha256",
        "format": "tiff",
        "width": 4,
        "height": 3,
        "channels": 1,
        "bit_depth": 16,
        "pages": 1,
        "captured_at": None,
        "pixel_size_um": None,
        "magnification": None,
        "detector": None,
        "accelerating_voltage_kv": None,
        "instrument": None,
        "sources": {},
        "acquisition_settings": {},
        "fingerprint": None,
    }
    return ImageFacts(**plain | known)


def test_a_typed_value_wins_and_the_contradiction_is_kept_with_its_source():
    read = facts(pixel_size_um=0.5, sources={"pixel_size_um": "Zeiss AP_IMAGE_PIXEL_SIZE"})
    row, told = image_row(read, {"pixel_size_um": 0.6}, NOW)
    assert row["pixel_size_um"] == 0.6
    assert row["acquisition_settings"]["metadata_conflicts"] == {
        "pixel_size_um": {"given": 0.6, "file": 0.5, "source": "Zeiss AP_IMAGE_PIXEL_SIZE"}
    }
    assert told == ["pixel_size_um: 0.6 was given, but Zeiss AP_IMAGE_PIXEL_SIZE says 0.5"]


def test_rounded_nominal_values_agree():
    row, told = image_row(facts(magnification=402.0), {"magnification": 400.0}, NOW)
    assert (row["magnification"], told) == (400.0, [])


def test_the_time_is_the_typed_one_else_the_files_else_now():
    read = facts(captured_at=TAKEN)
    assert image_row(read, {"timestamp": NOW}, NOW)[0]["timestamp"] == NOW
    assert image_row(read, {}, NOW)[0]["timestamp"] == TAKEN
    assert image_row(facts(), {}, NOW)[0]["timestamp"] == NOW


def test_typed_settings_are_kept_beside_those_of_the_file():
    read = facts(acquisition_settings={"gain": 1, "bias": 2})
    row, _ = image_row(read, {"acquisition_settings": {"gain": 3}}, NOW)
    assert row["acquisition_settings"] == {"gain": 3, "bias": 2}
    assert image_row(facts(), {}, NOW)[0]["acquisition_settings"] is None


def test_facts_of_a_stored_image_are_new_or_the_same_or_different():
    stored = {"specimen_id": "S1", "detector": None, "acquisition_settings": {"gain": 1}}
    assert compare(stored, {"specimen_id": "S1"}) == ({}, {})
    assert compare(stored, {"detector": "SE2"}) == ({"detector": "SE2"}, {})
    assert compare(stored, {"specimen_id": "S2"}) == ({}, {"specimen_id": "S2"})
    further = {"acquisition_settings": {"bias": 2}}
    assert compare(stored, further) == ({"acquisition_settings": {"gain": 1, "bias": 2}}, {})
    other = {"acquisition_settings": {"gain": 2}}
    assert compare(stored, other) == ({}, other)


def test_metadata_that_is_none_is_not_given():
    assert check_metadata(IMAGES, {"detector": None, "magnification": 2}) == {"magnification": 2.0}


def test_a_change_may_clear_what_an_image_can_do_without():
    assert check_change({"detector": None}) == {"detector": None}
    for name in ("timestamp", "is_valid"):
        with pytest.raises(ValidationError, match=f"{name} cannot be removed"):
            check_change({name: None})


def test_paths_that_a_database_cannot_hold_are_refused():
    check_path("/lab/a.png")
    for wrong in ("/" + "x" * 256, "/d" * 251, "/half\udc80", "/nul\0"):
        with pytest.raises(ValidationError):
            check_path(wrong)
