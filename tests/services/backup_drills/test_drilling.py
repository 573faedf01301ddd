"""A drill restores for real, touches nothing live, and leaves a verdict that nobody can forge."""

from __future__ import annotations

import resource
import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest
from filelock import FileLock

from mlmcsc import DatabaseManager
from mlmcsc.adapters.private_folder import LOCK
from mlmcsc.config import load_config
from mlmcsc.domain.backups.proof import read_proof
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    StoreError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.services.backup_drills.scratch import scratch_folder

CHECKED = {
    "files",
    "tables",
    "integrity",
    "people",
    "erasures",
    "versions and archives",
    "images",
    "audit trail",
    "version v1",
}


def checks(report):
    return {each["name"]: each["passed"] for each in report.details["checks"]}


def test_a_drill_proves_a_backup_with_all_that_belongs_to_it(lab):
    lab.db.backups.create("one", with_images=True)
    report = lab.db.backup_drills.drill("one")
    assert report.passed, report.faults
    assert checks(report).keys() > CHECKED
    assert any(name.startswith("archive ") for name in checks(report))
    assert 0 < sum(report.details["steps"].values()) <= report.rto_seconds


def test_nothing_live_is_touched_and_nothing_is_left(lab):
    lab.db.backups.create("one", with_images=True)
    before = lab.everything()
    lab.db.backup_drills.drill("one")
    assert lab.everything() == before


def test_the_verdict_is_a_row_an_event_and_a_signed_proof(lab):
    lab.db.backups.create("one")
    report = lab.db.backup_drills.drill("one")
    (row,) = lab.rows("backup_drills")
    assert (row["passed"], row["rto_seconds"]) == (1, report.rto_seconds)
    assert lab.db.backup_drills.history() == [report]
    told = lab.rows("audit_logs")[-1]
    assert (told["operation"], told["table_name"], told["record_id"]) == (
        "BACKUP",
        "backup_drills",
        report.id,
    )
    store = lab.db._database.store
    with store.read() as view:
        key = store.vault.public_key(view)
    raw = lab.file("one/proof.json").read_bytes()
    proof = read_proof(raw, "one", key, store.vault.crypto.verify)
    assert (proof.set_id, proof.passed, proof.rto_seconds) == (
        report.set_id,
        True,
        report.rto_seconds,
    )
    with pytest.raises(IntegrityError, match="proves nothing"):
        read_proof(raw.replace(b"true", b"false"), "one", key, store.vault.crypto.verify)


def test_a_damaged_backup_does_not_pass_and_counts_no_more(lab):
    lab.db.backups.create("good")
    lab.db.backups.create("bad")
    lab.damage("bad")
    report = lab.db.backup_drills.drill("bad")
    assert not report.passed
    assert "bad" in report.faults[0]
    assert lab.proof("bad")["passed"] is False
    standing = lab.db.backup_drills.standing()
    assert (standing.last_good, standing.drill_passed, standing.rto_seconds) == (
        "good",
        False,
        None,
    )
    health = lab.db.get_system_health()
    assert health.status == "degraded"
    assert "bad could not be restored" in next(
        c.message for c in health.checks if c.name == "backup"
    )


def test_what_a_check_found_damaged_is_no_good_backup_until_a_drill_passes(lab):
    for name in ("good", "bad"):
        lab.db.backups.create(name)
    lab.damage("bad")
    lab.db.backups.verify("bad")
    assert lab.db.backup_drills.standing().last_good == "good"
    lab.damage("bad")  # the same bit again: it is whole
    assert lab.db.backup_drills.drill("bad").passed
    assert lab.db.backup_drills.standing().last_good == "bad"
    (_, row) = lab.rows("backups")
    assert (row["verified_at"] is not None, row["failed_at"]) == (True, None)


def test_a_backup_whose_folder_is_gone_does_not_pass_either(lab):
    lab.db.backups.create("one")
    shutil.rmtree(lab.file("one"))
    report = lab.db.backup_drills.drill("one")
    assert not report.passed
    assert not lab.file("one").exists()


def test_the_recovery_point_counts_from_the_backup_before(lab):
    first = lab.db.backups.create("first")
    lab.db.backups.create("second")
    assert lab.db.backup_drills.drill("first").rpo_seconds is None
    report = lab.db.backup_drills.drill()
    assert report.backup == "second"
    (_, row) = lab.rows("backups")
    assert report.rpo_seconds > (report.taken_at - first.taken_at).total_seconds()
    assert row["finished_at"] >= row["taken_at"]


def test_who_was_erased_since_is_erased_in_the_copy_and_the_live_ledger_stays(lab):
    lab.db.exchange.export_file("technicians", lab.folder / "people.csv")
    lab.db.backups.create("one")
    lab.db.delete_user_data("t1")
    before = lab.everything()
    report = lab.db.backup_drills.drill("one")
    assert report.passed, report.faults
    messages = {each["name"]: each["message"] for each in report.details["checks"]}
    assert messages["erasures"] == "1 people erased again"
    assert lab.everything() == before


def test_a_backup_that_the_database_forgot_is_entered_again_from_its_signed_manifest(lab):
    made = lab.db.backups.create("one")
    with lab.db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("DELETE FROM backups")
    assert lab.db.backup_drills.drill("one").passed
    (row,) = lab.rows("backups")
    assert (row["set_id"], row["place"], row["kind"]) == (made.set_id, made.place, "manual")


def test_a_disk_that_fails_the_drill_says_nothing_about_the_backup(lab):
    lab.db.backups.create("one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # Python ignores the signal
    try:
        with pytest.raises(StoreError, match="The backup itself was not judged"):
            lab.db.backup_drills.drill("one")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (lab.rows("backup_drills"), lab.file("one/proof.json").exists()) == ([], False)
    assert lab.db.backup_drills.standing().last_good == "one"
    told = lab.rows("audit_logs")[-1]
    assert (told["table_name"], "not_done" in told["new_values"]) == ("backup_drills", True)
    assert list(lab.folder.glob(".*drill*")) == []


def pruned_meanwhile(lab, name, *, then):
    """A drill of a set that goes while it is restored, and how that ends."""
    drills = lab.db.backup_drills

    def restore(found, folder, progress):
        told = drills.doors.restore(found, folder, progress)
        shutil.rmtree(lab.file(name))
        then()
        return told

    return replace(drills, doors=replace(drills.doors, restore=restore)).drill(name)


def test_what_was_pruned_while_it_was_drilled_gets_neither_verdict_nor_proof(lab):
    lab.db.backups.create("one")
    with pytest.raises(ConflictError, match="was pruned while it was drilled"):
        pruned_meanwhile(lab, "one", then=lambda: None)
    assert (lab.rows("backup_drills"), lab.file("one").exists()) == ([], False)

    def missing():
        raise UnknownRecordError("there is no file")

    lab.db.backups.create("two")
    with pytest.raises(ConflictError, match="was pruned while it was drilled"):
        pruned_meanwhile(lab, "two", then=missing)
    assert lab.rows("backup_drills") == []


def test_the_proof_is_laid_down_while_nobody_can_prune(lab):
    lab.db.backups.create("one")
    drills, held = lab.db.backup_drills, []

    @contextmanager
    def hold(store, purpose):
        with drills.doors.hold(store, purpose):
            yield
            held.append((purpose, lab.file("one/proof.json").exists()))

    replace(drills, doors=replace(drills.doors, hold=hold)).drill("one")
    assert held == [("backup drill one", True)]


@pytest.mark.postgres
def test_on_a_server_the_scratch_database_is_dropped(
    postgres_url, postgres_programs, tmp_path, own_settings
):
    from sqlalchemy import create_engine, text

    backup = {"directory": str(tmp_path / "backups"), "postgresql_tools": str(postgres_programs)}
    config = load_config(environ={}, overrides={"backup": backup})
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    left = text("SELECT count(*) FROM pg_database WHERE datname LIKE 'mlmcsc_drill_%'")
    with DatabaseManager(postgres_url, config=config) as db:
        db.register_technician("t1", "Person t1")
        database_id = db._database.ledger_file.name[:8]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text(f"CREATE DATABASE mlmcsc_drill_{database_id}_dead"))
        db.backups.create("one")
        report = db.backup_drills.drill()
        assert report.passed, report.faults
    with engine.connect() as conn:
        assert conn.scalar(left) == 0
    engine.dispose()


def test_all_backups_are_drilled_oldest_first(lab):
    for name in ("b", "a"):
        lab.db.backups.create(name)
    reports = lab.db.backup_drills.drill_all()
    assert [(each.backup, each.passed) for each in reports] == [("b", True), ("a", True)]


def test_what_is_not_there_cannot_be_drilled(lab):
    with pytest.raises(UnknownRecordError, match="no backup of this database"):
        lab.db.backup_drills.drill()
    lab.db.backups.create("one")
    with pytest.raises(UnknownRecordError, match="no backup 'two'"):
        lab.db.backup_drills.drill("two")
    with pytest.raises(ValidationError, match="limit=0"):
        lab.db.backup_drills.history(0)


def test_what_killed_drills_left_goes_with_the_next_and_one_at_work_is_left_alone(lab):
    lab.db.backups.create("one")
    dead, alive = (lab.folder / f".mlmcsc.db.drill-{each}" for each in ("dead", "alive"))
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "copy.db").touch()
        (folder / LOCK).touch()
    with FileLock(alive / LOCK):
        assert lab.db.backup_drills.drill().passed
        assert [dead.exists(), alive.exists()] == [False, True]


def test_without_room_nothing_is_judged(tmp_path):
    huge = scratch_folder(tmp_path, ".drill-", 1 << 60)
    with pytest.raises(StoreError, match="Free some space"):
        huge.__enter__()
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_private_and_goes_also_when_the_drill_breaks_off(tmp_path):
    modes = []

    def broken_off():
        with scratch_folder(tmp_path, ".drill-", 1) as folder:
            modes.append(folder.stat().st_mode & 0o777)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert (modes, list(tmp_path.iterdir())) == ([0o700], [])
