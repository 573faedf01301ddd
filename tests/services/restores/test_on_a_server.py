"""On PostgreSQL: restored into a database of its own, then two renames in one transaction."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.config import load_config
from mlmcsc.errors import ConflictError, IntegrityError, UnsupportedError

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(postgres_server, postgres_programs, postgres_url, tmp_path, own_settings, monkeypatch):
    """A database of a server with its folders; what restores leave there goes with the test."""
    monkeypatch.setenv("MLMCSC_BACKUP__POSTGRESQL_TOOLS", str(postgres_programs))
    for name, folder in {
        "BACKUP__DIRECTORY": "backups",
        "VERSIONING__DIRECTORY": "versions",
        "RETENTION__ARCHIVE_DIRECTORY": "archives",
        "DATABASE__IMAGE_STORE": "images",
    }.items():
        monkeypatch.setenv(f"MLMCSC_{name}", str(tmp_path / folder))
    monkeypatch.chdir(tmp_path)
    yield postgres_server
    for name in databases(postgres_server):
        if re.search("_before_|_restoring_|^copy_", name):
            postgres_server.psql(f'DROP DATABASE "{name}" WITH (FORCE);')


def databases(server):
    listed = server.psql("SELECT datname FROM pg_database;")
    return [line.strip() for line in listed.splitlines()[2:-2]]


@pytest.fixture
def url(server, postgres_url, draw):
    with DatabaseManager(postgres_url) as db:
        gone = db.register_technician("kanarie_007", "Kanarie Vogel")
        other = db.register_technician("t2", "Jo Lund")
        images = [db.store_image(draw(f"i{n}.png", seed=n)) for n in range(2)]
        for image in images:
            db.store_label(image, gone, 0.5, notes="note of Kanarie Vogel")
            db.store_label(image, other, 0.4)
        db.versions.create("v1", label_policy="mean")
        db.backups.create("b1")
        db.delete_user_data("kanarie_007", labels="delete")
        db.store_label(images[0], other, 0.9)
    return postgres_url


def test_it_takes_the_place_and_the_replaced_database_stays(url, server):
    somebodys = f"{sa.make_url(url).database}_restoring_0badc0de"
    server.psql(f'CREATE DATABASE "{somebodys}";')
    with DatabaseManager(url) as open_elsewhere:
        assert len(open_elsewhere.get_labels()) == 3
        done = restore_backup("b1", url)
    assert done.kept_aside in databases(server)
    assert [name for name in databases(server) if "_restoring_" in name] == [somebodys]
    assert len(done.erased_again) == 1
    with DatabaseManager(url) as db:
        assert len(db.get_labels()) == 2
        assert "Kanarie" not in str(db.technicians.list())
        assert db.audit_proof.verify().verdict == "intact"
        assert db.version_checks.verify("v1").redacted == 2
        assert not db.maintenance.validate()
        db.versions.create("v2", label_policy="mean")  # the folder of versions is its own now
    kept = re.sub(r"/[^/?]+\?", f"/{done.kept_aside}?", url)
    with DatabaseManager(kept) as db:
        assert len(db.get_labels()) == 3


@pytest.mark.slow
def test_what_an_earlier_restore_kept_is_dropped_when_asked_for(url, server):
    first = restore_backup("b1", url)
    second = restore_backup("b1", url, drop_old=True)
    assert first.kept_aside in second.tidied
    assert [name for name in databases(server) if "_before_" in name] == [second.kept_aside]


@pytest.mark.slow
def test_elsewhere_it_is_another_database(url, server):
    done = restore_backup("b1", url, to="copy_1")
    assert done.safety is None
    assert "copy_1" in databases(server)
    with pytest.raises(ConflictError, match="copy_1"):
        restore_backup("b1", url, to="copy_1")


@pytest.mark.slow
def test_a_damaged_dump_leaves_the_server_as_it_was(url, server, tmp_path):
    before = databases(server)
    largest = max((tmp_path / "backups" / "b1").rglob("*.*"), key=lambda p: p.stat().st_size)
    raw = bytearray(largest.read_bytes())
    raw[len(raw) // 2] ^= 1
    largest.write_bytes(raw)
    with pytest.raises(IntegrityError):
        restore_backup("b1", url)
    assert databases(server) == before


@pytest.mark.slow
def test_without_the_right_to_make_databases_it_says_who_must_allow_it(url, server):
    server.psql("CREATE ROLE clerk LOGIN; GRANT pg_read_all_data TO clerk;")
    try:
        with pytest.raises(UnsupportedError, match="CREATEDB"):
            restore_backup("b1", url.replace("//postgres:", "//clerk:"), load_config())
    finally:
        server.psql("DROP ROLE clerk;")
