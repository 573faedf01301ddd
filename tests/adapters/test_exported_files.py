"""Of exported files only what was exported is deleted."""

from __future__ import annotations

import hashlib

import pytest

from mlmcsc.adapters.exported_files import removable, remove_exported

ROWS = "a,notes\n1,by Anna Berg\n"


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(ROWS)
    return {"path": str(path), "sha256": hashlib.sha256(ROWS.encode()).hexdigest()}


def test_a_file_behind_a_link_goes_with_the_link(export, tmp_path):
    link, target = tmp_path / "e.csv", tmp_path / "moved.csv"
    link.rename(target)
    link.symlink_to(target)
    assert remove_exported([export]) == ([str(link)], {})
    assert not target.exists()
    assert not link.is_symlink()


def test_a_link_to_something_else_is_told_and_stays(export, tmp_path):
    link, other = tmp_path / "e.csv", tmp_path / "other.csv"
    link.unlink()
    other.write_text("not it")
    link.symlink_to(other)
    deleted, left = remove_exported([export])
    assert deleted == []
    assert str(other) in left[str(link)]
    assert other.exists()


def test_a_dangling_link_is_told(export, tmp_path):
    link = tmp_path / "e.csv"
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    assert "not there any more" in remove_exported([export])[1][str(link)]


@pytest.mark.parametrize(("name", "goes"), [("ANNA BERG", True), ("Eva Roth", False)])
def test_a_file_that_need_not_be_about_the_person_goes_if_it_names_them(export, name, goes):
    exports = [export | {"only": "if it names the person", "format": "csv"}]
    planned, _ = removable(exports, [name])
    deleted, left = remove_exported(exports, [name])
    assert planned == deleted == ([export["path"]] if goes else [])
    assert bool(left) is not goes
