"""`database validate` on further paths of images: forgotten, touched, or where a file moved to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite_tells


def found(db, **options):
    return {(f.check, f.table): f for f in db.maintenance.validate(**options)}


def put(path, other, *, same_size=False):
    """Put other content at a path, as somebody would who saves over a file."""
    data = bytearray(Path(path).read_bytes())
    if same_size:
        data[-20] ^= 0xFF
        Path(path).write_bytes(bytes(data))
    else:
        shutil.copy(other, path)


def touch(path):
    os.utime(path, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))


@pytest.fixture
def alias(db, draw, tmp_path):
    """A second path of the same content."""
    db.store_image(draw("a.png"))
    shutil.copy(tmp_path / "a.png", tmp_path / "again.png")
    db.store_image(tmp_path / "again.png")
    assert db.maintenance.validate(hash_files=True) == ()
    return tmp_path / "again.png"


def test_an_alias_whose_file_is_gone_is_forgotten(db, alias, sql):
    alias.unlink()
    findings = db.maintenance.validate()
    assert [(f.check, f.table) for f in findings] == [("stale_alias", "image_aliases")]
    (repair,) = db.maintenance.repair(findings)
    assert repair.count == 1
    assert sql("SELECT id FROM image_aliases") == []
    assert db.maintenance.validate() == ()
    (event,) = sql("SELECT CAST(old_values AS text) FROM audit_logs WHERE operation = 'REPAIR'")
    assert "again.png" in event[0]


def test_an_alias_that_holds_other_content_is_forgotten_and_can_be_stored_anew(db, alias, draw):
    put(alias, draw("b.png", seed=5, size=(90, 90)))
    db.maintenance.repair(db.maintenance.validate())
    assert db.store_image(alias) == 2


def test_a_touched_alias_gets_its_new_time(db, alias):
    touch(alias)
    findings = db.maintenance.validate()
    assert [(f.check, f.table) for f in findings] == [("file_touched", "image_aliases")]
    db.maintenance.repair(findings)
    assert db.maintenance.validate() == ()


def test_an_alias_is_kept_when_its_file_came_back_before_the_repair(db, alias, tmp_path, sql):
    alias.unlink()
    findings = db.maintenance.validate()
    shutil.copy2(tmp_path / "a.png", alias)
    (repair,) = db.maintenance.repair(findings)
    assert repair.count == 0
    assert len(sql("SELECT id FROM image_aliases")) == 1


@pytest.fixture
def moved(db, draw, tmp_path):
    """A file that was moved into another folder and stored from there again."""
    image = db.store_image(draw("a.png"))
    (tmp_path / "new").mkdir()
    shutil.copy2(tmp_path / "a.png", tmp_path / "new" / "b.png")
    (tmp_path / "a.png").unlink()
    assert db.store_image(tmp_path / "new" / "b.png") == image
    return tmp_path / "new" / "b.png"


@pytest.mark.parametrize("hash_files", [False, True])
def test_a_moved_file_becomes_the_images_once_its_content_is_found_equal(
    db, moved, sql, tmp_path, hash_files
):
    findings = db.maintenance.validate(hash_files=hash_files)
    assert [(f.check, f.table, f.ids) for f in findings] == [("file_moved", "images", (1,))]
    assert f"{tmp_path}/a.png, now {moved}" in findings[0].message
    (repair,) = db.maintenance.repair(findings)
    assert (repair.count, repair.left, repair.ids) == (1, 0, (1,))
    stored = db.get_image(1)
    assert (stored.path, stored.filename) == (str(moved), "b.png")
    assert db.maintenance.validate(hash_files=True) == ()
    events = sql(
        "SELECT table_name, CAST(old_values AS text), CAST(new_values AS text) FROM audit_logs "
        "WHERE operation = 'REPAIR' ORDER BY table_name"
    )
    assert [event[0] for event in events] == ["image_aliases", "images"]
    assert "a.png" in events[1][1]
    assert "b.png" in events[1][2]
    moved.unlink()
    assert found(db).keys() == {("file_missing", "images")}


def test_a_moved_file_is_still_known_by_its_old_path_and_may_come_back(db, moved, tmp_path):
    db.maintenance.repair(db.maintenance.validate())
    (page,) = db.get_images(path=str(tmp_path / "a.png"))
    assert page.path == str(moved)
    shutil.copy2(moved, tmp_path / "a.png")
    assert db.store_image(tmp_path / "a.png") == 1
    assert db.maintenance.validate(hash_files=True) == ()
    (tmp_path / "a.png").unlink()
    assert found(db).keys() == {("stale_alias", "image_aliases")}


def test_another_file_at_an_old_path_is_found_and_can_be_stored(db, moved, draw):
    db.maintenance.repair(db.maintenance.validate())
    other = draw("a.png", seed=4)
    assert found(db, hash_files=True).keys() == {("stale_alias", "image_aliases")}
    db.maintenance.repair(db.maintenance.validate(hash_files=True))
    assert db.store_image(other) == 2
    assert db.maintenance.validate(hash_files=True) == ()


def test_a_moved_file_with_other_content_is_not_taken_for_the_images(db, moved, sql, tmp_path):
    put(moved, None, same_size=True)
    findings = db.maintenance.validate()
    assert {f.check for f in findings} == {"file_moved", "file_touched"}
    (repair,) = [r for r in db.maintenance.repair(findings) if r.check == "file_moved"]
    assert (repair.count, repair.left) == (0, 1)
    assert "another one now" in repair.message
    assert db.get_image(1).path == str(tmp_path / "a.png")
    assert sql("SELECT id FROM audit_logs WHERE operation = 'REPAIR'") == []
    assert ("file_missing", "images") in found(db, hash_files=True)


def test_a_file_that_came_back_before_the_repair_stays_where_it_is(db, moved, tmp_path):
    findings = db.maintenance.validate()
    shutil.copy2(moved, tmp_path / "a.png")
    (repair,) = db.maintenance.repair(findings)
    assert (repair.count, repair.left) == (0, 0)
    assert db.get_image(1).path == str(tmp_path / "a.png")
