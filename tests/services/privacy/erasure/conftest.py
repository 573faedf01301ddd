"""The laboratory with its traces, of each kind of database, with folders of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager


def _laboratory():
    spec = importlib.util.spec_from_file_location(
        "erasure_laboratory", Path(__file__).with_name("laboratory.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def lab():
    """The person's names, and what fills a database with their traces."""
    return _laboratory()


@pytest.fixture
def db(url, own_keys, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archive"))
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.setenv("MLMCSC_PERFORMANCE__CACHE_DIRECTORY", str(tmp_path / "caches"))
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as manager:
        # Other tests erase people of databases with the same id: copies of one template.
        manager._database.ledger.path.unlink(missing_ok=True)
        yield manager


@pytest.fixture
def row(db, lab, draw, tmp_path):
    """The technician's row id in a laboratory full of traces."""
    (tmp_path / "exports").mkdir()
    return lab.fill(db, draw, tmp_path / "exports")


@pytest.fixture
def ledger(db):
    """The lines of the erasure ledger."""

    def read():
        path = db._database.ledger.path
        return path.read_text().splitlines() if path.exists() else []

    return read
