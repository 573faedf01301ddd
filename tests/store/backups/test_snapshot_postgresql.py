"""A snapshot of a server is what `pg_dump` writes of one state, without people's keys."""

from __future__ import annotations

import csv
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import StoreError, UnsupportedError
from mlmcsc.store.backups.digests import digests_of
from mlmcsc.store.backups.postgresql_tools import complaint, connects
from mlmcsc.store.backups.snapshot import take

pytestmark = pytest.mark.postgres

FILES = ["database/dump/toc.dat", "database/subjects.csv"]


@pytest.fixture
def tools(postgres_programs):
    return postgres_programs


@pytest.fixture
def server_db(postgres_url, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_DATABASE__IMAGE_STORE", str(tmp_path / "image-store"))
    with DatabaseManager(postgres_url) as manager:
        yield manager


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "set"
    made.mkdir()
    return made


@pytest.fixture
def program(tmp_path):
    """A `pg_dump` of our own making, in a folder of its own."""

    def make(version, body=""):
        path = tmp_path / "tools" / "pg_dump"
        path.parent.mkdir(exist_ok=True)
        told = f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}" && exit\n'
        path.write_text(f"#!/bin/sh\n{told}{body}\n")
        path.chmod(0o755)
        return path.parent

    return make


def _restored(folder, tools, url):
    """Put the snapshot into an empty database, as a restore does."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        _pg_restore(folder, tools, connection, "pre-data", "data")
        content = (folder / "database" / "subjects.csv").read_bytes()
        names = content.partition(b"\n")[0].decode()
        command = f"COPY subjects ({names}) FROM STDIN (FORMAT csv, HEADER)"
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.write(content)
        _pg_restore(folder, tools, connection, "post-data")


def _pg_restore(folder, tools, connection, *sections):
    place, environ = connects(connection.info)
    options = [f"--section={section}" for section in sections]
    command = [tools / "pg_restore", *options, "--exit-on-error", "--no-owner"]
    source = folder / "database" / "dump"
    subprocess.run([*command, f"--dbname={place}", source], env=environ, check=True)


def test_what_was_dumped_can_be_restored_and_has_the_same_digests(
    server_db, postgres_url, empty_postgres_url, tools, folder, draw
):
    server_db.register_technician("tech_001", 'Anna "µ", Muster')
    server_db.store_features(server_db.store_image(draw("a.png")), "cnn", [0.5, 0.25], "v1")
    told = []
    found = take(server_db._database.store, folder, tools=tools, told=told.append)
    assert set(FILES) < set(found.files)
    assert found.engine == "postgresql"
    assert found.server_version.startswith("PostgreSQL ")
    assert sum(told) == sum((folder / name).stat().st_size for name in found.files)
    assert found.tables == digests_of(postgres_url)
    _restored(folder, tools, empty_postgres_url)
    assert digests_of(empty_postgres_url) == found.tables


def test_data_keys_are_handed_over_and_are_nowhere_in_the_files(server_db, tools, folder):
    server_db.register_technician("tech_001", "Anna Muster")
    found = take(server_db._database.store, folder, tools=tools)
    assert len(found.data_keys) == found.tables["subjects"].rows == 2
    written = b"".join((folder / name).read_bytes() for name in found.files)
    assert not [
        w for _, w in found.data_keys.values() if w in written or w.hex().encode() in written
    ]
    with (folder / "database" / "subjects.csv").open(newline="") as file:
        people = list(csv.DictReader(file))
    assert {person["subject_id"] for person in people} == set(found.data_keys)
    assert not {"wrapped_key", "key_id"} & set(people[0])


def test_all_of_it_is_one_state_while_others_write(server_db, empty_postgres_url, tools, folder):
    stop, acknowledged = threading.Event(), []

    def write():
        while not stop.is_set():
            acknowledged.append(f"tech_{len(acknowledged)}")
            server_db.register_technician(acknowledged[-1], "Some Body")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(acknowledged) < 5:
            time.sleep(0.01)
        before = acknowledged[:-1]
        found = take(server_db._database.store, folder, tools=tools)
    finally:
        stop.set()
        writer.join()
    assert len(acknowledged) > found.tables["technicians"].rows >= len(before)
    _restored(folder, tools, empty_postgres_url)
    assert digests_of(empty_postgres_url) == found.tables


@pytest.mark.parametrize("version", ["9.6.24", "11.22 (Debian 11.22-0+deb10u2)"])
def test_a_program_older_than_the_server_is_refused(server_db, program, folder, version):
    with pytest.raises(UnsupportedError, match=rf"{version[:3]}.*server is PostgreSQL \d\d"):
        take(server_db._database.store, folder, tools=program(version))
    assert not list(folder.iterdir())


def test_a_real_program_older_than_the_server_is_refused(server_db, tools, folder):
    with pytest.raises(UnsupportedError, match=r"\) 16\.\d+`, and the server is PostgreSQL 18"):
        take(server_db._database.store, folder, tools=tools.parents[1] / "pginstall" / "bin")


def test_a_missing_program_is_named_with_the_setting(server_db, folder, tmp_path):
    with pytest.raises(UnsupportedError, match=r"no pg_dump in .*backup\.postgresql_tools"):
        take(server_db._database.store, folder, tools=tmp_path / "absent")
    assert not list(folder.iterdir())


def test_what_the_program_complains_of_is_told_and_nothing_is_left(server_db, program, folder):
    tools = program("99.1", "echo 'disk   quota exceeded' >&2; exit 1")
    with pytest.raises(StoreError, match="pg_dump failed: disk quota exceeded"):
        take(server_db._database.store, folder, tools=tools)
    assert not list(folder.iterdir())


def test_what_the_taker_of_the_files_complains_of_is_told_and_nothing_is_left(
    server_db, tools, folder
):
    def refuse(names):
        assert set(FILES) < set(names)
        raise StoreError("no room")

    with pytest.raises(StoreError, match="no room"):
        take(server_db._database.store, folder, tools=tools, written=refuse)
    assert not list(folder.iterdir())


def test_an_interrupted_snapshot_leaves_neither_files_nor_processes(
    server_db, program, folder, tmp_path
):
    tools = program("99.1", f"echo $$ > {tmp_path}/pid; exec sleep 600")

    def interrupt(_n_bytes):
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(server_db._database.store, folder, tools=tools, told=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not list(folder.iterdir())


def test_the_password_is_in_no_argument_and_in_no_message():
    class Info:
        password = "s3cret w0rd"  # noqa: S105  # of nothing

        def get_parameters(self):
            return {"host": "/a folder", "user": "o'brien", "dbname": "d", "sslpassword": "x"}

    place, environ = connects(Info(), "postgres")
    assert place == r"host='/a folder' user=o\'brien dbname=postgres"
    assert environ["PGPASSWORD"] == "s3cret w0rd"
    told = complaint(Path("/bin/pg_dump"), "FATAL: s3cret w0rd is wrong", environ)
    assert str(told) == "pg_dump failed: FATAL: *** is wrong"


def test_the_arguments_that_the_program_gets_hold_no_password(
    server_db, postgres_url, program, folder, tmp_path
):
    url = postgres_url.replace("//postgres:", "//postgres:s3cret")
    assert "s3cret" in url
    tools = program("99.1", f'echo "$@" > {tmp_path}/arguments; env > {tmp_path}/env; exit 1')
    with DatabaseManager(url) as other, pytest.raises(StoreError):
        take(other._database.store, folder, tools=tools)
    assert "s3cret" not in (tmp_path / "arguments").read_text()
    assert "PGPASSWORD=s3cret" in (tmp_path / "env").read_text()
