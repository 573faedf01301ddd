"""The managed image store: a copy is the content it is named after, and replaces the original."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from mlmcsc.adapters.images import read_facts
from mlmcsc.adapters.managed_files import adopt_file
from mlmcsc.errors import ConflictError, StoreError


def test_an_image_stored_in_place_is_adopted_by_the_store(db, draw, audit):
    path = draw("a.png")
    content = path.read_bytes()
    key = db.store_image(path)
    again = db.images.add(path, storage="managed")
    assert (again.id, again.created, again.duplicate_of) == (key, False, None)
    found = db.get_image(key)
    assert (found.storage, found.filename) == ("managed", "a.png")
    event = audit()[-1]
    assert (event.operation, event.table_name, event.record_id) == ("UPDATE", "images", key)
    assert str(path) in str(event.old_values)
    assert found.path in str(event.new_values)
    path.unlink()
    assert Path(found.path).read_bytes() == content
    assert [i.id for i in db.get_images(path=str(path))] == [key]


def test_a_folder_stored_in_place_is_adopted_whole(db, draw, tmp_path):
    paths = [draw(f"lab/{i}.png", seed=i) for i in range(4)]
    first = db.ingest(tmp_path / "lab", workers=1)
    report = db.ingest(tmp_path / "lab", workers=1, storage="managed")
    assert (report.stored, report.unchanged, report.errors) == (0, 4, ())
    assert report.image_ids == first.image_ids
    third = db.ingest(tmp_path / "lab", workers=1, storage="managed")
    assert (third.unchanged, third.bytes_read) == (4, 0)
    shutil.rmtree(tmp_path / "lab")
    for image in db.get_images():
        assert image.storage == "managed"
        copied = hashlib.sha256(Path(image.path).read_bytes()).hexdigest()
        assert copied == image.content_hash
    assert len(db.get_images(path=str(paths[0]))) == 1


def test_adopting_by_another_path_keeps_every_path(db, draw):
    path = draw("a.png")
    other = path.with_name("b.png")
    shutil.copy(path, other)
    key = db.store_image(path)
    report = db.ingest([other, path], workers=1, storage="managed")
    assert [(d.id, d.duplicate_of) for d in report.duplicates] == [(key, str(path))]
    found = db.get_image(key)
    assert found.content_hash in found.path
    for known in (path, other, found.path):
        assert [i.id for i in db.get_images(path=str(known))] == [key]


def test_a_contradicted_image_is_not_adopted(db, draw):
    path = draw("a.png")
    key = db.store_image(path, magnification=50.0)
    with pytest.raises(ConflictError, match=r"a\.png is stored .* magnification is 50\.0"):
        db.images.add(path, storage="managed", magnification=60.0)
    assert (db.get_image(key).storage, db.get_image(key).path) == ("in_place", str(path))


def test_a_file_that_changed_since_it_was_read_is_not_stored_under_the_old_hash(draw, tmp_path):
    path = draw("a.png")
    facts = read_facts(path)
    path.write_bytes(bytes(reversed(path.read_bytes())))  # of the same size
    with pytest.raises(StoreError, match="changed while it was copied"):
        adopt_file(facts, tmp_path / "store")
    assert [p for p in (tmp_path / "store").rglob("*") if p.is_file()] == []


def test_a_damaged_copy_is_made_anew(draw, tmp_path):
    path = draw("a.png")
    facts = read_facts(path)
    copy = adopt_file(facts, tmp_path / "store")
    copy.write_bytes(bytes(reversed(copy.read_bytes())))
    assert adopt_file(facts, tmp_path / "store") == copy
    assert copy.read_bytes() == path.read_bytes()


def test_a_sound_copy_is_left_alone(draw, tmp_path):
    facts = read_facts(draw("a.png"))
    copy = adopt_file(facts, tmp_path / "store")
    before = os.stat(copy)
    adopt_file(facts, tmp_path / "store")
    assert os.stat(copy).st_ino == before.st_ino


def test_drafts_of_killed_ingests_go_with_the_next_and_those_in_the_making_stay(db, draw):
    first = Path(db.get_image(db.images.add(draw("a.png"), storage="managed").id).path)
    dead, arriving = first.with_name(".copy-0123"), first.with_name(".copy-4567")
    for draft in (dead, arriving):
        draft.write_bytes(b"half")
    os.utime(dead, (0, 0))
    first.unlink()
    again = draw("b/a.png")
    db.ingest([again], storage="managed", workers=1)
    assert [path.exists() for path in (first, dead, arriving)] == [True, False, True]
