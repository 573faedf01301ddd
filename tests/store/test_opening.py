"""Opening: settings that hold, one schema however many open at once, nothing touched unasked."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from mlmcsc import DatabaseManager, load_config
from mlmcsc.errors import ConflictError, SchemaError, StoreError, ValidationError
from mlmcsc.store.dialects.sqlite import WAL_SAFE_SINCE
from mlmcsc.store.migrations import HEAD

OPEN = """
import sys
from mlmcsc import DatabaseManager
with DatabaseManager(sys.argv[1]) as db:
    db.register_technician("t1", "Jo")
    print(db.models.get(1).version, db.get_system_health().schema_revision)
"""


def test_sqlite_takes_its_settings_on_every_connection(sqlite_url):
    with DatabaseManager(sqlite_url) as db:
        engine = db._database.store.engine
        with engine.connect() as one, engine.connect() as two:
            for conn in (one, two):
                found = {
                    name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
                    for name in (
                        "page_size",
                        "journal_mode",
                        "synchronous",
                        "foreign_keys",
                        "trusted_schema",
                        "secure_delete",
                    )
                }
                assert found == {
                    "page_size": 16384,
                    "journal_mode": "wal",
                    "synchronous": 2,
                    "foreign_keys": 1,
                    "trusted_schema": 0,
                    "secure_delete": 1,
                }
                assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() > 0


def test_the_sqlite_library_is_one_that_keeps_its_commits():
    assert driver.sqlite_version_info >= WAL_SAFE_SINCE


def test_opening_twice_changes_nothing(url):
    with DatabaseManager(url) as first:
        first.register_technician("t1", "Jo")
    with DatabaseManager(url) as second, DatabaseManager(url) as third:
        assert len(second.models.list()) == 1
        assert third.technicians.get("t1").name == "Jo"


def test_two_managers_see_each_others_writes(url):
    with DatabaseManager(url) as one, DatabaseManager(url) as two:
        key = one.register_technician("t1", "Jo")
        assert two.technicians.get(key).name == "Jo"
        two.technicians.update(key, name="Al")
        assert one.technicians.get(key).name == "Al"


def test_four_processes_at_once_make_one_schema(empty_url, spawn):
    processes = [spawn(OPEN, empty_url) for _ in range(4)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.split()) == (0, ["unversioned", HEAD]), err
    with DatabaseManager(empty_url) as db:
        assert len(db.models.list()) == 1
        assert len(db.technicians.list()) == 1
        with db._database.store.read() as view:
            assert view.dialect.check_storage(view.conn) == []


def test_a_laboratory_may_count_from_0_to_100(empty_url, tmp_path):
    with DatabaseManager(empty_url, label_range=(0, 100)) as db:
        assert db.label_range == (0.0, 100.0)
        who = db.register_technician("t1", "Jo")
        with db._database.store._writer.begin() as conn:
            conn.execute(
                sa.text(
                    "INSERT INTO images (path, filename, timestamp) "
                    "VALUES ('/a', 'a', '2026-01-01 00:00:00')"
                )
            )
        key = db.store_label(1, who, 87.5)
        db.store_prediction(1, 1, 100, 0.5)
        for wrong in (100.5, -1):
            with pytest.raises(ValidationError, match="from 0 to 100"):
                db.store_label(1, who, wrong)
        with pytest.raises(ValidationError, match="from 0 to 1"):
            db.store_prediction(1, 1, 50, 2)
        with pytest.raises(sa.exc.DBAPIError), db._database.store._writer.begin() as conn:
            conn.execute(sa.text("UPDATE labels SET label = 101"))
    with DatabaseManager(empty_url) as again:
        assert again.label_range == (0.0, 100.0)
        assert again.labels.get(key).label == 87.5
        assert sum(len(pairs) for pairs in again.get_training_data().values()) == 1
    with pytest.raises(ConflictError, match=r"0\.\.100"):
        DatabaseManager(empty_url, label_range=(0, 1))


@pytest.mark.parametrize("wrong", [(1, 0), (0, 0), (0, math.inf), (math.nan, 1)])
def test_a_label_range_that_is_none_is_refused(tmp_path, wrong):
    with pytest.raises(ValidationError, match="label_range"):
        DatabaseManager(f"sqlite:///{tmp_path}/new.db", label_range=wrong)


def test_a_foreign_sqlite_database_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "other.db"
    other = driver.connect(str(path))
    other.execute("CREATE TABLE recipes (id INTEGER PRIMARY KEY, name TEXT)")
    other.execute("INSERT INTO recipes (name) VALUES ('soup')")
    other.commit()
    other.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(SchemaError, match="recipes"):
        DatabaseManager(f"sqlite:///{path}")
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.db"]


def test_a_foreign_postgresql_database_is_refused_and_not_touched(empty_postgres_url, open_store):
    store = open_store(empty_postgres_url)
    with store._writer.begin() as conn:
        conn.execute(sa.text("CREATE TABLE recipes (id INTEGER)"))
    with pytest.raises(SchemaError, match="recipes"):
        DatabaseManager(empty_postgres_url)
    with store.read() as view:
        assert sa.inspect(view.conn).get_table_names() == ["recipes"]


def test_a_database_of_a_newer_release_is_refused_and_not_touched(url, open_store):
    store = open_store(url)
    with store._writer.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match=r"9999.*Upgrade mlmcsc"):
        DatabaseManager(url)
    with store.read() as view:
        found = view.conn.scalar(sa.text("SELECT version_num FROM alembic_version"))
    assert found == "9999"


def test_what_is_no_database_is_told_plainly(tmp_path):
    (tmp_path / "text.db").write_text("this is a letter, not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        DatabaseManager(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(StoreError, match="is a directory"):
        DatabaseManager(f"sqlite:///{tmp_path}")
    assert (tmp_path / "text.db").read_text().startswith("this is a letter")


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(StoreError) as told:
        DatabaseManager("postgresql://al:hunter2@127.0.0.1:9/none?connect_timeout=2")
    assert "hunter2" not in str(told.value)
    assert "Check host" in str(told.value)


def test_an_in_memory_database_works_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DatabaseManager("sqlite:///:memory:") as db:
        assert db.register_technician("t1", "Jo") == 1
        assert db.technicians.get(1).name == "Jo"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", [5, b"sqlite:///x.db", Path("x.db")])
def test_a_url_that_is_no_text_is_told(url):
    with pytest.raises(ValidationError, match=r"database_url=.*sqlite:///"):
        DatabaseManager(url)


@pytest.mark.parametrize("label_range", ["x", (0,), (0, "1"), (1, 0), 5])
def test_a_label_range_that_is_no_pair_of_numbers_is_told(tmp_path, label_range):
    with pytest.raises(ValidationError, match="label_range"):
        DatabaseManager(f"sqlite:///{tmp_path}/x.db", label_range=label_range)
    assert not (tmp_path / "x.db").exists()


def test_a_file_that_is_deleted_while_open_takes_no_more_writes(sqlite_url, draw):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with DatabaseManager(sqlite_url) as db:
        db.register_technician("t1", "One")
        path.unlink()
        with pytest.raises(StoreError, match="deleted or replaced"):
            db.register_technician("t2", "Two")


@pytest.mark.postgres
def test_a_postgresql_database_of_another_encoding_is_refused(postgres_server):
    postgres_server.psql(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';"
    )
    with pytest.raises(StoreError, match=r"LATIN1.*UTF8"):
        DatabaseManager(postgres_server.get_uri().replace("/postgres?", "/latin?"))


def test_a_pool_in_use_is_told_with_its_setting(sqlite_url):
    settings = {"pool_size": 1, "max_overflow": 0, "pool_timeout_seconds": 1}
    config = load_config(overrides={"database": settings})
    with (
        DatabaseManager(sqlite_url, config=config) as db,
        db.images.db.read(),
        pytest.raises(StoreError, match=r"database\.pool_size"),
    ):
        db.get_images()
