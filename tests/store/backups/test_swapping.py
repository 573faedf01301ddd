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
from mlmcsc.store.backups.holders import holders
from mlmcsc.store.backups.swapping import LiveFile

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
WRITES = (
    OPEN
    + """
conn.execute('PRAGMA busy_timeout=100')
print('open', flush=True)
conn.execute('CREATE TABLE late (x)')
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


@pytest.mark.parametrize("content", [b"", b"x" * 5000], ids=["damaged", "grown"])
def test_what_others_write_to_a_file_that_is_not_sound_after_its_copy_is_noticed(
    live, new, content
):
    live.write_bytes(b"SQLite format 3\0" + b"\0" * 4080 + content)
    file = LiveFile(live, 5)
    assert file.state == "damaged"
    file.watch()
    file.copy_aside(NOW)
    with live.open("r+b") as other:  # one that asks for no lock
        other.seek(60)
        other.write(b"written late")
    assert not file.hold()
    file.let_go()
    file.watch()
    aside = file.copy_aside(NOW)
    assert file.hold()
    file.replace(new)
    file.let_go()
    assert b"written late" in aside.read_bytes()


def test_from_its_copy_to_the_swap_nobody_can_write_to_a_file_that_is_not_sound(tmp_path):
    path = tmp_path / "lab.db"
    _make(path, 1, "delete")
    with contextlib.closing(driver.connect(str(path), isolation_level=None)) as conn:
        conn.execute("DROP TABLE t")
        conn.execute("DROP TABLE alembic_version")
    file = LiveFile(path, 5)
    assert file.state == "empty"
    file.watch()
    file.copy_aside(NOW)
    with running(WRITES, path) as late:
        late.communicate(timeout=30)
        assert late.returncode
    assert file.hold()
    file.let_go()


def test_looking_changes_no_byte_of_what_is_there(live, tmp_path):
    """A killed program's log stays a log, and an interrupted transaction stays one."""
    with running(IDLE.replace("SELECT * FROM t", "INSERT INTO t VALUES (3)"), live) as killed:
        killed.kill()
        killed.wait()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {"lab.db", "lab.db-wal", "lab.db-shm"}
    assert LiveFile(live, 5).state == "sound"
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in ("lab.db", "lab.db-wal"))


def test_a_disk_that_stammers_makes_no_database_damaged(live, monkeypatch):
    def stammer(*_, **__):
        raise driver.OperationalError("disk I/O error")

    monkeypatch.setattr("mlmcsc.store.backups.looking.connect", stammer)
    with pytest.raises(StoreError, match=r"disk I/O error.*Check the disk"):
        LiveFile(live, 5)


def test_it_is_told_that_it_was_swapped_where_only_the_folder_could_not_be_synced(
    live, new, monkeypatch
):
    def fail(_):
        raise OSError(5, "Input/output error")

    file = LiveFile(live, 5)
    file.watch()
    assert file.hold()
    monkeypatch.setattr("mlmcsc.store.backups.swapping.flush", fail)
    with pytest.raises(StoreError, match="is the restored database now"):
        file.replace(new)
    file.let_go()
    assert values(live) == [2]


def test_a_process_that_ends_while_it_is_asked_for_is_no_holder(live, monkeypatch):
    with running(IDLE, live):
        plain = holders.__globals__["Path"].read_text

        def gone(path, *args):
            if path.name == "comm":
                raise ProcessLookupError(3, "No such process")
            return plain(path, *args)

        monkeypatch.setattr("pathlib.Path.read_text", gone)
        assert holders(live) == []


def test_a_file_of_another_program_and_a_folder_are_told_apart(tmp_path):
    path = tmp_path / "other.db"
    with contextlib.closing(driver.connect(str(path), isolation_level=None)) as conn:
        conn.execute("CREATE TABLE recipes (x)")
    assert LiveFile(path, 5).state == "another program's"
    with pytest.raises(ConflictError, match="is no file"):
        LiveFile(tmp_path, 5)


def test_what_a_dead_restore_left_is_removed_by_the_next_and_two_cannot_run(tmp_path):
    target, dead = tmp_path / "lab[1].db", f"lab[1].db.restoring-{'ab' * 16}"
    for ending in ("", "-wal", ".original-20261123T220000Z.db"):
        (tmp_path / f"{dead}{ending}").write_bytes(b"half")
    others = {f"lab1.db.restoring-{'ab' * 16}", "lab[1].db.restoring-notes.txt"}
    for name in others:
        (tmp_path / name).write_bytes(b"stays")
    with BesideFile(target, "new").alone() as tidied:
        assert tidied == (dead, f"{dead}-wal", f"{dead}.original-20261123T220000Z.db")
        with pytest.raises(ConflictError, match="Another process"), BesideFile(target, "b").alone():
            pass
    assert {p.name for p in tmp_path.iterdir()} == others


def test_without_room_nothing_is_begun(tmp_path):
    with pytest.raises(StoreError, match="needs"):
        BesideFile(tmp_path / "gone" / "lab.db", "1").refuse_without_room(1 << 50)
    assert not (tmp_path / "gone").exists()
