"""Creating and upgrading a database: each commits together with its audit event."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from mlmcsc import Actor, DatabaseManager
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.store import schema
from mlmcsc.store.migrations import HEAD

ACTOR = Actor("founder", reason="a new laboratory")
FIRST = "0001"
MIGRATIONS = sa.text(
    "SELECT user_id, table_name, CAST(old_values AS text), CAST(new_values AS text) "
    "FROM audit_logs WHERE operation = 'MIGRATE' ORDER BY id"
)

OLD_EVENT = sa.text(
    "INSERT INTO audit_logs (operation, table_name, record_id, user_id, timestamp, new_values) "
    "VALUES ('CREATE', 'labels', :record, :who, '2026-01-01 00:00:00.000000', "
    '\'{"notes": "a note"}\')'
)
OLD_EVENTS = sa.text(
    "SELECT leaf, subject_id, CAST(new_values AS text) AS told FROM audit_logs "
    "WHERE table_name = 'labels' ORDER BY id"
)


@pytest.fixture
def commits():
    """The schema's revision, and how many migrations are told, at every writer's commit."""
    seen = []

    def before_commit(conn):
        if conn.get_execution_options().get("mlmcsc_writes"):
            revision = schema.revision(conn)
            told = len(conn.execute(MIGRATIONS).all()) if revision == HEAD else 0
            seen.append((revision, told))

    sa.event.listen(sa.Engine, "commit", before_commit)
    yield seen
    sa.event.remove(sa.Engine, "commit", before_commit)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def new_url(request, tmp_path, monkeypatch):
    """A database without any table, once per kind."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    return request.getfixturevalue("empty_postgres_url")


def migrations(db):
    with db._database.store.read() as view:
        found = view.conn.execute(MIGRATIONS).all()
    return [(who, table, json.loads(old), json.loads(new)) for who, table, old, new in found]


def test_a_new_database_commits_its_schema_with_the_event_that_tells_of_it(new_url, commits):
    with DatabaseManager(new_url, label_range=(0, 100)) as db:
        assert commits == [(HEAD, 1)]
        ((who, table, old, new),) = migrations(db)
        assert (who, table) == (db.actor.subject, "alembic_version")
        assert old == {"revision": None}
        assert new == {"revision": HEAD, "label_range": [0.0, 100.0]}


def test_opening_a_current_database_commits_nothing(new_url, commits):
    DatabaseManager(new_url).close()
    commits.clear()
    DatabaseManager(new_url).close()
    assert commits == []


def test_an_upgrade_commits_with_the_event_that_names_both_revisions(new_url, commits):
    with DatabaseManager(new_url) as db:
        schema.migrate(db._database.store, ACTOR, FIRST)
    commits.clear()
    with DatabaseManager(new_url) as db:
        assert db.opened == "upgraded"
        _, again = migrations(db)
    assert commits == [(HEAD, 2)]
    assert again[2:] == ({"revision": FIRST}, {"revision": HEAD})


def test_an_upgrade_commits_to_the_events_of_old_and_then_nothing_does(new_url):
    with DatabaseManager(new_url) as db:
        schema.migrate(db._database.store, ACTOR, FIRST)
        with db._database.store._writer.begin() as conn:
            for number in range(3):
                conn.execute(OLD_EVENT, {"record": number, "who": f"t{number % 2}"})
    with DatabaseManager(new_url) as db:
        store = db._database.store
        with store.read() as view:
            rows = view.conn.execute(OLD_EVENTS).all()
        assert [row.leaf is not None for row in rows] == [True] * 3
        assert len({row.subject_id for row in rows}) == 2
        assert all("mlmcsc:v1:" in row.told for row in rows)
        db.audit_proof.checkpoint()
        assert db.audit_proof.verify().verdict is Verdict.INTACT
        change = sa.text("UPDATE audit_logs SET reason = 'other'")
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store._writer.begin() as conn:
            conn.execute(change)
