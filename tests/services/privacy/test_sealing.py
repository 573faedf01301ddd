"""What raw SQL has written in clear is found and sealed."""

from __future__ import annotations

import hashlib
import json

import pytest
import sqlalchemy as sa

from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.store.vault import PREFIX

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def careless(db, draw, sql):
    db.register_technician("t1", "Jo Sealed")
    label = db.store_label(db.store_image(draw("a.png")), 1, 0.5)
    sql("INSERT INTO technicians (technician_id, name, email) VALUES ('raw', 'Raw', 'r@x.example')")
    sql("UPDATE labels SET notes = 'a raw note' WHERE id = :i", i=label)
    sql("INSERT INTO accounts (username, role) VALUES ('jo', 'labeller')")
    sql(
        "INSERT INTO sessions (account_id, token_hash, last_seen, expires_at, ip_address) "
        "VALUES (1, 'h', '2026-01-01 00:00:00', '2027-01-01 00:00:00', '10.0.0.1')"
    )
    sql(
        "INSERT INTO login_attempts (username, ip_address, timestamp, succeeded) "
        "VALUES ('jo', '10.0.0.2', '2026-01-01 00:00:00', true)"
    )


def test_texts_in_clear_are_counted_by_column(db, careless):
    assert db.sealing.clear() == {
        "labels.notes": 1,
        "login_attempts.ip_address": 1,
        "sessions.ip_address": 1,
        "technicians.email": 1,
        "technicians.name": 1,
    }


def test_sealing_them_leaves_nothing_in_clear_and_loses_nothing(db, careless, sql):
    assert db.sealing.seal() == {
        "technicians": 1,
        "labels": 1,
        "sessions": 1,
        "login_attempts": 1,
    }
    assert db.sealing.clear() == {}
    assert {t.name for t in db.technicians.list().items} == {"Jo Sealed", "Raw"}
    (ip,) = sql("SELECT ip_address FROM sessions")[0]
    assert ip.startswith(PREFIX)
    (session,) = db.export_user_data("jo")["parts"]["sessions"]["rows"]
    assert session["ip_address"] == "10.0.0.1"
    events = sql("SELECT table_name FROM audit_logs WHERE operation = 'SEAL'")
    assert {name for (name,) in events} == {"technicians", "labels", "sessions", "login_attempts"}


def test_where_all_is_sealed_nothing_is_written(db, nothing_written):
    db.register_technician("t1", "Jo Sealed")
    with nothing_written():
        assert db.sealing.seal() == {}


def test_the_pseudonym_of_somebody_erased_is_not_taken_for_a_name(db, sql):
    db.register_technician("t1", "Jo Sealed")
    db.delete_user_data("t1")
    sql("INSERT INTO technicians (technician_id, name) VALUES ('raw', 'Raw')")
    assert db.sealing.clear() == {"technicians.name": 1}
    before = sql("SELECT count(*) FROM subjects WHERE erased_at IS NULL")[0][0]
    assert db.sealing.seal() == {"technicians": 1}
    assert sql("SELECT count(*) FROM subjects WHERE erased_at IS NULL")[0][0] == before + 1
    assert db.sealing.clear() == {}


FORGED = (
    "INSERT INTO audit_logs (operation, table_name, user_id, timestamp, ip_address) "
    "VALUES ('UPDATE', 'labels', 'eve', '2026-01-01 00:00:00', '10.0.0.9')"
)


def test_an_event_that_raw_sql_inserted_is_never_sealed_into_the_proven_trail(db, careless, sql):
    sql(FORGED)
    assert "audit_logs" not in {place.partition(".")[0] for place in db.sealing.clear()}
    db.sealing.seal()
    db.audit_proof.checkpoint()
    report = db.audit_proof.verify()
    assert report.verdict is Verdict.TAMPERED
    assert sql("SELECT leaf, seq, ip_address FROM audit_logs WHERE user_id = 'eve'") == [
        (None, None, "10.0.0.9")
    ]


def test_a_forged_event_is_no_matter_of_privacy(db, sql):
    db.register_technician("t1", "Jo Sealed")
    before = db.generate_privacy_report().to_do
    sql(FORGED)
    assert db.generate_privacy_report().to_do == before
    assert db.sealing.seal() == {}


def test_the_database_refuses_to_commit_to_an_event_later(db, sql):
    sql(FORGED)
    forged = "UPDATE audit_logs SET subject_id = 'p', who_commit = leaf, {} WHERE user_id = 'eve'"
    for change in ("payload_commit = NULL", "reason = 'x'", "old_values = '{}'", "seq = 0"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            sql(forged.format(change))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        sql("UPDATE audit_logs SET leaf = who_commit WHERE user_id <> 'eve'")


def test_each_event_of_sealing_names_its_rows_and_commits_to_them(db, careless, sql):
    db.sealing.seal()
    told = sql(
        "SELECT table_name, CAST(new_values AS text), n_rows, digest FROM audit_logs "
        "WHERE operation = 'SEAL'"
    )
    assert len(told) == 4
    for table, values, n_rows, digest in told:
        told_of = json.loads(values)
        assert told_of["first_id"] == told_of["last_id"]
        assert n_rows == 1
        columns = ", ".join(told_of["columns"])
        (row,) = sql(f"SELECT {columns} FROM {table} WHERE id = {told_of['first_id']}")
        text = json.dumps([list(row)], ensure_ascii=False, separators=(",", ":"))
        assert digest == hashlib.sha256(text.encode()).hexdigest()
