"""Checkpoints, verification and short proofs of the trail."""

from __future__ import annotations

import threading
from dataclasses import replace

import orjson
import pytest

from mlmcsc import Actor, DatabaseManager, Permission
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.audit.merkle import consistency_holds, inclusion_holds
from mlmcsc.domain.permissions import ALL_PERMISSIONS
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries import redaction

pytestmark = pytest.mark.sqlite_tells

LARGEST_PROOF = 3 * 1024


@pytest.fixture
def work(db):
    """Leave `n` more events."""
    numbers = iter(range(10_000))

    def do(n):
        for _ in range(n):
            db.register_specimen(f"S{next(numbers)}")

    return do


@pytest.fixture
def write(db):
    return lambda: db._database.store.write(db.actor)


def test_without_a_checkpoint_nobody_can_tell(db, work):
    work(3)
    report = db.audit_proof.verify()

    assert report.verdict is Verdict.CANNOT_TELL
    assert report.exit_code == 2
    assert "audit checkpoint" in report.doubts[0]


def test_a_checkpoint_covers_what_was_there_and_tells_the_tail(db, work):
    work(5)
    signed = db.audit_proof.checkpoint()
    work(2)
    report = db.audit_proof.verify()

    assert report.verdict is Verdict.INTACT
    assert report.exit_code == 0
    assert report.covered == signed.tree_size
    assert report.tail == 3  # the checkpoint's own event, and two
    assert report.newest == signed.timestamp


def test_places_are_given_in_order_of_ids(db, work, sql):
    work(4)
    db.audit_proof.checkpoint()
    work(3)
    db.audit_proof.checkpoint()

    placed = sql("SELECT id, seq FROM audit_logs WHERE seq IS NOT NULL ORDER BY id")
    assert [row.seq for row in placed] == list(range(len(placed)))


def test_when_nothing_happened_the_latest_checkpoint_comes_back(db, work, counts):
    work(1)
    signed = db.audit_proof.checkpoint()
    before = counts()

    assert db.audit_proof.checkpoint() == signed
    assert counts() == before


def test_the_file_kept_outside_is_the_checkpoint(db, work, tmp_path):
    work(1)
    signed = db.audit_proof.checkpoint(tmp_path / "kept.json")

    assert orjson.loads((tmp_path / "kept.json").read_bytes()) == signed.to_dict()
    report = db.audit_proof.verify(tmp_path / "kept.json")
    assert (report.verdict, report.external, report.key_from) == (
        Verdict.INTACT,
        True,
        "checkpoint",
    )
    assert db.audit_proof.verify((tmp_path / "kept.json").read_text()).external


def test_a_checkpoint_of_another_database_cannot_tell(db, work, tmp_path):
    work(1)
    db.audit_proof.checkpoint()
    with DatabaseManager(f"sqlite:///{tmp_path}/other.db") as other:
        foreign = other.audit_proof.checkpoint()

    report = db.audit_proof.verify(foreign)
    assert report.verdict is Verdict.CANNOT_TELL
    assert "another database" in report.doubts[0]


def test_a_forged_checkpoint_from_outside_cannot_tell(db, work):
    work(1)
    signed = db.audit_proof.checkpoint()
    report = db.audit_proof.verify(replace(signed, root_hash="00" * 32))

    assert report.verdict is Verdict.CANNOT_TELL
    assert "signature" in report.doubts[0]


def test_a_key_known_from_elsewhere_is_trusted_alone(db, work):
    work(1)
    signed = db.audit_proof.checkpoint()

    right = db.audit_proof.verify(public_key=signed.public_key)
    wrong = db.audit_proof.verify(public_key="d7" * 32)
    assert (right.verdict, right.key_from) == (Verdict.INTACT, "argument")
    assert wrong.verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("key", ["", "x" * 64, "AB" * 32])
def test_a_malformed_key_is_refused(db, key):
    with pytest.raises(ValidationError, match="64 lower-case hex"):
        db.audit_proof.verify(public_key=key)


def test_an_unreadable_checkpoint_file_is_told(db, tmp_path):
    for name, content in (("binary", b"\xff\xfe"), ("text", b"hello")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValidationError, match="checkpoint"):
            db.audit_proof.verify(tmp_path / name)
    with pytest.raises(ValidationError, match="cannot be read"):
        db.audit_proof.verify(tmp_path / "absent")


def test_a_changed_trail_is_not_signed_again(db, work, sql):
    work(3)
    db.audit_proof.checkpoint()
    work(1)
    table = "audit_logs"
    if db.url.startswith("sqlite"):
        sql(f"DROP TRIGGER {table}_no_update")
    else:
        sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    sql("UPDATE audit_logs SET leaf = (SELECT leaf FROM audit_logs WHERE seq = 2) WHERE seq = 1")

    with pytest.raises(IntegrityError, match="audit verify"):
        db.audit_proof.checkpoint()
    with pytest.raises(IntegrityError, match="audit verify"):
        db.audit_proof.inclusion_proof(1)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 33])
def test_proofs_hold_and_are_small(db, work, size):
    work(size)
    first = db.audit_proof.checkpoint()
    work(size)
    newest = db.audit_proof.checkpoint()
    root = bytes.fromhex(newest.root_hash)
    for event_id in (1, size, 2 * size):
        proof = db.audit_proof.inclusion_proof(event_id)
        path = [bytes.fromhex(h) for h in proof.path]
        assert inclusion_holds(bytes.fromhex(proof.leaf), proof.seq, newest.tree_size, path, root)
    proof = db.audit_proof.consistency_proof(first.tree_size)
    path = [bytes.fromhex(h) for h in proof.path]
    old = bytes.fromhex(first.root_hash)
    assert consistency_holds(first.tree_size, old, newest.tree_size, root, path)


def test_proofs_of_a_billion_events_fit_in_three_kilobytes(db, work):
    work(1)
    signed = replace(db.audit_proof.checkpoint(), tree_size=2**30)
    proof = db.audit_proof.inclusion_proof(1)
    inclusion = replace(
        proof, seq=2**30 - 1, event_id=2**40, path=("f" * 64,) * 30, checkpoint=signed
    )
    old = db.audit_proof.consistency_proof(db.audit_proof.checkpoints()[-1].tree_size)
    consistency = replace(old, old_size=2**30 - 1, path=("f" * 64,) * 31, checkpoint=signed)

    for each in (inclusion, consistency):
        assert len(orjson.dumps(each.to_dict())) <= LARGEST_PROOF


def test_there_is_no_proof_of_what_no_checkpoint_covers(db, work):
    with pytest.raises(ConflictError, match="no checkpoint yet"):
        db.audit_proof.inclusion_proof(1)
    work(1)
    signed = db.audit_proof.checkpoint()
    work(1)
    with pytest.raises(ConflictError, match="in no checkpoint yet"):
        db.audit_proof.inclusion_proof(signed.tree_size + 2)
    with pytest.raises(UnknownRecordError, match="audit event 99"):
        db.audit_proof.inclusion_proof(99)
    with pytest.raises(UnknownRecordError, match="checkpoint of 1 events"):
        db.audit_proof.consistency_proof(1)


def test_redacted_events_stay_proven(db, work, write):
    work(6)
    signed = db.audit_proof.checkpoint()
    with write() as tx:
        who = tx.vault.person(tx, db.actor.subject)
        assert redaction.redact_payload(tx, audit_logs.c.id.in_([2, 3, 5])) == 3
        assert redaction.redact_who(tx, who) > 6
    report = db.audit_proof.verify(signed)

    assert report.findings == ()
    assert report.verdict is Verdict.INTACT
    assert report.redacted_payload == 3
    assert report.redacted_who > 6
    assert db.audit_proof.inclusion_proof(2).leaf


def test_a_part_is_redacted_once_and_told_once(db, work, write, sql):
    work(3)
    with write() as tx:
        assert redaction.redact_payload(tx, audit_logs.c.id <= 3) == 3
    with write() as tx:
        assert redaction.redact_payload(tx, audit_logs.c.id <= 4) == 1
        assert redaction.redact_payload(tx, audit_logs.c.id <= 4) == 0
    told = sql("SELECT n_rows FROM audit_logs WHERE operation = 'REDACT' ORDER BY id")

    assert [row.n_rows for row in told] == [3, 1]


def test_redact_events_keep_their_payload(db, work, write, sql):
    work(2)
    with write() as tx:
        redaction.redact_payload(tx, audit_logs.c.id <= 2)
    with write() as tx:
        redaction.redact_payload(tx, audit_logs.c.id > 0)
    db.audit_proof.checkpoint()

    kept = sql("SELECT payload_salt FROM audit_logs WHERE operation = 'REDACT'")
    assert all(row.payload_salt is not None for row in kept)
    assert db.audit_proof.verify().verdict is Verdict.INTACT


def test_checkpoints_while_others_write_lose_no_event(db):
    stop = threading.Event()
    errors = []

    def write(name):
        number = 0
        try:
            while not stop.is_set() and number < 200:
                db.register_specimen(f"{name}-{number}")
                number += 1
        except Exception as error:  # noqa: BLE001  # reported by the assertion
            errors.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for _ in range(5):
        db.audit_proof.checkpoint()
    stop.set()
    for writer in writers:
        writer.join()
    signed = db.audit_proof.checkpoint()
    report = db.audit_proof.verify(signed)

    assert errors == []
    assert report.findings == ()
    assert report.verdict is Verdict.INTACT
    assert report.tail == 1


def test_progress_is_told(db, work):
    work(3)
    told = []
    db.audit_proof.verify(progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (4, 4)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("checkpoint", ()),
        ("verify", ()),
        ("checkpoints", ()),
        ("inclusion_proof", (1,)),
        ("consistency_proof", (1,)),
        ("evidence", ("specimen", "S1", "x.zip")),
    ],
)
def test_every_call_needs_the_right_to_audit(db, counts, call, arguments):
    nobody = db.acting_as(Actor("nobody", ALL_PERMISSIONS - {Permission.AUDIT}))
    before = counts()

    with pytest.raises(PermissionDeniedError, match="'audit'"):
        getattr(nobody.audit_proof, call)(*arguments)
    assert counts() == before
