"""Running commands: in this process for the many, in their own for the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from mlmcsc import DatabaseManager
from mlmcsc.cli import main

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """Run a command line in this process, in an empty folder, on a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    yield run
    structlog.reset_defaults()  # the commands send log lines to this test's stderr


@pytest.fixture
def mlmcsc(cli, sqlite_url):
    """Run a command line on an empty SQLite database."""
    return lambda *words: cli("--database", sqlite_url, *words)


@pytest.fixture
def program(tmp_path):
    """Run the real program in its own process."""

    def run(*words, start=("-m", "mlmcsc"), cwd=ROOT, url=None, **variables):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLMCSC_")}
        environment["DATABASE_URL"] = url or f"sqlite:///{tmp_path}/program.db"
        done = subprocess.run(
            [sys.executable, *start, *map(str, words)],
            cwd=cwd,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def labelled(mlmcsc, sqlite_url, draw, tmp_path):
    """A database with 12 images of 6 specimens, a technician, a prediction and a label each."""
    for number in range(12):
        draw(f"SPEC_{number // 2:03d}_{number:02d}.png", seed=number)
    ids = range(1, 13)
    with DatabaseManager(sqlite_url) as db:
        db.ingest(tmp_path, recursive=False, workers=0, specimen_from=r"(SPEC_\d{3})")
        who = db.register_technician("tech_001", "John Doe")
        db.store_labels({"image_id": ids, "label": [i / 12 for i in range(12)]}, technician_id=who)
        db.store_predictions({"image_id": ids}, model_version_id=1, prediction=0.5, confidence=0.9)
    return mlmcsc
