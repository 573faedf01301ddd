"""`database validate` on image files, the image store and the caches, and their repairs."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
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


def test_a_missing_file_is_found_and_nothing_is_repaired(db, draw):
    path = draw("a.png")
    image = db.store_image(path)
    path.unlink()
    findings = db.maintenance.validate()
    (finding,) = findings
    assert (finding.check, finding.table, finding.ids) == ("file_missing", "images", (image,))
    assert str(path) in finding.message
    assert "images show" in finding.message
    assert finding.repair is None
    assert db.maintenance.repair(findings) == ()
    assert db.get_image(image).path == str(path)


def test_a_folder_where_the_file_was_is_told_as_unreadable(db, draw):
    path = draw("a.png")
    db.store_image(path)
    path.unlink()
    path.mkdir()
    assert found(db).keys() == {("file_unreadable", "images")}


def test_a_file_of_another_size_is_changed(db, draw):
    path = draw("a.png")
    db.store_image(path)
    put(path, draw("b.png", seed=2, size=(80, 80)))
    (finding,) = db.maintenance.validate()
    assert finding.check == "file_changed"
    assert finding.repair is None


def test_a_changed_file_of_the_same_size_and_time_is_found_by_hashing_alone(db, draw):
    path = draw("a.png")
    db.store_image(path)
    before = path.stat().st_mtime_ns
    put(path, None, same_size=True)
    os.utime(path, ns=(before, before))
    assert db.maintenance.validate() == ()
    assert found(db, hash_files=True).keys() == {("file_changed", "images")}


@pytest.mark.parametrize("hash_files", [False, True])
def test_a_touched_file_gets_its_new_time_once_its_content_is_found_equal(db, draw, hash_files):
    path = draw("a.png")
    image = db.store_image(path)
    touch(path)
    findings = db.maintenance.validate(hash_files=hash_files)
    assert [f.check for f in findings] == ["file_touched"]
    (repair,) = db.maintenance.repair(findings)
    assert (repair.count, repair.left, repair.ids) == (1, 0, (image,))
    assert db.get_image(image).file_mtime_ns == path.stat().st_mtime_ns
    assert db.maintenance.validate(hash_files=True) == ()


def test_a_file_rewritten_with_the_same_size_is_not_taken_for_a_touched_one(db, draw, sql):
    path = draw("a.png")
    image = db.store_image(path)
    before = db.get_image(image)
    put(path, None, same_size=True)
    touch(path)
    (repair,) = db.maintenance.repair(db.maintenance.validate())
    assert (repair.count, repair.left) == (0, 1)
    assert "--hash" in repair.message
    assert db.get_image(image) == before
    assert sql("SELECT id FROM audit_logs WHERE operation = 'REPAIR'") == []
    assert found(db, hash_files=True).keys() == {("file_changed", "images")}


UNREAD = (
    "UPDATE images SET content_hash = NULL, hash_algorithm = NULL, file_mtime_ns = NULL, "
    "bit_depth = NULL, pages = NULL WHERE id = :image"
)


def test_facts_that_were_never_read_are_filled_from_the_file(db, draw, sql):
    image = db.store_image(draw("a.png"))
    whole = db.get_image(image)
    sql(UNREAD, image=image)
    findings = db.maintenance.validate()
    assert [(f.check, f.ids) for f in findings] == [("file_unread", (image,))]
    (repair,) = db.maintenance.repair(findings)
    assert repair.count == 1
    assert db.get_image(image) == whole
    assert db.maintenance.validate(hash_files=True) == ()


@pytest.mark.parametrize("column", ["width", "height"])
def test_facts_are_not_filled_from_a_file_that_is_another_picture(db, draw, sql, column):
    image = db.store_image(draw("a.png"))
    sql(UNREAD, image=image)
    sql(f"UPDATE images SET {column} = 4000 WHERE id = :image", image=image)
    (repair,) = db.maintenance.repair(db.maintenance.validate())
    assert (repair.count, repair.left) == (0, 1)
    assert db.get_image(image).content_hash is None
    assert getattr(db.get_image(image), column) == 4000


def test_facts_are_not_filled_where_another_image_has_the_content(db, draw, sql, tmp_path):
    first, second = db.store_image(draw("a.png")), db.store_image(draw("b.png", seed=1))
    shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    sql(UNREAD, image=second)
    sql("UPDATE images SET file_size = NULL WHERE id = :image", image=second)
    (repair,) = db.maintenance.repair(db.maintenance.validate())
    assert (repair.count, repair.left) == (0, 1)
    assert "another image has its content" in repair.message
    assert db.get_image(second).content_hash is None
    assert db.get_image(first).content_hash is not None


def test_a_damaged_file_is_left_with_its_reason(db, draw, sql):
    path = draw("a.png")
    image = db.store_image(path)
    sql(UNREAD, image=image)
    path.write_bytes(b"x" * path.stat().st_size)
    (repair,) = db.maintenance.repair(db.maintenance.validate())
    assert (repair.count, repair.left) == (0, 1)
    assert str(path) in repair.message


def test_a_touched_file_is_told_by_what_was_looked_at(db, draw):
    path = draw("a.png")
    db.store_image(path)
    touch(path)
    (by_status,) = db.maintenance.validate()
    (by_content,) = db.maintenance.validate(hash_files=True)
    assert "validate --hash tells whether its content has" in by_status.message
    assert "--hash" not in by_content.message
    assert "its content was read and has not" in by_content.message


def test_the_source_of_a_managed_image_may_go(db, draw):
    path = draw("a.png")
    db.images.add(path, storage="managed")
    path.unlink()
    assert db.maintenance.validate(hash_files=True) == ()


def test_a_changed_copy_in_the_image_store_is_found_by_hashing(db, draw):
    stored = db.images.add(draw("a.png"), storage="managed")
    put(db.get_image(stored.id).path, None, same_size=True)
    assert found(db, hash_files=True).keys() == {("file_changed", "images")}


def test_a_stray_file_in_the_image_store_is_told_and_never_deleted(db, draw):
    stored = db.images.add(draw("a.png"), storage="managed")
    copy = Path(db.get_image(stored.id).path)
    stray = copy.with_name("stray.png")
    shutil.copy(copy, stray)
    assert db.maintenance.validate() == ()  # it may belong to an ingest under way
    hours_ago = time.time() - 7200
    os.utime(stray, (hours_ago, hours_ago))
    findings = db.maintenance.validate()
    (finding,) = findings
    assert (finding.check, finding.count, finding.repair) == ("stray_file", 1, None)
    assert str(stray) in finding.message
    db.maintenance.repair(findings)
    assert stray.exists()


def test_thumbnails_of_unknown_images_are_removed_and_the_others_kept(db, draw, sql):
    known, gone = db.store_image(draw("a.png")), db.store_image(draw("b.png", seed=1))
    kept, stray = db.images.thumbnail(known), db.images.thumbnail(gone)
    bystander = stray.with_name("notes.txt")
    bystander.write_text("not a thumbnail")
    assert db.maintenance.validate() == ()
    sql("DELETE FROM image_fingerprints WHERE image_id = :gone", gone=gone)
    sql("DELETE FROM images WHERE id = :gone", gone=gone)
    findings = db.maintenance.validate()
    assert [(f.check, f.count) for f in findings] == [("thumbnail", 1)]
    (repair,) = db.maintenance.repair(findings)
    assert repair.count == 1
    assert (kept.exists(), stray.exists(), bystander.exists()) == (True, False, True)
    assert db.maintenance.validate() == ()


@pytest.fixture
def matrix(db, draw):
    """The folder of a feature matrix of 4 vectors, and the vectors."""
    images = [db.store_image(draw(f"{n}.png", seed=n)) for n in range(4)]
    vectors = np.arange(32, dtype=np.float32).reshape(4, 8)
    db.store_features(images, "cnn", vectors, extractor_version="v1")
    assert (db.get_features_for_training(images, "cnn") == vectors).all()
    (state,) = db.maintenance.places.matrices.glob("set-*/state.json")
    assert db.maintenance.validate() == ()
    return state.parent


def spoil_numbers(folder):
    (file,) = folder.glob("*/vectors.f32")
    with file.open("r+b") as stream:
        stream.write(b"\x01")


def cut_short(folder):
    (file,) = folder.glob("*/vectors.f32")
    os.truncate(file, 40)


def tear_state(folder):
    (folder / "state.json").write_text('{"token": "1",')


@pytest.mark.parametrize("spoil", [spoil_numbers, cut_short, tear_state])
def test_a_matrix_that_differs_from_the_vectors_is_removed_and_built_again(db, matrix, spoil):
    spoil(matrix)
    findings = db.maintenance.validate()
    assert [(f.check, f.ids) for f in findings] == [("feature_matrix", (1,))]
    (repair,) = db.maintenance.repair(findings)
    assert repair.count == 1
    assert db.maintenance.validate() == ()
    vectors = np.arange(32, dtype=np.float32).reshape(4, 8)
    assert (db.get_features_for_training([1, 2, 3, 4], "cnn") == vectors).all()
    assert db.maintenance.validate() == ()


def test_a_matrix_of_a_set_that_is_gone_is_removed(db, matrix):
    stranger = matrix.with_name("set-77")
    shutil.copytree(matrix, stranger)
    findings = db.maintenance.validate()
    assert [(f.check, f.ids) for f in findings] == [("feature_matrix", (77,))]
    db.maintenance.repair(findings)
    assert db.maintenance.validate() == ()
    assert (matrix / "state.json").exists()


def test_a_matrix_of_another_copy_is_no_finding_for_no_reader_takes_it(db, matrix):
    state = json.loads((matrix / "state.json").read_text())
    (matrix / "state.json").write_text(json.dumps(state | {"token": "0" * 16}))
    assert db.maintenance.validate() == ()
    vectors = np.arange(32, dtype=np.float32).reshape(4, 8)
    db._database.matrices.matrices.clear()
    assert (db.get_features_for_training([1, 2, 3, 4], "cnn") == vectors).all()
    assert json.loads((matrix / "state.json").read_text())["token"] != "0" * 16


def test_a_matrix_that_is_merely_behind_is_no_finding(db, matrix, draw):
    image = db.store_image(draw("new.png", seed=9))
    db.store_features(image, "cnn", np.ones(8, np.float32), extractor_version="v1")
    assert db.maintenance.validate() == ()


def test_every_file_of_many_is_looked_at_in_order(db, draw, sql):
    paths = [draw(f"{n}.png", seed=n, size=(24, 24)) for n in range(300)]
    report = db.ingest(paths, workers=1)
    gone = report.image_ids[::7]
    for path in paths[::7]:
        path.unlink()
    heard = []
    findings = db.maintenance.validate(
        hash_files=True, progress=lambda stage, done, total: heard.append((stage, done, total))
    )
    assert [(f.check, f.count, f.ids) for f in findings] == [("file_missing", len(gone), gone)]
    assert [h for h in heard if h[0] == "files"] == [("files", n + 1, 300) for n in range(300)]


def test_real_micrographs_are_sound_until_one_byte_changes(db, micrographs, tmp_path):
    folder = tmp_path / "micrographs"
    shutil.copytree(micrographs, folder)
    stored = db.ingest(folder).stored
    assert stored > 0
    assert db.maintenance.validate(hash_files=True) == ()
    victim = Path(db.get_image(1).path)
    put(victim, None, same_size=True)
    assert found(db, hash_files=True)["file_changed", "images"].ids == (1,)
