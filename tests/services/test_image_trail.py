"""What the audit trail tells of an image's files: further paths, new times, the whole batch."""

from __future__ import annotations

import json
import os
import shutil

import pytest


@pytest.fixture
def trail(audit):
    """Events with their values decoded, oldest first."""

    def decoded(value):
        return json.loads(value) if isinstance(value, str) else value

    def read(operation, table):
        return [
            (e.record_id, e.n_rows, decoded(e.old_values), decoded(e.new_values), e.digest)
            for e in audit()
            if (e.operation, e.table_name) == (operation, table)
        ]

    return read


def test_a_further_path_of_known_content_is_told_with_the_whole_row(db, draw, tmp_path, trail):
    image = db.store_image(draw("a.png"))
    path = shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    db.store_image(path)
    ((alias, size, old, new, _),) = trail("CREATE", "image_aliases")
    status = os.stat(path)
    assert (alias, size, old) == (1, 1, None)
    assert new.pop("created_at")
    assert new == {
        "image_id": image,
        "path": str(path),
        "file_size": status.st_size,
        "file_mtime_ns": status.st_mtime_ns,
    }


def test_a_file_read_again_is_told_with_its_time_before_and_after(db, draw, trail):
    path = draw("a.png")
    image = db.store_image(path)
    before = path.stat().st_mtime_ns
    os.utime(path, ns=(5_000_000_000, 5_000_000_000))
    db.store_image(path)
    ((record, size, old, new, _),) = trail("UPDATE", "images")
    assert (record, size) == (image, 1)
    assert old == {"file_mtime_ns": before}
    assert new == {"file_mtime_ns": 5_000_000_000}


def test_many_files_read_again_are_one_event_with_every_row_before_and_after(db, draw, trail):
    paths = [draw(f"lab/{n}.png", seed=n) for n in range(3)]
    first = db.ingest(paths, workers=1)
    times = {str(i): p.stat().st_mtime_ns for i, p in zip(first.image_ids, paths, strict=True)}
    for path in paths:
        os.utime(path, ns=(5_000_000_000, 5_000_000_000))
    db.ingest(paths, workers=1, magnification=20.0)
    ((record, size, old, new, digest),) = trail("UPDATE", "images")
    assert (record, size, len(digest)) == (None, 3, 64)
    assert [new.pop("first_id"), new.pop("last_id")] == [min(first.image_ids), max(first.image_ids)]
    assert old == {i: {"file_mtime_ns": t, "magnification": None} for i, t in times.items()}
    assert new == {i: {"file_mtime_ns": 5_000_000_000, "magnification": 20.0} for i in times}


def test_an_image_is_told_with_its_whole_row(db, draw, trail):
    image = db.store_image(draw("a.png"), specimen_id="S1", magnification=20.0)
    ((record, _, old, new, _),) = trail("CREATE", "images")
    stored = db.get_image(image).to_dict()
    assert (record, old) == (image, None)
    assert new.keys() == stored.keys() - {"id", "updated_at"}
    assert all(
        new[name] == value
        for name, value in stored.items()
        if isinstance(value, str | int) and name != "id"
    )


def test_making_another_model_active_tells_of_both(db, trail):
    first = db.register_model_version("v1", "net", "/m")
    second = db.register_model_version("v2", "net", "/m")
    db.set_active_model("v1")
    db.set_active_model("v2")
    assert trail("UPDATE", "model_versions") == [
        (first, 1, {"is_active": True}, {"is_active": False}, None)
    ]
    assert [event[0] for event in trail("ACTIVATE", "model_versions")] == [first, second]
