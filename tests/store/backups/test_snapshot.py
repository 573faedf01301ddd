"""A snapshot is one state of a database that others go on writing to, without people's keys."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import Config
from mlmcsc.errors import SchemaError, StoreError, UnsupportedError
from mlmcsc.store.backups import sqlite_snapshot
from mlmcsc.store.backups.digests import digests_of, table_digests
from mlmcsc.store.backups.snapshot import take
from mlmcsc.store.backups.sqlite_snapshot import one_state
from mlmcsc.store.migrations import HEAD

WRITER = """
import sys
from mlmcsc import DatabaseManager
from mlmcsc.config import Config
with DatabaseManager(sys.argv[1]) as db, open(sys.argv[2], "a", buffering=1) as journal:
    for number in range(int(sys.argv[3]), 10**6, 10):
        db.register_technician(f"tech_{number:06d}", "Some Body")
        journal.write(f"{number}\\n")  # acknowledged
"""


@pytest.fixture
def sqlite_db(sqlite_url, tmp_path):
    with DatabaseManager(sqlite_url) as manager:
        yield manager


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "set"
    made.mkdir()
    return made


def _copy(folder):
    return folder / "database" / "mlmcsc.db"


def test_a_snapshot_holds_the_rows_and_names_what_they_were(sqlite_db, folder, draw):
    sqlite_db.store_features(sqlite_db.store_image(draw("a.png")), "cnn", [0.5, 0.25], "v1")
    store = sqlite_db._database.store
    began, told = store.clock(), []
    found = take(store, folder, told=told.append)
    with store.read() as view:
        assert dict(found.tables) == table_digests(view)
    assert found.tables == digests_of(_copy(folder))
    assert found.files == ("database/mlmcsc.db",)
    assert (found.engine, found.schema_revision) == ("sqlite", HEAD)
    assert found.server_version.startswith("SQLite 3.")
    assert began <= found.taken_at <= store.clock()
    assert sum(told) == _copy(folder).stat().st_size


def test_the_copy_is_a_plain_file_with_nothing_beside_it(sqlite_db, folder):
    take(sqlite_db._database.store, folder)
    assert [file.name for file in folder.rglob("*") if file.is_file()] == ["mlmcsc.db"]
    assert _copy(folder).stat().st_mode & 0o777 == 0o600
    assert _copy(folder).read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log (file format, 1.3)
    with closing(sqlite3.connect(f"file:{_copy(folder)}?mode=ro", uri=True)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_data_keys_are_handed_over_and_are_nowhere_in_the_copy(sqlite_db, folder):
    everybody = [f"tech_{number:04d}" for number in range(120)]  # pages split and are merged
    for name in everybody:
        sqlite_db.register_technician(name, "Anna Muster")
    store = sqlite_db._database.store
    with store.read() as view:
        rows = view.conn.exec_driver_sql(
            "SELECT subject_id, key_id, wrapped_key FROM subjects"
        ).fetchall()
    with store.write(sqlite_db.actor) as tx:  # as an erasure and a rotation do
        for subject_id, _, _ in rows[::3]:
            store.dialect.execute(
                tx.conn, "DELETE FROM subjects WHERE subject_id = ?", (subject_id,)
            )
        for subject_id, _, key in rows[1::3]:
            store.dialect.execute(
                tx.conn,
                "UPDATE subjects SET wrapped_key = ? WHERE subject_id = ?",
                (key[::-1] * 2, subject_id),
            )
    found = take(store, folder)
    assert found.data_keys == {
        **{s: (k, w[::-1] * 2) for s, k, w in rows[1::3]},
        **{s: (k, w) for s, k, w in rows[2::3]},
    }
    content = _copy(folder).read_bytes()
    keys = [w for _, _, w in rows] + [w for _, w in found.data_keys.values()]
    assert not [key for key in keys if key in content or key[20:40] in content]
    with store.read() as view:
        assert view.conn.exec_driver_sql("SELECT count(wrapped_key) FROM subjects").scalar() > 70


def test_what_was_acknowledged_before_is_in_it_and_nothing_is_torn(
    sqlite_db, sqlite_url, folder, spawn, tmp_path
):
    journals = [tmp_path / f"journal {number}" for number in range(2)]
    for number, journal in enumerate(journals):
        journal.touch()
        spawn(WRITER, sqlite_url, journal, number)
    until = time.monotonic() + 30
    while any(not journal.read_text() for journal in journals) and time.monotonic() < until:
        time.sleep(0.05)
    for number in range(3):
        place = folder / str(number)
        place.mkdir()
        acknowledged = [line for j in journals for line in j.read_text().split("\n")[:-1]]
        found = take(sqlite_db._database.store, place)
        assert found.tables == digests_of(_copy(place))
        with closing(sqlite3.connect(_copy(place))) as copy:
            held = {name for (name,) in copy.execute("SELECT technician_id FROM technicians")}
            # One transaction wrote each person, the person's subject and two events.
            people = copy.execute("SELECT count(*) FROM subjects").fetchone()[0]
        assert {f"tech_{int(line):06d}" for line in acknowledged} <= held
        assert people >= len(held)
    assert all(len(journal.read_text().split()) > 1 for journal in journals)


def test_a_writer_in_the_middle_of_a_long_transaction_is_not_waited_for(sqlite_db, folder):
    store = sqlite_db._database.store
    with store.write(sqlite_db.actor) as tx:
        store.dialect.execute(tx.conn, "UPDATE model_versions SET name = 'not yet'", ())
        took = _seconds(lambda: take(store, folder))
    assert took < 5
    with closing(sqlite3.connect(_copy(folder))) as copy:
        assert copy.execute("SELECT name FROM model_versions").fetchall() != [("not yet",)]


def test_writers_go_on_while_a_snapshot_is_open(sqlite_db):
    store = sqlite_db._database.store
    with one_state(store) as state:
        before = [r.execute("SELECT count(*) FROM technicians").fetchone() for r in state.readers]
        for number in range(20):
            sqlite_db.register_technician(f"tech_{number}", "Some Body")
        after = [r.execute("SELECT count(*) FROM technicians").fetchone() for r in state.readers]
    assert before == after == [(0,)] * 3


def test_where_commits_never_pause_writers_are_held_for_the_instant(sqlite_db, monkeypatch):
    store = sqlite_db._database.store
    real = sqlite_snapshot._version
    asked = []

    def restless(connection):
        asked.append(1)
        if len(asked) <= 2 * sqlite_snapshot.FREE_ATTEMPTS and len(asked) % 2 == 0:
            sqlite_db.register_technician(f"tech_{len(asked)}", "Some Body")
        return real(connection)

    monkeypatch.setattr(sqlite_snapshot, "_version", restless)
    with one_state(store) as state:
        counts = [r.execute("SELECT count(*) FROM technicians").fetchone() for r in state.readers]
    assert counts == [(sqlite_snapshot.FREE_ATTEMPTS,)] * 3
    sqlite_db.register_technician("tech_after", "Some Body")


def test_a_database_in_memory_is_refused(folder):
    with DatabaseManager("sqlite://") as memory, pytest.raises(UnsupportedError, match="in memory"):
        take(memory._database.store, folder)
    assert not list(folder.iterdir())


def test_a_database_of_another_program_is_refused(open_store, folder, tmp_path):
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE t(x)")
    store = open_store(f"sqlite:///{tmp_path}/foreign.db")
    with pytest.raises(SchemaError, match="no mlmcsc schema"):
        take(store, folder)
    assert not list(folder.iterdir())


def test_a_damaged_database_is_told_and_nothing_is_left(sqlite_url, open_store, folder, tmp_path):
    file = tmp_path / "mlmcsc.db"
    content = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as found:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'labels'"
        page = found.execute(query).fetchone()[0]
    content[(page - 1) * 16384 : page * 16384] = b"\xa5" * 16384
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"malformed.*restore a backup"):
        take(open_store(sqlite_url), folder)
    assert not list(folder.iterdir())


def test_a_full_disk_is_told_and_nothing_is_left(sqlite_db, folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))  # Python ignores the signal
    try:
        with pytest.raises(StoreError, match=r"copy .* could not be made"):
            take(sqlite_db._database.store, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(folder.iterdir())


def test_who_is_told_may_end_it_and_nothing_is_left(sqlite_db, folder):
    def enough(_n_bytes):
        raise KeyboardInterrupt

    before = set(threading.enumerate())  # of other tests
    with pytest.raises(KeyboardInterrupt):
        take(sqlite_db._database.store, folder, told=enough)
    assert not list(folder.iterdir())
    assert set(threading.enumerate()) <= before
    take(sqlite_db._database.store, folder)  # all connections came back


def test_a_file_may_be_taken_away_as_soon_as_it_is_whole(sqlite_db, folder, tmp_path):
    def take_away(names):
        for name in names:
            (folder / name).rename(tmp_path / "taken.db")

    found = take(sqlite_db._database.store, folder, written=take_away)
    assert found.files == ("database/mlmcsc.db",)
    assert digests_of(tmp_path / "taken.db") == found.tables


def test_what_its_taker_complains_of_ends_it_and_nothing_is_left(sqlite_db, folder):
    def refuse(_names):
        raise StoreError("no room")

    with pytest.raises(StoreError, match="no room"):
        take(sqlite_db._database.store, folder, written=refuse)
    assert not list(folder.iterdir())


def test_the_smallest_pool_of_connections_is_enough(sqlite_url, folder):
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout_seconds": 1}
    with DatabaseManager(sqlite_url, config=Config.model_validate({"database": pool})) as small:
        take(small._database.store, folder)
    assert _copy(folder).exists()


def test_a_folder_that_has_one_already_is_left_alone(sqlite_db, folder):
    (folder / "database").mkdir()
    (folder / "database" / "mine").touch()
    with pytest.raises(StoreError, match=os.strerror(errno.EEXIST)):
        take(sqlite_db._database.store, folder)
    assert [file.name for file in Path(folder / "database").iterdir()] == ["mine"]


def _seconds(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began
