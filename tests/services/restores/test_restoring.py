"""A restore brings back what the backup had, and loses nothing of what it replaces."""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    UnknownRecordError,
    UnsupportedError,
)


def labels(lab):
    with lab.open() as db:
        return len(db.get_labels())


def test_the_database_is_as_it_was_when_the_backup_was_taken(filled):
    assert labels(filled) == 7
    done = filled.restore()
    assert done.restored
    with filled.open() as db:
        assert len(db.get_labels()) == 6
        assert db.get_labels()[0].notes == "note of Kanarie Vogel"  # the data keys are back
        assert db.audit_proof.verify().verdict == "intact"
        assert not db.version_checks.verify("v1").findings
        assert not db.maintenance.validate()
        (event,) = [
            e for e in db.audit.list(operations="RESTORE").items if e.table_name == "backups"
        ]
        assert event.new_values["backup"] == "b1"
    assert done.keys_restored
    assert not done.keys_missing
    assert sum(done.steps.values()) <= done.rto_seconds + 0.1


def test_what_is_replaced_can_be_had_back_from_the_safety_backup(filled):
    done = filled.restore()
    assert done.plan.losses.n_writes >= 1
    assert done.plan.losses.last_write is not None
    name, _, place = done.safety.partition(" in ")
    assert labels(filled) == 6
    assert restore_backup(name, filled.url, place=place).restored
    assert labels(filled) == 7


def test_a_dry_run_says_what_would_be_lost_and_changes_nothing(filled):
    before = filled.everything()
    done = filled.restore(dry_run=True)
    assert not done.restored
    assert done.plan.losses.n_writes >= 1
    assert filled.everything() == before


def test_who_is_asked_may_say_no_and_nothing_happened(filled):
    before = filled.everything()
    asked = []
    done = filled.restore(agree=asked.append)
    assert not done.restored
    assert asked[0].live == "sound"
    assert filled.everything() == before


def test_elsewhere_nothing_is_replaced_and_nothing_overwritten(filled):
    before = filled.everything()
    copy = filled.folder / "copy.db"
    done = filled.restore(to=str(copy))
    assert done.safety is None
    assert {k: v for k, v in filled.everything().items() if k in before} == before
    with DatabaseManager(f"sqlite:///{copy}") as db:
        assert len(db.get_labels()) == 6
        assert not db.version_checks.verify("v1").findings
    with pytest.raises(ConflictError, match="exists"):
        filled.restore(to=str(copy))


def test_a_commit_during_the_restore_is_in_a_second_safety_backup(filled):
    """The writer comes when the safety backup is made and the new database is being unpacked."""
    wrote = []

    def progress(doing, done, total):
        if doing.startswith("restoring") and not wrote:
            wrote.append(done)
            with filled.open() as db:
                db.register_technician("t9", "Late")

    done = filled.restore(progress=progress)
    assert wrote
    name, _, place = done.safety.partition(" in ")
    with filled.open() as db:
        assert "t9" not in [t.technician_id for t in db.technicians.list().items]
    restore_backup(name, filled.url, place=place)
    with filled.open() as db:
        assert "t9" in [t.technician_id for t in db.technicians.list().items]


def test_while_it_is_open_elsewhere_it_is_not_replaced(filled, monkeypatch):
    monkeypatch.setenv("MLMCSC_DATABASE__BUSY_TIMEOUT_SECONDS", "0.2")
    with filled.open() as db:
        db.get_labels()
        before = filled.everything()
        with pytest.raises(ConflictError, match="open"):
            filled.restore()
        assert filled.everything().keys() >= {k for k in before if not k.endswith(("-wal", "-shm"))}
        db.register_technician("t9", "Goes on")
    assert labels(filled) == 7


def test_two_restores_at_once_are_one_restore_and_one_refusal(filled):
    first_is_in, go_on = threading.Event(), threading.Event()

    def progress(doing, done, total):
        if doing.startswith("restoring") and not first_is_in.is_set():
            first_is_in.set()
            go_on.wait(30)

    thread = threading.Thread(target=lambda: filled.restore(progress=progress))
    thread.start()
    assert first_is_in.wait(30)
    with pytest.raises(ConflictError, match="Another process is restoring"):
        filled.restore()
    go_on.set()
    thread.join()
    assert labels(filled) == 6


@pytest.mark.parametrize("ruin", ["header", "middle", "gone", "folder"])
def test_a_live_database_that_is_damaged_or_gone_is_no_hindrance(filled, ruin):
    raw = filled.file.read_bytes()
    match ruin:
        case "header":
            filled.file.write_bytes(b"x" * 100 + raw[100:])
        case "middle":
            filled.file.write_bytes(raw[: 10 * 16384] + b"\xff" * 40 * 16384 + raw[50 * 16384 :])
        case "gone":
            filled.file.unlink()
        case "folder":
            filled.elsewhere()
    damaged = filled.file.read_bytes() if filled.file.exists() else None
    done = filled.restore()
    assert labels(filled) == 6
    if damaged is not None:
        with open(done.safety, "rb") as kept:
            assert kept.read() == damaged
    else:
        assert done.safety is None


def test_files_that_are_missing_come_back_and_those_that_are_there_stay(filled):
    with filled.open() as db:
        paths = [image.path for image in db.images.list().items]
    rows = sorted(filled.folder.glob("lab.db.versions/rows/*.parquet"))
    with contextlib.suppress(FileNotFoundError):
        rows[0].unlink()
        (filled.folder / paths[0]).unlink()
    done = filled.restore()
    assert done.files_restored == 2
    assert not done.files_missing
    with filled.open() as db:
        assert not db.maintenance.validate(hash_files=True)
        assert not db.version_checks.verify("v1").findings


def _flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_files_that_are_there_but_damaged_are_put_back_and_the_bad_ones_kept(filled):
    with filled.open() as db:
        image = Path(db.images.list().items[0].path)
    (rows,) = filled.folder.glob("lab.db.versions/rows/*.parquet")
    (manifest,) = filled.folder.glob("lab.db.versions/manifests/*.json")
    for path in (rows, manifest, image):
        _flip(path)
    damaged = {path.read_bytes() for path in (rows, manifest, image)}
    done = filled.restore()
    assert done.files_restored == 3
    assert not done.files_missing
    assert {Path(path).read_bytes() for path in done.files_kept_aside} == damaged
    with filled.open() as db:
        assert not db.maintenance.validate(hash_files=True)
        assert not db.version_checks.verify("v1").findings
    assert filled.restore().files_kept_aside == ()


def test_the_register_knows_the_backups_of_the_place_again_and_their_drills(filled):
    with filled.open() as db:
        db.backup_drills.drill("b1", place=str(filled.place))
        db.backups.create("later", to=filled.place)
    done = filled.restore()
    safety, _, usual = done.safety.partition(" in ")
    with filled.open() as db:
        known = {each.name: each for each in db.backups.list(filled.place)}
        assert known["b1"].drill_passed
        assert known["b1"].verified_at is not None
        assert [drill.passed for drill in db.backup_drills.history()] == [True]
        version = db.versions.get("v1")
        assert version.backup_path == str(Path(usual) / safety)
        (event,) = [
            e for e in db.audit.list(operations="RESTORE").items if e.table_name == "backups"
        ]
        assert set(event.new_values["registered"]) == {"b1", "later", safety}


def test_ids_of_rows_that_were_lost_are_never_given_again(filled):
    with filled.open() as db:
        lost = max(label.id for label in db.get_labels())
        image = db.images.list().items[1].id
    filled.restore()
    with filled.open() as db:
        other = db.technicians.get("t2").id
        assert db.store_label(image, other, 0.7) > lost
        assert db.audit_proof.verify().verdict == "intact"


def test_a_safety_backup_goes_back_although_another_database_is_there_by_now(
    filled, original_database
):
    safety, _, place = filled.restore(str(original_database)).safety.partition(" in ")
    asked = []
    done = restore_backup(
        safety, filled.url, place=place, agree=lambda plan: asked.append(plan) or True
    )
    assert done.restored
    assert any("ANOTHER DATABASE" in warning for warning in asked[0].warnings)
    assert labels(filled) == 7


def test_a_file_never_stands_in_for_a_signed_set(filled):
    shutil.copy(filled.file, filled.folder / "b1")
    assert filled.restore(dry_run=True).plan.database_id is not None
    shutil.rmtree(filled.place / "b1")
    shutil.copy(filled.file, filled.place / "b1")  # nor does one that lies where the set was
    with pytest.raises(UnknownRecordError, match="no backup 'b1'"):
        filled.restore()
    for folder in (filled.folder, filled.place):
        shutil.copy(filled.file, folder / "old.db")
    with pytest.raises(ConflictError, match=r"may mean .*old\.db or .*old\.db"):
        filled.restore("old.db")
    with pytest.raises(UnknownRecordError, match="is not there"):
        filled.restore("./gone.db")


def test_whoever_may_not_restore_cannot(filled):
    before = filled.everything()
    clerk = Actor("clerk", frozenset({Permission.BACKUP}))
    with pytest.raises(PermissionDeniedError, match="administer"):
        filled.restore(actor=clerk)
    assert filled.everything() == before


def test_there_is_no_such_backup_and_the_others_are_listed(filled):
    with pytest.raises(UnknownRecordError, match="There are: b1"):
        filled.restore("b2")


def test_a_database_in_memory_has_no_backups():
    with pytest.raises(UnsupportedError, match="ends with the program"):
        restore_backup("b1", "sqlite:///:memory:")


def test_of_another_database_it_takes_nobodys_place(filled, tmp_path):
    url = f"sqlite:///{tmp_path}/other.db"
    DatabaseManager(url).close()
    with pytest.raises(ConflictError, match="--to"):
        restore_backup("b1", url, place=filled.place)
