"""Killed, refused or cut short at any call, nothing acknowledged is lost and nothing is torn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMME = Path(__file__).with_name("programme")
OPERATIONS = ["ingest", "migrate", "erase", "version", "backup", "restore"]
UNABLE = 77


def carry_out(operation, *words):
    """The programme's own command; its table line for each fault."""
    command = [sys.executable, PROGRAMME, "--operation", operation, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == UNABLE:
        pytest.skip(ran.stderr.strip())
    return ran


@pytest.mark.parametrize(
    ("operations", "faults"),
    [(OPERATIONS, ["kill"]), (["ingest", "backup"], ["eio", "enospc", "short"])],
    ids=["killed", "refused or cut short"],
)
def test_a_fault_here_and_there_does_no_harm(operations, faults, tmp_path):
    few = ["--points", "1", "--units", "1", "--workers", "1", "--results", str(tmp_path)]
    ran = carry_out(",".join(operations), "--faults", ",".join(faults), *few)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for operation in operations:
        assert f"{operation} {faults[0]}: 1 happened" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_fault_at_any_of_thousands_of_calls_does_harm(operation):
    """Goes on from what `make faults` has done with the same code; alone it takes long."""
    ran = carry_out(operation)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    assert "kill: 1000 happened" in ran.stdout


SHORTENED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from shortening import Shortening
ready, go = os.pipe()
child = os.fork()
if not child:
    os.read(ready, 1)
    file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
    os._exit(sum(os.write(file, bytes(100)) for _ in range(2)) == 150)
shortening = Shortening(child, 2)
shortening.attach()
os.write(go, b"x")
print(os.waitstatus_to_exitcode(shortening.follow()), shortening.done)
"""


SHORTENS = """
import sys
sys.path.insert(0, sys.argv[1])
import shortening
sys.exit(shortening.missing())
"""


def test_a_short_write_is_one_that_the_kernel_made(tmp_path):
    words = [sys.executable, "-c", SHORTENED, PROGRAMME, tmp_path / "file"]
    if subprocess.run([*words[:2], SHORTENS, PROGRAMME], check=False).returncode:
        pytest.skip("writes are shortened on Linux x86-64 only")
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("1 True\n", "")
    assert (tmp_path / "file").stat().st_size == 150


def test_the_judge_finds_what_was_taken_away(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAMME))
    from journal import Told
    from judging import judge
    from operations import OPERATIONS
    from operations.laboratory import rows_of

    ingest = OPERATIONS["ingest"]
    ingest.prepare(tmp_path)
    told = Told({unit: ingest.perform(tmp_path, unit) for unit in (0, 1)}, begun=1)
    assert judge(ingest, tmp_path, told, thorough=True) == []

    lost = next(path for path in (tmp_path / "lab.db.images").rglob("*.png"))
    lost.write_bytes(lost.read_bytes()[:-1])
    assert "managed copy" in judge(ingest, tmp_path, told, thorough=False)[0]

    with rows_of(tmp_path / "lab.db") as rows:
        rows.execute("DELETE FROM images WHERE id = 9")
        rows.commit()
    halves = judge(ingest, tmp_path, Told({0: told.promises[0]}, begun=1), thorough=False)
    assert "torn: 5 of 6 images of a batch" in halves
