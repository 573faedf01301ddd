"""Killed at any moment, a restore leaves the old database whole or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_restores.py")


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("unpacked", marks=pytest.mark.slow),
        pytest.param("opened", marks=pytest.mark.slow),
        "erased",
        pytest.param("finished", marks=pytest.mark.slow),
        "held",
        "swapped",
    ],
)
def test_old_or_new_is_whole_and_the_next_run_tidies(filled, moment):
    with filled.open() as db:
        db.delete_user_data("kanarie_007")
    command = [sys.executable, str(SCRIPT), filled.url, str(filled.place), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with filled.open() as db:
        assert len(db.get_labels()) == (6 if moment == "swapped" else 7)
        assert not db.erasure.unreplayed()
        assert not db.version_checks.verify("v1").findings
        assert db.audit_proof.verify().verdict == "intact"
    done = filled.restore()
    assert done.tidied
    assert not [p for p in filled.folder.iterdir() if "restoring" in p.name]
    assert filled.traces() == []
    with filled.open() as db:
        assert len(db.get_labels()) == 6
