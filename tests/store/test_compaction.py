"""What rows took is given back to the disk, and nothing deleted is left in the files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

CANARY = "canary-5b1f"


class Usage(NamedTuple):
    free: int


@pytest.fixture
def emptied(db, sql):
    """A database from which 5 MB of rows with a canary were deleted."""
    for k in range(50):
        sql(
            "INSERT INTO specimens (specimen_id, notes, created_at) "
            "VALUES (:s, :n, '2026-01-01 00:00:00')",
            s=f"S{k}",
            n=CANARY * 10_000,
        )
    sql("DELETE FROM specimens")
    return db


def compact(db, **options):
    store = db._database.store
    return store.dialect.compact(store.engine, ["specimens"], **options)


def test_the_file_shrinks_and_holds_nothing_deleted(emptied):
    done = compact(emptied)
    assert done.refused is None
    if emptied._database.store.dialect.path is None:
        return  # a server's files are its own; see the next test
    assert done.bytes_after < done.bytes_before - 4_000_000
    path = emptied._database.store.dialect.path
    for file in (path, Path(f"{path}-wal")):
        assert not file.exists() or CANARY.encode() not in file.read_bytes()
    assert Path(f"{path}-wal").stat().st_size == 0


def test_rewritten_tables_shrink_on_every_database(emptied):
    done = compact(emptied, rewrite=True)
    assert done.refused is None
    assert done.bytes_after < done.bytes_before


def test_without_room_it_is_not_begun_and_told(sqlite_url, monkeypatch):
    from mlmcsc import DatabaseManager

    with DatabaseManager(sqlite_url) as db:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1_000))
        done = compact(db)
    assert "0 MB free" in done.refused
    assert done.bytes_after == done.bytes_before


def test_a_reader_who_holds_the_log_is_told_of(sqlite_url):
    from mlmcsc import DatabaseManager
    from mlmcsc.config import load_config

    quick = load_config(overrides={"database": {"busy_timeout_seconds": 0.1}})
    with DatabaseManager(sqlite_url, config=quick) as db:
        db.register_specimen("S1")
        with db._database.store.read() as view:
            view.conn.exec_driver_sql("SELECT count(*) FROM specimens").scalar()
            db.register_specimen("S2")
            assert "another connection reads" in (compact(db).refused or "")
        assert compact(db).refused is None


def test_another_program_that_writes_is_waited_for_and_told(sqlite_url):
    from mlmcsc import DatabaseManager
    from mlmcsc.config import load_config

    quick = load_config(overrides={"database": {"busy_timeout_seconds": 0.1}})
    with DatabaseManager(sqlite_url, config=quick) as db, DatabaseManager(sqlite_url) as other:
        with other._database.store.write(other.actor):
            assert "locked" in compact(db).refused
        assert compact(db).refused is None
