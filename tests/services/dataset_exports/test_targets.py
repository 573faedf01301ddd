"""Where an export or checkout may go, and what is left where one was killed."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlmcsc.adapters.folder_drafts import folder_draft
from mlmcsc.errors import ConflictError, ValidationError


def image_path(lab, at):
    return Path(lab.db.get_image(lab.images[at]).path)


def test_no_export_of_others_is_replaced_however_whole_it_looks(lab):
    own = lab.folder / "out"
    own.mkdir()
    (own / "mine.txt").write_bytes(b"mine\n")
    digest = hashlib.sha256(b"mine\n").hexdigest()
    (own / "SHA256SUMS").write_text(f"{digest}  mine.txt\n")
    with pytest.raises(ConflictError, match="not of an export in this database"):
        lab.export(format="csv", overwrite=True)
    assert (own / "mine.txt").read_bytes() == b"mine\n"


@pytest.mark.parametrize("name", ["new\nline", "a\x1b[2J", "turned\u202egnp", "is\u2066olated"])
def test_a_target_that_a_list_would_show_as_another_is_refused(lab, name):
    with pytest.raises(ValidationError, match="which nobody sees"):
        lab.export(name, format="csv")
    with pytest.raises(ValidationError, match="which nobody sees"):
        lab.db.version_checks.checkout("v1", lab.folder / name)


def test_nothing_is_put_inside_another_export(lab):
    lab.export("out", format="csv")
    lab.db.version_checks.checkout("v1", lab.folder / "mine")
    (lab.folder / "way").symlink_to(lab.folder / "out")
    for inside in ("out/sub", "out/data/sub", "mine/images/sub", "way/sub"):
        with pytest.raises(ValidationError, match="exported itself"):
            lab.export(inside, format="csv")
        with pytest.raises(ValidationError, match="exported itself"):
            lab.db.version_checks.checkout("v1", lab.folder / inside)
    assert lab.export("out", format="csv", overwrite=True).export.id == 3


def test_what_a_killed_export_left_is_removed_by_the_next_one_beside_it(lab):
    killed = """
import os, signal, sys
from mlmcsc import DatabaseManager
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
ExportFolder.write_sums = lambda self: os.kill(os.getpid(), signal.SIGKILL)
DatabaseManager(sys.argv[1]).dataset_exports.export(
    "v1", sys.argv[2], format="csv", images="hardlink")
"""
    done = subprocess.run(
        [sys.executable, "-c", killed, lab.db.url, str(lab.folder / "out")], check=False
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = lab.folder.glob(".mlmcsc-*.part")
    assert (left / "train.csv").is_file()
    foreign = lab.folder / ".mlmcsc-mine.part"
    foreign.mkdir()
    originals = [image_path(lab, n).read_bytes() for n in range(12)]
    with folder_draft(lab.folder / "slow", lambda _: None) as draft:
        lab.export("beside", format="csv")
        assert draft.path.is_dir()  # its maker lives
    assert [image_path(lab, n).read_bytes() for n in range(12)] == originals
    assert list(lab.folder.glob(".mlmcsc-*")) == [foreign]
