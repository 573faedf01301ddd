import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "data_management_demo.py"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    run = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (folder / "example.db").exists()
    return run.stdout


def test_the_example_runs_through_and_the_database_is_well(said):
    assert "ingested 36 images, 1 other files ignored" in said
    assert "healthy: 36 labels" in said


def test_the_example_trains_a_model_that_is_of_use(said):
    error = re.search(r"mean absolute error on (\d+) test images: ([\d.]+) %", said)

    assert int(error[1]) == 6
    assert float(error[2]) < 20


def test_the_example_uses_the_documented_calls_only():
    text = EXAMPLE.read_text(encoding="utf-8")

    assert "from src.database import DatabaseManager" in text
    assert "mlmcsc.services" not in text
    assert "mlmcsc.store" not in text
