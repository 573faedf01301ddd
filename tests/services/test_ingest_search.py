"""What a search for files finds, follows and reports."""

from __future__ import annotations

import os
import shutil

import pytest

from mlmcsc.errors import ImageFileError


@pytest.fixture
def too_deep(draw, tmp_path):
    """A folder whose full path is longer than the system opens (PATH_MAX, 4096 bytes)."""
    draw("lab/a.png")
    here = os.open(tmp_path / "lab", os.O_RDONLY)
    for _ in range(24):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    yield tmp_path / "lab"
    shutil.rmtree(tmp_path / "lab")


def test_a_folder_that_cannot_be_searched_is_told(db, too_deep):
    report = db.ingest(too_deep, workers=1)
    assert report.stored == 1
    (error,) = report.errors
    assert error.where.startswith(str(too_deep / ("d" * 200)))
    assert "cannot be searched" in error.reason
    with pytest.raises(ImageFileError, match="cannot be searched"):
        db.ingest(too_deep, workers=1, on_error="raise")


def test_a_pattern_tells_it_too(db, too_deep):
    report = db.ingest(f"{too_deep}/**/*.png", workers=1)
    assert (report.stored, len(report.errors)) == (1, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_told(db, draw, tmp_path):
    draw("lab/secret/a.png")
    (tmp_path / "lab/secret").chmod(0)
    report = db.ingest(tmp_path / "lab", workers=1)
    (tmp_path / "lab/secret").chmod(0o700)
    assert "Permission denied" in report.errors[0].reason


@pytest.mark.parametrize("pattern", ["lab", "lab/**/*.png", "**/*.png", "lab/**"])
def test_links_that_form_loops_end(db, draw, tmp_path, pattern):
    path = draw("lab/deeper/a.png")
    for name in ("one", "two", "three"):
        (path.parent / name).symlink_to(tmp_path / "lab", target_is_directory=True)
    report = db.ingest(pattern, workers=1)
    assert (report.stored, report.duplicates, report.errors) == (1, (), ())
    assert db.get_images()[0].path == str(path)


def test_a_link_to_itself_is_told(db, draw, tmp_path):
    draw("lab/a.png")
    (tmp_path / "lab/b.png").symlink_to(tmp_path / "lab/b.png")
    report = db.ingest(tmp_path / "lab", workers=1)
    assert report.stored == 1
    assert [e.where for e in report.errors] == [str(tmp_path / "lab/b.png")]


def test_a_pattern_fits_at_any_depth_and_passes_over_hidden_names(db, draw):
    for i, name in enumerate(["a.png", "x/a.png", "x/y/a.png", "x/y/b.png", "x/.hidden/a.png"]):
        draw(f"lab/{name}", seed=i)
    assert db.ingest("lab/x/**/a.png", workers=1).stored == 2
    assert db.ingest("lab/**/y/*.png", workers=1).stored == 1
    assert db.ingest("l*/**/a.png", workers=1).stored == 1
    report = db.ingest("lab/**/a.png", recursive=False, workers=1)
    assert report.image_ids == tuple(i.id for i in db.get_images(path="lab/x/a.png"))
    assert db.ingest("lab/**/.hidden/*.png", workers=1).stored == 1


def test_hidden_files_belong_to_other_programs(db, draw, tmp_path):
    draw("folder/a.png", seed=1)
    draw("folder/._a.png", seed=2)
    report = db.ingest(tmp_path / "folder")
    assert (report.stored, report.ignored, report.errors) == (1, 1, ())
