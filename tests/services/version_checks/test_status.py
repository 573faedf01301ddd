"""What has happened since a version, as the trail and a look at the files tell."""

from __future__ import annotations

import os
import shutil

import pytest

from mlmcsc.errors import UnknownRecordError


def test_right_after_a_version_nothing_has_happened(lab):
    found = lab.db.version_checks.status()
    assert found.version == "v2"
    assert not found.changed
    assert (found.rows, found.files, found.next_auto_in) == (12, 12, 1000)


def test_labels_stored_corrected_and_verified_since_are_counted(lab):
    lab.db.labels.correct(lab.labels[5], label=0.3, reason="misread")
    lab.db.labels.verify(lab.labels[6], "chief")
    lab.db.store_labels({"image_id": lab.images[:3], "label": [0.1] * 3}, technician_id=1)
    found = lab.db.version_checks.status("v2")
    assert (found.new_labels, found.changed_labels, found.deleted_labels) == (3, 2, 0)
    assert found.next_auto_in == 995
    older = lab.db.version_checks.status("v1")
    assert (older.new_labels, older.changed_labels) == (4, 4)


def test_images_stored_since_are_counted(lab):
    lab.draw("lab/more/a.png", seed=40)
    lab.draw("lab/more/b.png", seed=41)
    lab.db.ingest(lab.folder / "more", workers=0)
    assert lab.db.version_checks.status().new_images == 2


def test_files_that_changed_or_vanished_are_counted_by_size_and_time(lab):
    os.utime(lab.path(lab.images[0]), ns=(1, 1))
    lab.path(lab.images[1]).write_bytes(b"short")
    lab.path(lab.images[2]).unlink()
    elsewhere = shutil.copy2(lab.path(lab.images[3]), lab.folder / "elsewhere.png")
    lab.db.images.add(elsewhere)
    lab.path(lab.images[3]).unlink()
    found = lab.db.version_checks.status()
    assert (found.changed_files, found.missing_files) == (2, 1)
    assert found.changed


def test_without_a_version_there_is_nothing_to_tell(lab):
    for version in ("v1", "v2"):
        lab.db.versions.delete(version, force=True)
    with pytest.raises(UnknownRecordError, match="version create"):
        lab.db.version_checks.status()
