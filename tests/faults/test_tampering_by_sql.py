"""Attacks by SQL on real databases, triggers dropped first, are all found.

See `test_tampering.py` for what the attacker knows and lacks.
"""

from __future__ import annotations

import itertools
import random
import shutil

import pytest
import sqlalchemy as sa
import sqlcipher3.dbapi2 as driver

from mlmcsc import DatabaseManager
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.audit.recomputing import StoredEvent
from mlmcsc.services.audit_proof import verifying
from mlmcsc.store.uow import Snapshot

FILES = 210

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
COLUMNS = [f for f in StoredEvent._fields if f not in {"id", "seq"}]
SQL_VALUES = [
    "NULL",
    "x'00'",
    "'x'",
    "''",
    "'null'",
    "7",
    "9e999",
    "CAST(x'ff' AS TEXT)",
    "CAST({column} AS BLOB)",
    "replace({column}, ' ', 'T')",
    "{column} || ' '",
]
SHIFT = (
    "UPDATE audit_logs SET seq = -seq - {by} WHERE seq >= {seq}",
    "UPDATE audit_logs SET seq = -seq WHERE seq < 0",
)
COPIED = ",".join(f for f in StoredEvent._fields if f not in {"id", "seq"})
INSERT = (
    f"INSERT INTO audit_logs (seq, {COPIED}) "
    f"SELECT {{seq}}, {COPIED} FROM audit_logs WHERE seq = {{source}}"
)
CHECKPOINT = "UPDATE audit_checkpoints SET"


def sql_attack(number, size, chance):
    """Statements of one attack on a trail of `size` placed events."""
    seq, column = chance.randrange(size), chance.choice(COLUMNS)
    other = (seq + chance.randint(1, size - 1)) % size
    value = chance.choice(SQL_VALUES).format(column=column)
    gone = f"DELETE FROM audit_logs WHERE seq = {seq}"
    close = [statement.format(by=-1, seq=seq + 1) for statement in SHIFT]
    room = [statement.format(by=1, seq=seq) for statement in SHIFT]
    source = other + (other >= seq)
    attacks = [
        [f"UPDATE OR IGNORE audit_logs SET {column} = {value} WHERE seq = {seq}"],
        [gone],
        [gone, *close],
        [*room, INSERT.format(seq=seq, source=source)],
        [
            f"UPDATE audit_logs SET seq = -1 WHERE seq = {seq}",
            f"UPDATE audit_logs SET seq = {seq} WHERE seq = {other}",
            f"UPDATE audit_logs SET seq = {other} WHERE seq = -1",
        ],
        [
            f"DELETE FROM audit_logs WHERE seq IS NULL OR seq >= {seq}",
            f"DELETE FROM audit_checkpoints WHERE tree_size > {seq}",
        ],
        [f"{CHECKPOINT} {chance.choice(CHECKPOINT_EDITS)} WHERE tree_size = {size}"],
    ]
    return attacks[number % len(attacks)]


CHECKPOINT_EDITS = [
    "tree_size = tree_size - 1",
    "root_hash = zeroblob(32)",
    "signature = zeroblob(64)",
    "signature = 'x'",
    "key_id = 'x'",
    "created_at = '2020-01-01 00:00:00.000000'",
    "created_at = NULL || 'x'",
    "tree_size = 'x'",
]


def dump(connection):
    connection.text_factory = bytes
    tables = ("audit_logs", "audit_checkpoints")
    found = [connection.execute(f"SELECT * FROM {t} ORDER BY id").fetchall() for t in tables]
    connection.text_factory = str
    return repr(found)


def attack_file(path, number):
    """Attack a database file; whether that changed anything."""
    chance = random.Random(number)  # noqa: S311  # repeatable, not secret
    connection = driver.connect(str(path), isolation_level=None)
    for (name,) in connection.execute(TRIGGERS).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    before = dump(connection)
    size = connection.execute("SELECT max(seq) + 1 FROM audit_logs").fetchone()[0]
    connection.execute("PRAGMA ignore_check_constraints = on")
    for statement in sql_attack(number, size, chance):
        try:
            connection.execute(statement)
        except driver.IntegrityError:  # NOT NULL: the database itself forbids this value
            continue
    changed = dump(connection) != before
    connection.close()
    return changed


def unfound_on_files(laboratory, folder, wanted):
    """Attack copies of the file until `wanted` attacks changed something."""
    attacks, unfound_ = 0, []
    for number in itertools.count():
        path = shutil.copy(laboratory.path, folder / "attacked.db")
        if not attack_file(path, number):
            continue
        attacks += 1
        with DatabaseManager(f"sqlite:///{path}") as db:
            report = db.audit_proof.verify(laboratory.outside)
        if report.verdict is not Verdict.TAMPERED:
            unfound_.append(number)
        if attacks == wanted:
            return unfound_
    raise AssertionError


def test_some_attacks_on_database_files_are_all_found(laboratory, tmp_path):
    assert unfound_on_files(laboratory, tmp_path, 28) == []


@pytest.mark.slow
def test_two_hundred_attacks_on_database_files_are_all_found(laboratory, tmp_path):
    assert unfound_on_files(laboratory, tmp_path, FILES) == []


def test_every_column_with_every_odd_value_is_found(laboratory, tmp_path):
    path = shutil.copy(laboratory.path, tmp_path / "columns.db")
    with DatabaseManager(f"sqlite:///{path}") as db:
        store = db._database.store
        found = [
            _after(store, laboratory.outside, f"SET {column} = {value.format(column=column)}", seq)
            for column, value, seq in itertools.product(COLUMNS, SQL_VALUES, (0, 1, 14))
        ]
    told = [verdict for verdict in found if verdict is not None]

    assert len(told) > 300
    assert set(told) == {Verdict.TAMPERED}


def _after(store, outside, change, seq):
    """The verdict after one UPDATE, which is undone; None when it changed nothing."""
    with store._writer.connect() as conn, conn.begin() as transaction:
        try:
            connection = conn.connection.dbapi_connection
            for (name,) in connection.execute(TRIGGERS).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            before = dump(connection)
            connection.execute(f"UPDATE audit_logs {change} WHERE seq = {seq}")
            if dump(connection) == before:
                return None
            view = Snapshot(conn, store.dialect, store.vault)
            return verifying.verify(view, outside, None, None).verdict
        except driver.IntegrityError:  # NOT NULL: the database itself forbids this value
            return None
        finally:
            transaction.rollback()


def test_a_rollback_of_the_whole_file_is_found(laboratory):
    for path in laboratory.earlier:
        with DatabaseManager(f"sqlite:///{path}") as db:
            alone = db.audit_proof.verify()
            report = db.audit_proof.verify(laboratory.outside)

        assert alone.verdict is Verdict.INTACT  # in itself it is sound: that is why one keeps one
        assert report.verdict is Verdict.TAMPERED
        assert any("rolled back" in finding.what for finding in report.findings)


def test_a_deleted_tail_is_found_without_any_checkpoint_of_it(laboratory, tmp_path):
    path = shutil.copy(laboratory.path, tmp_path / "tail.db")
    with DatabaseManager(f"sqlite:///{path}") as db:
        db.register_specimen("late")
    connection = driver.connect(str(path), isolation_level=None)
    connection.execute("DROP TRIGGER audit_logs_no_delete")
    connection.execute("DELETE FROM audit_logs WHERE id = (SELECT max(id) FROM audit_logs)")
    connection.close()
    with DatabaseManager(f"sqlite:///{path}") as db:
        report = db.audit_proof.verify()

    assert report.verdict is Verdict.TAMPERED
    assert "is missing" in report.findings[0].what


def test_an_event_written_by_raw_sql_is_found(laboratory, tmp_path):
    path = shutil.copy(laboratory.path, tmp_path / "raw.db")
    connection = driver.connect(str(path), isolation_level=None)
    connection.execute(
        "INSERT INTO audit_logs (operation, table_name, user_id, timestamp) "
        "VALUES ('CREATE', 'labels', 'eve', '2026-11-23 15:00:00.000000')"
    )
    connection.close()
    with DatabaseManager(f"sqlite:///{path}") as db:
        db.audit_proof.checkpoint()  # which gives it no place
        report = db.audit_proof.verify()

    assert [f.what for f in report.findings] == [
        "it has no commitments: it was not written by mlmcsc"
    ]


POSTGRES_ATTACKS = [
    *(
        f"UPDATE audit_logs SET {change} WHERE seq = 4"
        for change in (
            "user_id = 'eve'",
            "reason = 'because'",
            "timestamp = timestamp + interval '1 microsecond'",
            "timestamp = 'infinity'",
            "operation = 'DELETE'",
            "record_id = record_id + 1",
            "n_rows = 2",
            "digest = 'x'",
            "subject_id = NULL",
            "new_values = '{}'",
            "old_values = 'null'",
            "who_salt = '\\x00'",
            "leaf = NULL",
            "leaf = '\\x00'",
            "seq = NULL",
            "seq = 1000",
            "who_salt = NULL",
            "id = 1000",
        )
    ),
    "DELETE FROM audit_logs WHERE seq = 4",
    "DELETE FROM audit_logs WHERE seq >= 4",
    "DELETE FROM audit_logs",
    "DELETE FROM audit_checkpoints",
    "UPDATE audit_checkpoints SET tree_size = 3",
    "UPDATE audit_checkpoints SET created_at = 'infinity'",
    "UPDATE audit_checkpoints SET signature = '\\x00'",
    "UPDATE settings SET value = '\"00\"' WHERE key = 'audit_public_key'",
    "DELETE FROM settings WHERE key = 'audit_public_key'",
    "UPDATE settings SET value = '\"mlmcsc\"' WHERE key = 'database_id'",
]


@pytest.mark.postgres
def test_attacks_on_postgresql_are_all_found(postgres_url):
    with DatabaseManager(postgres_url) as db:
        for number in range(8):
            db.register_specimen(f"S{number}")
        outside = db.audit_proof.checkpoint()
        store = db._database.store
        assert db.audit_proof.verify(outside).verdict is Verdict.INTACT
        unfound_ = []
        for attack in POSTGRES_ATTACKS:
            with store._writer.connect() as conn, conn.begin() as transaction:
                conn.execute(sa.text("SET session_replication_role = replica"))  # no triggers
                conn.execute(sa.text(attack))
                report = verifying.verify(
                    Snapshot(conn, store.dialect, store.vault), outside, None, None
                )
                if report.verdict is not Verdict.TAMPERED:
                    unfound_.append((attack, report))
                transaction.rollback()

    assert unfound_ == []
