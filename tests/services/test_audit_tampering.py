"""What somebody with SQL may have done to the trail or its keys is told, and never signed for."""

from __future__ import annotations

import pytest

from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.errors import IntegrityError, StoreError

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def signed(db):
    """Three events under a checkpoint."""
    for name in ("S1", "S2", "S3"):
        db.register_specimen(name)
    return db.audit_proof.checkpoint()


@pytest.fixture
def unguarded(db, sql):
    """Runs SQL without the triggers."""

    def run(statement):
        if db.url.startswith("sqlite"):
            sql("DROP TRIGGER IF EXISTS audit_logs_no_update")
        else:
            sql("ALTER TABLE audit_logs DISABLE TRIGGER ALL")
        sql(statement)

    return run


CHANGE = "UPDATE audit_logs SET new_values = '[1]' WHERE id = 2"


def test_a_changed_event_is_neither_proven_nor_signed_for(db, signed, unguarded):
    unguarded(CHANGE)

    with pytest.raises(IntegrityError, match="event 2: old_values, new_values"):
        db.audit_proof.inclusion_proof(2)
    assert db.audit_proof.inclusion_proof(1).event_id == 1
    db.register_specimen("S4")
    with pytest.raises(IntegrityError, match="event 2: old_values, new_values"):
        db.audit_proof.checkpoint()
    assert db.audit_proof.checkpoints() == [signed]


def test_a_changed_event_is_marked_where_it_is_shown(db, signed, unguarded):
    assert db.audit.get(2).changed == ()
    unguarded(CHANGE)

    assert "new_values" in db.audit.get(2).changed[0]


@pytest.mark.parametrize("value", ["5", '"xx"', "{}", '{"key_id":"a","wrapped":"%"}', None])
@pytest.mark.parametrize("key", ["audit_signing_key", "audit_public_key"])
def test_damaged_or_missing_keys_are_a_finding_and_a_clear_error(db, signed, sql, key, value):
    sql(
        f"DELETE FROM settings WHERE key = '{key}'"
        if value is None
        else f"UPDATE settings SET value = '{value}' WHERE key = '{key}'"
    )
    report = db.audit_proof.verify()

    assert report.verdict is Verdict.TAMPERED
    assert any(key in finding.what for finding in report.findings)
    assert db.audit_proof.verify(signed).verdict is Verdict.TAMPERED
    if key == "audit_signing_key":
        with pytest.raises(IntegrityError, match=key):
            db.audit_proof.checkpoint()


def test_an_id_that_is_none_is_a_finding(db, signed, sql):
    sql("UPDATE settings SET value = '5' WHERE key = 'database_id'")

    report = db.audit_proof.verify()
    assert report.verdict is Verdict.TAMPERED
    assert "'database_id'" in report.findings[0].what


class TestOnSqlite:
    """What only SQLite lets one write."""

    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url

    @pytest.mark.usefixtures("signed")
    @pytest.mark.parametrize("key", ["audit_signing_key", "audit_public_key"])
    def test_a_key_that_is_no_json_is_a_finding(self, db, sql, key):
        sql(f"UPDATE settings SET value = '{{bad' WHERE key = '{key}'")

        report = db.audit_proof.verify()
        assert report.verdict is Verdict.TAMPERED
        assert any(key in finding.what for finding in report.findings)

    @pytest.mark.usefixtures("signed")
    @pytest.mark.parametrize("key", ["database_id", "audit_signing_key"])
    def test_a_setting_that_is_no_json_is_told(self, db, sql, key):
        sql(f"UPDATE settings SET value = '{{bad' WHERE key = '{key}'")

        with pytest.raises(StoreError, match=key):
            db.audit_proof.checkpoint(db.url.removeprefix("sqlite:///") + ".checkpoint")

    def test_text_behind_a_nul_in_a_timestamp_is_found(self, db, signed, unguarded):
        unguarded(
            "UPDATE audit_logs SET timestamp = timestamp || char(0) || ' or later' WHERE id = 2"
        )

        report = db.audit_proof.verify(signed)
        assert report.verdict is Verdict.TAMPERED
        assert report.findings[0].event_id == 2

    @pytest.mark.parametrize(
        "change",
        [
            "SET seq = 1 WHERE seq IS NULL AND id = (SELECT max(id) FROM audit_logs)",
            "SET id = 2 WHERE id = (SELECT max(id) FROM audit_logs)",
            "SET seq = 1, id = 2 WHERE id = (SELECT max(id) FROM audit_logs)",
            "SET rowid = 2 WHERE id = (SELECT max(id) FROM audit_logs)",
        ],
    )
    @pytest.mark.parametrize("way", ["UPDATE OR REPLACE", "UPDATE"])
    @pytest.mark.usefixtures("signed")
    def test_no_update_displaces_an_event(self, sql, way, change):
        before = sql("SELECT id, seq FROM audit_logs ORDER BY id")

        with pytest.raises(Exception, match="append-only"):
            sql(f"{way} audit_logs {change}")
        assert sql("SELECT id, seq FROM audit_logs ORDER BY id") == before
