"""A restored file takes the live one's place only while that is nobody else's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import ConflictError, StoreError
from mlmcsc.store.backups.beside import BesideFile
from mlmcsc.store.backups.swapping import LiveFile, holders

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
OPEN = """
import sys, time
import sqlcipher3.dbapi2 as driver
conn = driver.connect(sys.argv[1], timeout=20, isolation_level=None)
"""
IDLE = (
    OPEN + "conn.execute('SELECT * FROM t').fetchall(); print('open', flush=True); time.sleep(60)"
)
LATE = (
    OPEN
    + """
print('waiting', flush=True)
print(conn.execute('SELECT x FROM t').fetchall())
try:
    conn.execute('INSERT INTO t VALUES (99)')
except driver.OperationalError as error:
    print('refused', error)
"""
)
SWAPS = """
import sys
from pathlib import Path
from mlmcsc.store.backups.swapping import LiveFile
live = LiveFile(Path(sys.argv[1]), 5)
live.watch()
live.hold()
print('held', flush=True)
sys.stdin.readline()
live.replace(Path(sys.argv[2]))
print('swapped', flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def live(tmp_path):
    path = tmp_path / "lab.db"
    _make(path, 1, "wal")
    return path


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "lab.db.restoring-1"
    _make(path, 2, "delete")
    return path


def _make(path, value, mode):
    with contextlib.closing(driver.connect(str(path), isolation_level=None)) as conn:
        conn.execute(f"PRAGMA journal_mode={mode}")
        conn.execute("CREATE TABLE alembic_version (version_num TEXT)")
        conn.execute("CREATE TABLE t (x)")
        conn.execute("INSERT INTO t VALUES (?)", (value,))


def values(path):
    with contextlib.closing(driver.connect(str(path))) as conn:
        return [x for (x,) in conn.execute("SELECT x FROM t")]


@contextlib.contextmanager
def running(script, *arguments):
    """Another process that runs the script; its first line has come."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_new_file_takes_the_place_and_nothing_is_left_beside_it(live, new, tmp_path):
    file = LiveFile(live, 5)
    file.watch()
    assert file.hold()
    file.replace(new)
    file.let_go()
    assert values(live) == [2]
    assert [p.name for p in tmp_path.iterdir()] == ["lab.db"]


def test_a_file_that_another_process_has_open_is_not_replaced_and_its_holder_is_named(live, new):
    with running(IDLE, live) as idle:
        file = LiveFile(live, 0.3)
        file.watch()
        with pytest.raises(ConflictError, match=f"process {idle.pid} "):
            file.hold()
        file.let_go()
        assert holders(live) == [f"{idle.pid} {_name(idle.pid)}"]
    assert values(live) == [1]
    assert new.exists()


def _name(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


def test_what_others_wrote_after_the_watch_began_is_noticed(live):
    file = LiveFile(live, 5)
    file.watch()
    with contextlib.closing(driver.connect(str(live), isolation_level=None)) as other:
        other.execute("INSERT INTO t VALUES (3)")
    assert not file.hold()
    file.let_go()
    file.watch()
    assert file.hold()
    file.let_go()
    assert values(live) == [1, 3]


def test_a_process_that_waited_for_the_swap_cannot_write_into_the_old_file(live, new):
    file = LiveFile(live, 5)
    file.watch()
    assert file.hold()
    with running(LATE, live) as late:
        time.sleep(0.3)
        file.replace(new)
        file.let_go()
        told, _ = late.communicate(timeout=30)
    assert "refused" in told
    assert values(live) == [2]


@pytest.mark.parametrize("moment", ["held", "swapped"])
def test_killed_in_the_middle_the_old_or_the_new_file_is_whole(live, new, moment):
    with running(SWAPS, live, new) as process:
        if moment == "swapped":
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "swapped\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert values(live) == ([1] if moment == "held" else [2])
    file = LiveFile(live, 5)  # and nobody is locked out
    file.watch()
    assert file.hold()
    file.let_go()


def test_where_nothing_was_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, new):
    target = tmp_path / "copy.db"
    file = LiveFile(target, 5)
    assert file.state == "missing"
    assert file.hold()
    _make(target, 7, "delete")
    with pytest.raises(ConflictError, match="appeared meanwhile"):
        file.replace(new)
    assert values(target) == [7]


def test_the_log_of_a_file_that_is_gone_is_not_worked_into_the_new_one(live, new, tmp_path):
    with contextlib.closing(driver.connect(str(live), isolation_level=None)) as conn:
        conn.execute("INSERT INTO t VALUES (5)")
        log = (tmp_path / "lab.db-wal").read_bytes()
    live.unlink()
    (tmp_path / "lab.db-wal").write_bytes(log)
    file = LiveFile(live, 5)
    assert file.hold()
    file.replace(new)
    assert values(live) == [2]
    assert (tmp_path / "lab.db.before-restore-wal").read_bytes() == log


def test_a_damaged_file_is_kept_byte_by_byte_and_replaced(live, new):
    whole = live.read_bytes()
    live.write_bytes(whole[:100] + b"\0" * 200 + whole[300:])
    damaged = live.read_bytes()
    file = LiveFile(live, 5)
    assert file.state == "damaged"
    file.watch()
    aside = file.copy_aside(NOW)
    assert file.hold()
    file.replace(new)
    file.let_go()
    assert aside.name == "lab.db.before-restore-20261123T220000Z"
    assert aside.read_bytes() == damaged
    assert values(live) == [2]


def test_a_file_of_another_program_and_a_folder_are_told_apart(tmp_path):
    path = tmp_path / "other.db"
    with contextlib.closing(driver.connect(str(path), isolation_level=None)) as conn:
        conn.execute("CREATE TABLE recipes (x)")
    assert LiveFile(path, 5).state == "another program's"
    with pytest.raises(ConflictError, match="is no file"):
        LiveFile(tmp_path, 5)


def test_what_a_dead_restore_left_is_removed_by_the_next_and_two_cannot_run(tmp_path):
    target = tmp_path / "lab[1].db"
    for name in ("lab[1].db.restoring-dead", "lab[1].db.restoring-dead-wal"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "lab1.db.restoring-of-another").write_bytes(b"stays")
    with BesideFile(target, "new").alone() as tidied:
        assert tidied == ("lab[1].db.restoring-dead", "lab[1].db.restoring-dead-wal")
        with pytest.raises(ConflictError, match="Another process"), BesideFile(target, "b").alone():
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["lab1.db.restoring-of-another"]


def test_without_room_nothing_is_begun(tmp_path):
    with pytest.raises(StoreError, match="needs"):
        BesideFile(tmp_path / "gone" / "lab.db", "1").refuse_without_room(1 << 50)
    assert not (tmp_path / "gone").exists()
