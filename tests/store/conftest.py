"""Databases to test the store on: empty or current, of both kinds, with raw SQL."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.keystore import MemoryKeyStore
from mlmcsc.store.engine import EngineOptions, open_engine
from mlmcsc.store.uow import Store
from mlmcsc.store.vault import Vault


@pytest.fixture
def open_store():
    """Open a database without creating or checking its schema."""
    opened = []
    keys = MemoryKeyStore()
    vault = Vault(PycaCryptography(), lambda _: keys)

    def open_at(url):
        store = Store(*open_engine(url, EngineOptions()), vault)
        opened.append(store)
        return store

    yield open_at
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request, tmp_path):
    """A database without any table, once per kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return request.getfixturevalue("empty_postgres_url")


@pytest.fixture
def sql(db):
    """Run raw SQL in a transaction of its own."""

    def run(statement, **values):
        with db._database.store._writer.begin() as conn:
            result = conn.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else []

    return run


@pytest.fixture
def spawn():
    """Start a program in a fresh interpreter; whatever still runs at the end is ended."""
    started = []

    def start(program, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
