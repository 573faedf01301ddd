"""The original or the adopted database, never a mix: locks, crashes, odd places, failures."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlite

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config
from mlmcsc.errors import AdoptionError, SchemaError
from mlmcsc.store.adoption import building, files
from mlmcsc.store.adoption.holding import hold
from mlmcsc.store.adoption.original import is_original

KILLS = 36
OPEN = (
    "import sys; from mlmcsc import DatabaseManager; db = DatabaseManager(sys.argv[1]);"
    "print(len(db.get_labels().items), db.adoption is not None)"
)
IMPATIENT = load_config(overrides={"database": {"busy_timeout_seconds": 0.3}})


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_killed_anywhere_it_leaves_the_original_or_the_adopted_database(
    original_database, tmp_path
):
    program = Path(__file__).with_name("killed_adoptions.py")
    command = [sys.executable, str(program), str(original_database), str(tmp_path), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) == KILLS
    original = original_database.read_bytes()
    states = set()
    for number in range(KILLS):
        path = tmp_path / str(number) / "lab.db"
        unchanged = path.read_bytes() == original
        states.add(unchanged)
        if not unchanged:
            with closing(sqlite.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert database.execute("SELECT operation FROM audit_logs").fetchall()[-1] == (
                    "ADOPT",
                )
        with DatabaseManager(f"sqlite:///{path}") as manager:
            assert (manager.adoption is not None) == unchanged
            assert len(manager.get_labels(1).items) == 3
            assert manager.get_features(1).items[0].id == 3
        assert not [name for name in names(path.parent) if name.startswith("lab.db.adopting")]
        for backup in path.parent.glob("*.original-*.db"):
            with closing(sqlite.connect(str(backup))) as copy:
                assert copy.execute("SELECT count(*) FROM audit_logs").fetchone() == (15,)
    assert states == {True, False}


def test_processes_that_open_it_at_once_all_see_it_adopted_once(shared_copy):
    command = [sys.executable, "-c", OPEN, f"sqlite:///{shared_copy}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    openers = [subprocess.Popen(command, **pipes) for _ in range(3)]
    results = [opener.communicate()[0].splitlines()[-1] for opener in openers]
    assert sorted(results) == ["3 False"] * 2 + ["3 True"]
    assert len(list(shared_copy.parent.glob("*.original-*.db"))) == 1


def test_threads_that_open_it_at_once_all_see_it_adopted_once(shared_copy, adopt):
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(adopt, [shared_copy] * 4))
    assert sum(report is not None for report in reports) == 1


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "BEGIN; SELECT * FROM images"])
def test_while_another_program_uses_it_nothing_is_done(shared_copy, adopt, statement):
    before = shared_copy.read_bytes()
    with closing(sqlite.connect(str(shared_copy), isolation_level=None)) as other:
        for part in statement.split(";"):
            other.execute(part).fetchone()
        with pytest.raises(AdoptionError, match=r"locked\. Close every program that has it open"):
            adopt(shared_copy, config=IMPATIENT)
        assert shared_copy.read_bytes() == before
        assert names(shared_copy.parent) == ["mlmcsc.db"]
    assert adopt(shared_copy).balanced


def test_while_it_is_held_nobody_else_reads_or_writes_it(shared_copy):
    with (
        hold(shared_copy, 1.0) as held,
        closing(sqlite.connect(str(shared_copy), timeout=0, isolation_level=None)) as other,
    ):
        assert held.source.execute("SELECT count(*) FROM labels").fetchone() == (3,)
        for statement in ("SELECT * FROM labels", "BEGIN IMMEDIATE"):
            with pytest.raises(sqlite.OperationalError, match="locked"):
                other.execute(statement)
    with closing(sqlite.connect(str(shared_copy), timeout=0)) as other:
        assert other.execute("SELECT count(*) FROM labels").fetchone() == (3,)


def test_a_write_ahead_log_is_worked_in_first(shared_copy, adopt, tmp_path):
    with closing(sqlite.connect(str(shared_copy), isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=wal")
        writer.execute("UPDATE labels SET notes = 'in the log' WHERE id = 2")
        crashed = tmp_path / "crashed.db"
        shutil.copyfile(shared_copy, crashed)
        shutil.copyfile(f"{shared_copy}-wal", f"{crashed}-wal")
    assert adopt(crashed).balanced
    with DatabaseManager(f"sqlite:///{crashed}") as manager:
        assert manager.get_labels(1).items[1].notes == "in the log"


def test_an_unfinished_transaction_of_the_original_is_undone(shared_copy, adopt, tmp_path):
    with closing(sqlite.connect(str(shared_copy), isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size=1")
        writer.execute("BEGIN")
        writer.execute("UPDATE features SET feature_vector = zeroblob(90000)")
        writer.execute("UPDATE labels SET notes = 'never committed'")
        crashed = tmp_path / "crashed.db"
        shutil.copyfile(shared_copy, crashed)
        shutil.copyfile(f"{shared_copy}-journal", f"{crashed}-journal")
    assert adopt(crashed).balanced
    with DatabaseManager(f"sqlite:///{crashed}") as manager:
        assert {label.notes for label in manager.get_labels(1).items} == {"Good quality specimen"}


@pytest.mark.parametrize("name", ["my lab data.db", "Prüfung-破面 #1 100%?.sqlite", "a'b\"c.db"])
def test_odd_names_are_no_obstacle(original_database, tmp_path, name):
    folder = tmp_path / "Größe & Co"
    folder.mkdir()
    shutil.copyfile(original_database, folder / name)
    quoted = str(folder / name).translate({ord(char): f"%{ord(char):02X}" for char in "%?#"})
    with DatabaseManager(f"sqlite:///{quoted}") as manager:
        assert manager.adoption.balanced
    assert (folder / Path(manager.adoption.backup_path).name).is_file()


def test_a_relative_path_and_a_symbolic_link_lead_to_the_file(shared_copy, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(shared_copy)
    monkeypatch.chdir(link.parent)
    with DatabaseManager("sqlite:///link.db") as manager:
        assert Path(manager.adoption.backup_path).parent == shared_copy.parent
    assert link.is_symlink()
    assert not is_original(shared_copy)


def test_permissions_are_those_of_the_original(shared_copy, adopt):
    shared_copy.chmod(0o600)
    report = adopt(shared_copy)
    for file in (shared_copy, report.backup_path, f"{report.backup_path}.report.txt"):
        assert os.stat(file).st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_folder_that_cannot_be_written_is_named_and_left_alone(original_database, adopt):
    folder = Path(tempfile.mkdtemp(prefix="mlmcsc-readonly-"))
    path = folder / "lab.db"
    shutil.copyfile(original_database, path)
    path.chmod(0o666)
    folder.chmod(0o555)
    nobody = 65534
    os.seteuid(nobody)
    try:
        with pytest.raises(AdoptionError, match="Make the file and its folder writable"):
            adopt(path)
    finally:
        os.seteuid(0)
    assert path.read_bytes() == original_database.read_bytes()
    assert names(folder) == ["lab.db"]
    shutil.rmtree(folder)


def test_an_earlier_backup_is_never_overwritten(original_database, tmp_path, adopt):
    path = tmp_path / "lab.db"
    backups = set()
    for _ in range(3):
        shutil.copyfile(original_database, path)
        backups.add(adopt(path).backup_path)
    assert len(backups) == 3


@pytest.mark.parametrize("failing", ["flush", "copy_all"])
def test_a_failure_leaves_the_original_and_no_litter(shared_copy, adopt, monkeypatch, failing):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    before = shared_copy.read_bytes()
    monkeypatch.setattr(files if failing == "flush" else building, failing, fail)
    with pytest.raises(AdoptionError, match=r"No space left on device\. Free three times"):
        adopt(shared_copy)
    assert shared_copy.read_bytes() == before
    assert names(shared_copy.parent) == ["mlmcsc.db"]
    monkeypatch.undo()
    assert adopt(shared_copy).balanced


def test_a_damaged_original_is_left_as_it_is(shared_copy, adopt):
    content = bytearray(shared_copy.read_bytes())
    content[40 * 4096 : 41 * 4096] = b"\xff" * 4096
    shared_copy.write_bytes(content)
    with pytest.raises(AdoptionError, match="It was left as it was"):
        adopt(shared_copy)
    assert shared_copy.read_bytes() == content
    assert names(shared_copy.parent) == ["mlmcsc.db"]


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE system_metrics",
        "CREATE TABLE mine (x)",
        "CREATE TABLE alembic_version (version_num)",
        "ALTER TABLE images ADD COLUMN mine",
        "ALTER TABLE labels DROP COLUMN notes",
    ],
)
def test_a_schema_that_is_not_exactly_the_originals_is_not_adopted(shared_copy, change):
    with closing(sqlite.connect(str(shared_copy))) as database:
        database.execute(change)
    assert not is_original(shared_copy)
    with pytest.raises(SchemaError):
        DatabaseManager(f"sqlite:///{shared_copy}")
    assert not list(shared_copy.parent.glob("*.original-*"))


def test_recognising_touches_nothing(original_database, shared_copy, tmp_path):
    (tmp_path / "text.db").write_text("not a database at all, however long this text may be " * 50)
    (tmp_path / "empty.db").touch()
    shared_copy.chmod(0o444)
    before = names(tmp_path)
    assert is_original(shared_copy)
    assert not is_original(tmp_path / "text.db")
    assert not is_original(tmp_path / "empty.db")
    assert not is_original(tmp_path / "absent.db")
    assert not is_original(tmp_path)
    assert names(tmp_path) == before
    assert shared_copy.read_bytes() == original_database.read_bytes()
