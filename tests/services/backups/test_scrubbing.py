"""A place read whole: what is damaged is told, and mended where the database has it still."""

from __future__ import annotations

from pathlib import Path

import pytest


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 8
    path.write_bytes(raw)


def test_a_sound_place_has_nothing_to_tell(lab):
    lab.db.backups.create("first", with_images=True)
    lab.db.backups.create("second", encrypt=True)
    found = lab.db.backups.scrub()
    assert (found.whole, found.faults, found.unknown, found.n_sets) == (True, (), (), 2)


@pytest.mark.parametrize("harm", [flip, lambda path: path.unlink()])
def test_a_damaged_shared_file_is_written_anew_as_it_was_signed(lab, harm):
    lab.db.backups.create("first", with_images=True)
    objects = lab.files("objects/")
    for name in objects:
        harm(lab.place / name)
    found = lab.db.backups.scrub()
    assert not found.whole
    assert {fault.name for fault in found.faults} == objects
    assert found.repaired == ()
    mended = lab.db.backups.scrub(repair=True)
    assert mended.whole
    assert set(mended.repaired) == {fault.name for fault in found.faults}
    assert lab.db.backups.verify("first", deep=True).whole


def test_what_the_database_lost_too_stays_told(lab):
    lab.db.backups.create("first", with_images=True)
    image = lab.db.get_image(2)
    (name,) = (n for n in lab.files("objects/") if image.content_hash in n)
    flip(lab.place / name)
    flip(Path(image.path))
    found = lab.db.backups.scrub(repair=True)
    assert (found.whole, found.repaired) == (False, ())


def test_a_damaged_encrypted_file_goes_so_that_the_next_backup_writes_it_anew(lab):
    lab.db.backups.create("first", with_images=True, encrypt=True)
    image = lab.db.get_image(2)
    (name,) = (n for n in lab.files("objects/") if image.content_hash in n)
    flip(lab.place / name)
    found = lab.db.backups.scrub(repair=True)
    assert (found.whole, found.removed) == (False, (name,))
    lab.db.backups.create("second", with_images=True, encrypt=True)
    assert lab.db.backups.verify("second", deep=True).whole


def test_a_damaged_database_of_a_set_cannot_be_mended(lab):
    lab.db.backups.create("first")
    flip(lab.place / "first" / "database" / "mlmcsc.db.zst")
    found = lab.db.backups.scrub(repair=True)
    assert [fault.name for fault in found.faults] == ["first/database/mlmcsc.db.zst"]
    assert not found.whole


def test_files_that_belong_to_nothing_are_told(lab):
    lab.db.backups.create("first")
    (lab.place / "objects" / "zz").mkdir()
    (lab.place / "objects" / "zz" / "stray").write_bytes(b"?")
    assert lab.db.backups.scrub().unknown == ("objects/zz/stray",)
