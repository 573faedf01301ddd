"""Killed, refused or cut short at any call, nothing acknowledged is lost and nothing is torn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMME = Path(__file__).with_name("programme")
OPERATIONS = ["ingest", "migrate", "erase", "version"]
UNABLE = 2


def carry_out(operation, *words):
    """The programme's own command; its table line for each fault."""
    command = [sys.executable, PROGRAMME, "--operation", operation, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == UNABLE:
        pytest.skip(ran.stderr.strip())
    return ran


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_here_and_there_does_no_harm(operation, tmp_path):
    ran = carry_out(operation, "--points", "3", "--units", "2", "--workers", "1", "--results", str(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "kill: 3 happened" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_fault_at_any_of_thousands_of_calls_does_harm(operation):
    """Goes on from what `make faults` has done with the same code; alone it takes long."""
    ran = carry_out(operation)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    assert "kill: 1000 happened" in ran.stdout
