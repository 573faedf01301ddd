"""Bulk ingest: whole folders, resumable, idempotent, one bad file never stops the rest."""

from __future__ import annotations

import os
import shutil
import signal

import psutil
import pytest

from mlmcsc.errors import ConflictError, ImageFileError, ImageMissingError, ValidationError
from mlmcsc.services.images import ingest as ingest_module


@pytest.fixture
def folder(draw, tmp_path):
    """Six images in two levels, a text file, and a picture that is none."""
    for i in range(4):
        draw(f"lab/HEAT7_T-40_SPEC{i}_a.png", seed=i)
    for i in range(2):
        draw(f"lab/deeper/HEAT8_T20_SPEC{i + 4}_b.png", seed=10 + i)
    (tmp_path / "lab/notes.txt").write_text("no image")
    (tmp_path / "lab/fake.png").write_text("no image either")
    return tmp_path / "lab"


def seen(db):
    return {
        (i.filename, i.content_hash, i.width, i.specimen_id, i.magnification)
        for i in db.get_images(limit=1000)
    }


def test_a_folder_is_stored_and_what_failed_is_told(db, folder):
    report = db.ingest(folder, workers=1)
    assert (report.stored, report.unchanged, report.ignored) == (6, 0, 1)
    (error,) = report.errors
    assert error.where.endswith("fake.png")
    assert "fake.png" in error.reason
    assert len(report.image_ids) == 6
    assert report.bytes_read > 0


def test_a_second_run_stores_and_reads_nothing(db, folder, nothing_written):
    first = db.ingest(folder, workers=1)
    with nothing_written():
        second = db.ingest(folder, workers=1)
    assert (second.stored, second.unchanged, second.bytes_read) == (0, 6, 0)
    assert second.image_ids == first.image_ids


def test_a_folder_without_its_sub_folders(db, folder):
    assert db.ingest(folder, recursive=False, workers=1).stored == 4


def test_a_pattern_and_a_list_name_files_too(db, folder):
    assert db.ingest(f"{folder}/*_a.png", workers=1).stored == 4
    both = sorted((folder / "deeper").iterdir())
    report = db.ingest([both[1], str(both[0]), both[1]], workers=1)
    assert report.stored == 2
    first, second = report.image_ids
    assert db.get_image(first).path == str(both[1])
    assert db.get_image(second).path == str(both[0])
    assert db.ingest(str(both[0])).unchanged == 1


def test_a_folder_or_pattern_that_is_not_there_is_an_error(db, tmp_path, refuses):
    refuses(ImageMissingError, "no such folder", db.ingest, tmp_path / "gone")
    refuses(ImageMissingError, "fits no file", db.ingest, f"{tmp_path}/*.gone")
    report = db.ingest([tmp_path / "gone.png"])
    assert len(report.errors) == 1


def test_worker_processes_store_what_one_process_stores(db, folder, tmp_path):
    options = {"specimen_from": r"(SPEC\d)", "magnification": 200.0}
    report = db.ingest(folder, workers=2, **options)
    in_parallel = seen(db)
    assert (report.stored, len(report.errors)) == (6, 1)
    assert {name for name, *_ in in_parallel} == {p.name for p in folder.rglob("*_[ab].png")}
    moved = tmp_path / "again"
    shutil.copytree(folder, moved)
    alone = db.ingest(moved, workers=1, **options)  # recognised: the same facts were read
    assert (alone.stored, len(alone.duplicates)) == (0, 6)
    assert seen(db) == in_parallel


def test_named_groups_of_the_path_describe_image_and_specimen(db, folder):
    pattern = r"(?P<heat>HEAT\d)_T(?P<temperature_c>-?\d+)_(?P<specimen>SPEC\d)"
    report = db.ingest(folder, specimen_from=pattern, workers=1)
    assert report.stored == 6
    found = db.specimens.get("SPEC1")
    assert (found.heat, found.temperature_c) == ("HEAT7", -40.0)
    assert len(db.get_images(specimen_id="SPEC5")) == 1


def test_a_path_that_the_pattern_does_not_fit_is_told(db, folder):
    report = db.ingest(folder, specimen_from=r"(SPEC[0-2])_", workers=1)
    assert report.stored == 3
    assert sum("does not fit" in e.reason for e in report.errors) == 3


@pytest.mark.parametrize("pattern", ["(", "SPEC", r"(?P<colour>\w)"])
def test_a_pattern_that_names_no_specimen_is_refused(db, folder, refuses, pattern):
    refuses(ValidationError, "specimen_from", db.ingest, folder, specimen_from=pattern)


def test_wrong_arguments_are_refused_before_anything_is_read(db, folder, refuses):
    for wrong in [{"workers": -1}, {"workers": True}, {"on_error": "skip"}, {"storage": "cloud"}]:
        refuses(ValidationError, next(iter(wrong)), db.ingest, folder, **wrong)


def test_an_interrupted_run_keeps_what_it_stored_and_goes_on_from_there(db, folder, monkeypatch):
    monkeypatch.setattr(ingest_module, "BATCH", 1)
    monkeypatch.setattr("mlmcsc.adapters.image_workers.CHUNK", 2)

    def stop(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.ingest(folder, workers=1, progress=stop)
    stored = len(db.get_images())
    assert 0 < stored < 6
    calls = []
    report = db.ingest(folder, workers=1, progress=lambda done, total: calls.append((done, total)))
    assert (report.stored, report.unchanged) == (6 - stored, stored)
    assert calls[-1] == (7, 7)
    assert calls == sorted(calls)


def test_on_error_raise_stops_at_the_first_bad_file(db, folder):
    with pytest.raises(ImageFileError, match=r"fake\.png"):
        db.ingest(folder, workers=1, on_error="raise")


def test_the_same_content_twice_in_a_run_is_stored_once_and_told(db, draw):
    path = draw("lab/a.png")
    shutil.copy(path, path.with_name("b.png"))
    report = db.ingest(path.parent, workers=1)
    assert report.stored == 1
    (double,) = report.duplicates
    assert double.duplicate_of == str(path)
    assert report.image_ids == (double.id, double.id)


def test_a_changed_file_is_a_conflict_and_the_others_go_on(db, folder, draw):
    db.ingest(folder, workers=1)
    draw("lab/HEAT7_T-40_SPEC0_a.png", seed=77)
    draw("lab/new.png", seed=78)
    report = db.ingest(folder, workers=1)
    assert report.stored == 1
    assert any("holds other content" in e.reason for e in report.errors)
    with pytest.raises(ConflictError):
        db.ingest([folder / "HEAT7_T-40_SPEC0_a.png"], workers=1, on_error="raise")


def test_a_later_run_may_add_facts_and_may_not_contradict(db, folder):
    db.ingest(folder, workers=1)
    db.ingest(folder, workers=1, magnification=100.0, quality_score=0.5)
    assert {(i.magnification, i.quality_score) for i in db.get_images()} == {(100.0, 0.5)}
    report = db.ingest(folder, workers=1, magnification=200.0)
    assert sum("magnification is 100.0, not 200.0" in e.reason for e in report.errors) == 6


def test_managed_copies_are_stored_once_whatever_the_run(db, folder):
    first = db.ingest(folder, workers=1, storage="managed")
    second = db.ingest(folder, workers=1, storage="managed")
    assert (first.stored, second.stored, second.bytes_read) == (6, 0, 0)
    assert second.image_ids == first.image_ids
    assert {i.storage for i in db.get_images()} == {"managed"}


def test_a_name_that_is_not_unicode_is_told_and_the_others_go_on(db, folder, draw):
    path = os.fsencode(folder) + b"/half\xff.png"
    shutil.copy(draw("x.png", seed=55), path)
    report = db.ingest(folder, workers=1)
    assert report.stored == 6
    assert any("Unicode" in e.reason for e in report.errors)


def test_a_path_that_is_too_long_is_told_and_the_others_go_on(db, folder, draw):
    deep = folder.joinpath(*["d" * 100] * 5)
    deep.mkdir(parents=True)
    shutil.copy(draw("x.png", seed=55), deep / "x.png")
    report = db.ingest(folder, workers=1)
    assert report.stored == 6
    assert any("500 characters" in e.reason for e in report.errors)


def test_a_worker_that_is_killed_costs_no_file_that_can_be_read(db, draw, tmp_path):
    for i in range(100):
        draw(f"many/{i:03}.png", seed=i, size=(16, 12))
    ours = {p.pid for p in psutil.Process().children()}
    killed = []

    def kill_a_reader(done, total):
        for child in psutil.Process().children():
            if (
                not killed
                and child.pid not in ours
                and "image_workers" in " ".join(child.cmdline())
            ):
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)

    ingest_module_batch = ingest_module.BATCH
    try:
        ingest_module.BATCH = 32
        report = db.ingest(tmp_path / "many", workers=2, progress=kill_a_reader)
    finally:
        ingest_module.BATCH = ingest_module_batch
    assert killed
    assert report.stored + len(report.errors) + len(report.duplicates) == 100
    assert db.ingest(tmp_path / "many", workers=1).errors == ()
    assert len(db.get_images(limit=1000)) == 100


def test_the_batch_is_one_event_that_says_how_many(db, folder, audit):
    db.ingest(folder, workers=1)
    (event,) = [e for e in audit() if e.operation == "INGEST"]
    assert (event.table_name, event.n_rows) == ("images", 6)
