"""Old audit events lose who and what, never their place in the tree."""

from __future__ import annotations

import pytest

from mlmcsc.services.retention import applying


@pytest.fixture
def trail(db, monkeypatch, ago, now):
    """Two events of 8 years ago, one of today."""
    store = db._database.store
    monkeypatch.setattr(store, "clock", lambda: ago(3000))
    db.register_specimen("S1")
    monkeypatch.setattr(store, "clock", lambda: ago(2999))
    db.register_technician("tech_001", "Jo Lund")
    monkeypatch.setattr(store, "clock", lambda: now)
    db.register_specimen("S2")
    return db


def by_operation(audit, *wanted):
    return [event for event in audit() if event.operation in wanted]


def test_only_who_and_payload_of_old_events_go(trail, audit):
    before = by_operation(audit, "CREATE")
    (line,) = trail.retention.apply(["audit"]).types
    assert line.rows == 2
    after = by_operation(audit, "CREATE")
    assert after[2] == before[2]
    for old, new in zip(before[:2], after[:2], strict=True):
        assert new.user_id == new.subject_id == old.subject_id
        assert new.old_values is new.new_values is new.reason is None
        assert new.who_salt is new.payload_salt is None
        assert (new.leaf, new.who_commit, new.payload_commit) == (
            old.leaf, old.who_commit, old.payload_commit
        )  # fmt: skip
        assert (new.id, new.timestamp, new.record_id) == (old.id, old.timestamp, old.record_id)


def test_every_redaction_is_told_with_its_ground(trail, audit):
    trail.retention.apply(["audit"])
    assert len(by_operation(audit, "REDACT")) == 2
    (told,) = by_operation(audit, "RETAIN")
    assert (told.table_name, told.n_rows) == ("audit_logs", 2)
    assert "audit_retention_days = 2555" in str(told.new_values)
    assert "leaf" in str(told.old_values)


def test_a_second_time_there_is_nothing_to_redact(trail, line, nothing_written):
    assert line("audit").due == 2
    trail.retention.apply(["audit"])
    assert line("audit").due == 0
    with nothing_written():
        assert trail.retention.apply(["audit"]).rows == 0


def test_redactions_and_retentions_are_redacted_in_their_turn(trail, line, monkeypatch, ago, audit):
    trail.retention.apply(["audit"])
    later = ago(-2600)
    monkeypatch.setattr(trail._database.store, "clock", lambda: later)
    trail.retention.apply(["audit"])
    assert line("audit").due == 0
    kept = [event for event in audit() if event.operation == "REDACT"]
    assert all(event.new_values is not None for event in kept)  # what they redacted
    trail.audit_proof.checkpoint()
    assert trail.audit_proof.verify().verdict == "intact"


def test_events_of_a_held_actor_stay_whole(trail, line, hold, audit):
    before = by_operation(audit, "CREATE")
    hold(person=trail.actor.subject)
    assert line("audit").held_by == {"legal hold on a person": 2}
    trail.retention.apply(["audit"])
    assert by_operation(audit, "CREATE") == before


def test_events_about_held_rows_stay_whole(trail, line, hold):
    hold(person="tech_001")
    hold(specimen="S1", kind="hold")
    assert line("audit").held_by == {
        "legal hold on a person": 1,
        "legal hold on a specimen": 1,
    }


def test_while_anything_is_held_bulk_events_stay(db, monkeypatch, ago, now, line, hold, images_of):
    monkeypatch.setattr(db._database.store, "clock", lambda: ago(3000))
    db.register_technician("tech_001", "Jo Lund")
    db.store_labels(image_id=images_of(2), label=[0.5, 0.5], technician_id=1)
    monkeypatch.setattr(db._database.store, "clock", lambda: now)
    hold(specimen="elsewhere")
    found = line("audit")
    assert found.held_by == {"many rows in one, while something is held or restricted": 1}
    assert found.to_do == 1


def test_each_batch_is_redacted_with_its_own_events(trail, audit, monkeypatch):
    monkeypatch.setattr(applying, "BATCH_ROWS", 1)
    (line,) = trail.retention.apply(["audit"]).types
    assert (line.rows, line.batches) == (2, 2)
    assert [event.n_rows for event in by_operation(audit, "RETAIN")] == [1, 1]


def test_the_trail_still_proves_itself_after_redaction(trail, tmp_path):
    kept = tmp_path / "checkpoint.json"
    trail.audit_proof.checkpoint(kept)
    trail.retention.apply(["audit"])
    trail.audit_proof.checkpoint()
    report = trail.audit_proof.verify(kept)
    assert report.verdict == "intact", report
