"""Archived rows have the same period as live ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mlmcsc.services.retention import archived

LABELS = "image may have archived labels to be kept"


@pytest.fixture(autouse=True)
def archives_of_a_server(tmp_path, monkeypatch):
    """A server has no file to keep archives beside."""
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archives"))


@pytest.fixture
def shelved(lab):
    """All labels, 1000 to 1200 days old, in one archive."""
    return lab.archives.create("labels", timedelta(days=900), compact=False).archive


@pytest.fixture
def later(db, now, monkeypatch):
    """Go 200 days on: the archive's period is over."""

    def go():
        monkeypatch.setattr(db._database.store, "clock", lambda: now + timedelta(days=200))

    return go


def test_an_archive_is_due_when_its_youngest_row_is(lab, shelved, line, later):
    assert line("archived_labels").due == 0
    later()
    found = line("archived_labels")
    assert (found.due, found.to_do, found.oldest) == (1, 1, shelved.newest)


def test_images_of_archived_labels_wait_for_them(lab, shelved, line, later):
    assert line("images").held_by == {LABELS: 4}
    assert line("images", only=["images"]).held_by == {LABELS: 4}
    later()
    assert line("images").to_do == 6


def test_an_archive_beyond_its_period_goes_with_its_files(lab, shelved, later, audit, sql):
    folder = lab.archives.folder.place(shelved.path)
    later()
    (done,) = lab.retention.apply(["archived_labels"]).types
    assert done.rows == 1
    assert not folder.exists()
    assert lab.archives.list() == []
    (event,) = (e for e in audit() if e.operation == "RETAIN")
    assert (event.table_name, event.record_id) == ("archives", shelved.id)


def test_a_folder_that_an_interrupted_run_left_goes_with_the_next(lab, shelved, later, monkeypatch):
    folder = lab.archives.folder.place(shelved.path)
    later()
    with monkeypatch.context() as patch:
        patch.setattr(archived, "remove_folders", lambda *_: None)
        lab.retention.apply(["archived_labels"])
    assert folder.exists()
    lab.retention.apply(["archived_labels"])
    assert not folder.exists()


def test_while_anything_is_held_no_archive_goes(lab, shelved, line, later, hold):
    hold(person="tech_002")
    later()
    found = line("archived_labels")
    assert (found.due, found.to_do) == (1, 0)
    lab.retention.apply(["archived_labels"])
    assert lab.archives.folder.place(shelved.path).exists()


def test_a_restored_archive_is_an_entry_only(lab, shelved, line, later):
    lab.archives.restore(shelved.name)
    later()
    assert line("archived_labels").due == 0
    assert line("labels").due == 4
