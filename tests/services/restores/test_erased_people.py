"""Whoever was erased after the backup is gone after the restore."""

from __future__ import annotations

import pytest

from mlmcsc.errors import IntegrityError, MissingKeyError
from mlmcsc.store.backups.beside import BesideFile


@pytest.fixture
def erased(filled):
    """The laboratory after the person was erased, with their labels."""
    with filled.open() as db:
        db.delete_user_data("kanarie_007", labels="delete")
    return filled


def ledger(lab):
    (file,) = lab.keys.glob("*.erasures.jsonl")
    return file


def test_no_trace_of_them_is_in_the_database_or_beside_it(erased):
    done = erased.restore()
    assert len(done.erased_again) == 1
    assert not done.not_erased
    assert erased.traces() == []
    with erased.open() as db:
        assert len(db.get_labels()) == 3
        assert "Kanarie" not in str(db.technicians.list())
        assert not db.erasure.unreplayed()
        assert db.version_checks.verify("v1").redacted == 3
        assert db.audit_proof.verify().verdict == "intact"


def test_nor_on_another_machine_where_the_old_files_come_back_from_the_backup(erased):
    erased.elsewhere()
    done = erased.restore()
    assert done.plan.erased_since == 1
    assert done.files_restored
    assert erased.traces() == []
    with erased.open() as db:
        assert db.version_checks.verify("v1").redacted == 3
        assert all(label.notes is not None for label in db.get_labels())


@pytest.mark.slow
def test_twice_restored_they_are_still_gone(erased):
    erased.restore()
    done = erased.restore()
    assert len(done.erased_again) == 1
    assert not done.not_erased
    assert erased.traces() == []


@pytest.mark.parametrize("what", ["missing", "cut", "changed", "older"])
def test_a_ledger_that_cannot_tell_stops_the_restore(erased, what):
    with erased.open() as db:
        db.backups.create("b2", to=erased.place)
    file = ledger(erased)
    match what:
        case "missing":
            file.unlink()
        case "cut" | "older":
            file.write_bytes(b"")
        case "changed":
            file.write_bytes(file.read_bytes().replace(b'"labels":"delete"', b'"labels":"keep"'))
    if what == "older":
        erased.file.unlink()
    before = erased.everything()
    with pytest.raises(IntegrityError, match="--without-ledger"):
        erased.restore("b2")
    assert erased.everything() == before


def test_where_nothing_proves_that_nobody_was_erased_the_ledger_is_asked_for(filled):
    filled.elsewhere()
    assert filled.restore(dry_run=True).plan.erased_since == 0  # the data keys tell
    for file in filled.keys.glob("*.datakeys.json"):
        file.unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        filled.restore(without_names=True)
    assert not filled.file.exists()


def test_of_a_ledger_lost_with_the_database_the_data_keys_still_tell(erased):
    ledger(erased).unlink()
    erased.file.unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        erased.restore()


def test_whoever_is_erased_while_the_restore_runs_is_gone_too(filled, monkeypatch):
    """The person is erased between the replay of the ledger and the swap."""
    finish, erased = BesideFile.finish, []

    def finish_late(beside):
        finish(beside)
        if not erased:
            with filled.open() as db:
                erased.append(db.delete_user_data("kanarie_007", labels="delete"))

    monkeypatch.setattr(BesideFile, "finish", finish_late)
    done = filled.restore()
    assert len(done.erased_again) == 1
    assert filled.traces() == []
    with filled.open() as db:
        assert "Kanarie" not in str(db.technicians.list())
        assert not db.erasure.unreplayed()


def test_a_ledger_older_than_the_data_keys_stops_the_restore(filled):
    with filled.open() as db:
        db.delete_user_data("t2")
        before = ledger(filled).read_bytes()
        db.delete_user_data("kanarie_007")
    ledger(filled).write_bytes(before)
    filled.file.unlink()
    with pytest.raises(IntegrityError, match=r"older than the file of data keys.*--without-ledger"):
        filled.restore()
    assert not filled.file.exists()


def test_without_the_ledger_only_when_asked_for_and_the_reason_is_kept(erased):
    ledger(erased).unlink()
    done = erased.restore(without_ledger="the ledger burnt")
    assert any("come back unnoticed" in warning for warning in done.warnings)
    with erased.open() as db:
        events = db.audit.list(operations="RESTORE").items
        assert "the ledger burnt" in [event.reason for event in events]
        assert len(db.get_labels()) == 6


def test_without_data_keys_names_stay_sealed_and_only_when_asked_for(filled):
    (file,) = filled.keys.glob("*.datakeys.json")
    file.unlink()
    with pytest.raises(MissingKeyError, match="--without-names"):
        filled.restore()
    done = filled.restore(without_names=True)
    assert done.restored
    with filled.open() as db:
        assert {label.label for label in db.get_labels()} == {0.4, 0.5}
        assert db.get_labels()[0].notes == "[erased]"
