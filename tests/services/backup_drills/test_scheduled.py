"""The scheduled backup: made once, drilled, and what becomes of one that fails."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc.errors import ConflictError, MlmcscError, StoreError

DAY = timedelta(days=1)


def midnight():
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_what_is_due_is_made_drilled_and_made_no_second_time(lab):
    done = lab.db.backup_drills.create_due()
    assert done.made is not None
    assert done.drill is not None
    assert done.drill.passed, done.drill.faults
    assert done.pruned is not None
    (row,) = lab.rows("backups")
    assert (row["kind"], row["name"]) == ("scheduled", done.made.name)
    (run,) = lab.rows("job_runs")
    assert (run["job"], run["outcome"], run["error"]) == ("backup", "made", None)
    assert lab.db.backup_drills.create_due().made is None


def test_each_row_that_was_written_is_told_by_an_event(lab):
    lab.db.backup_drills.create_due()
    told = {(each["table_name"], each["record_id"]) for each in lab.rows("audit_logs")}
    for table in ("backups", "backup_drills", "job_runs"):
        assert {(table, row["id"]) for row in lab.rows(table)} <= told


def test_a_dry_run_tells_and_does_nothing(lab):
    told = lab.db.backup_drills.create_due(dry_run=True)
    assert (told.due.due, told.made) == (True, None)
    assert lab.rows("job_runs") == []


def test_slots_that_were_missed_make_one_backup(lab):
    lab.db.backup_drills.create_due()
    later = midnight() + 90 * DAY
    assert lab.db.backup_drills.create_due(later, dry_run=True).due.slot == later


@pytest.mark.parametrize("settings", [{"backup": {"enabled": False}}])
def test_where_it_is_switched_off_none_is_due(lab):
    done = lab.db.backup_drills.create_due()
    assert (done.made, done.due.reason) == (None, "backup.enabled is false")


@pytest.mark.parametrize(
    "settings", [{"backup": {"drill": False, "encrypt": True, "with_images": True}}]
)
def test_it_heeds_what_the_settings_say(lab):
    done = lab.db.backup_drills.create_due()
    assert done.drill is None
    assert (done.made.encrypted, done.made.with_images) == (True, True)


def test_a_failure_is_raised_kept_and_tried_again_after_a_pause(lab):
    lab.folder.joinpath("mlmcsc.db.backups").write_text("in the way")
    with pytest.raises(MlmcscError):
        lab.db.backup_drills.create_due()
    (run,) = lab.rows("job_runs")
    assert (run["outcome"], bool(run["error"])) == ("failed", True)
    lab.folder.joinpath("mlmcsc.db.backups").unlink()
    waits = lab.db.backup_drills.create_due()
    assert (waits.made, run["error"] in waits.due.reason) == (None, True)
    soon = datetime.now(UTC) + timedelta(minutes=11)
    assert lab.db.backup_drills.create_due(soon).made is not None


def broken_after_create(drills, doing):
    """As if the process met its end there."""

    def create(progress):
        made = drills.doors.create(progress)
        doing(made)
        return made

    return replace(drills, doors=replace(drills.doors, create=create))


def test_a_backup_whose_run_was_killed_before_its_drill_is_drilled_by_the_next_call(lab):
    drills = lab.db.backup_drills
    code = os.fork()
    if code == 0:  # a process of its own: nothing in it may clean up
        broken_after_create(drills, lambda _made: os._exit(9)).create_due()
    os.waitpid(code, 0)
    (made,) = lab.rows("backups")
    (run,) = lab.rows("job_runs")
    assert (run["outcome"], lab.rows("backup_drills")) == (None, [])
    told = drills.create_due(dry_run=True)
    assert (told.due.due, f"{made['name']} was made" in told.due.reason) == (True, True)
    done = drills.create_due()
    assert (done.made, done.late.backup, done.late.passed) == (None, made["name"], True)
    assert [run["outcome"] for run in lab.rows("job_runs")] == ["made"]
    assert drills.create_due().late is None


def test_a_drill_that_could_not_be_done_is_taken_up_after_a_pause(lab):
    drills = lab.db.backup_drills

    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="was not judged"):
        replace(drills, doors=replace(drills.doors, restore=full)).create_due()
    (run,) = lab.rows("job_runs")
    assert (run["outcome"], "No space" in run["error"]) == ("failed", True)
    assert drills.create_due().late is None
    later = drills.create_due(datetime.now(UTC) + timedelta(minutes=11))
    assert later.late.passed
    assert len(lab.rows("backup_drills")) == 1 + (later.made is not None)  # around midnight


def test_who_breaks_a_run_off_need_not_wait_for_the_own_process(lab):
    drills = lab.db.backup_drills

    def stop(_made):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_after_create(drills, stop).create_due()
    assert drills.create_due().late.passed


def test_a_process_that_has_the_number_of_a_dead_one_is_another(lab):
    """As in a container, where a program has the same number each time."""
    insert = (
        "INSERT INTO job_runs (job, slot, host, pid, fencing_token, started_at) VALUES "
        "('backup', ?, ?, ?, 1, ?)"
    )
    slot = f"{midnight():%Y-%m-%d %H:%M:%S.%f}"
    boot = f"{datetime.now(UTC) - timedelta(hours=23):%Y-%m-%d %H:%M:%S.%f}"
    with lab.db._database.store._writer.begin() as conn:
        conn.exec_driver_sql(insert, (slot, os.uname().nodename, os.getpid(), boot))
    assert lab.db.backup_drills.create_due(dry_run=True).due.due


def test_a_run_that_was_killed_is_begun_again_and_one_at_work_is_waited_for(lab):
    insert = (
        "INSERT INTO job_runs (job, slot, host, pid, fencing_token, started_at) VALUES "
        "('backup', ?, ?, ?, 1, ?)"
    )
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    slot = f"{midnight():%Y-%m-%d %H:%M:%S.%f}"
    with lab.db._database.store._writer.begin() as conn:
        conn.exec_driver_sql(insert, (slot, os.uname().nodename, os.getpid(), now))
    assert "is making it" in lab.db.backup_drills.create_due().due.reason
    with lab.db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("UPDATE job_runs SET pid = 4194305")  # above any pid of Linux
    assert lab.db.backup_drills.create_due().made is not None
    (run,) = lab.rows("job_runs")
    assert (run["fencing_token"], run["outcome"], run["pid"]) == (2, "made", os.getpid())


def test_a_place_that_stays_busy_is_tried_again_soon(lab):
    drills = lab.db.backup_drills

    def busy(_progress):
        raise ConflictError("another computer holds the place")

    with pytest.raises(ConflictError):
        replace(drills, doors=replace(drills.doors, create=busy)).create_due()
    assert [run["outcome"] for run in lab.rows("job_runs")] == ["postponed"]
    assert drills.create_due().made is not None
    assert [run["outcome"] for run in lab.rows("job_runs")] == ["made"]


def test_many_at_once_make_one(lab):
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: lab.db.backup_drills.create_due(), range(4)))
    assert sum(each.made is not None for each in done) == 1
    assert len(lab.rows("backups")) == 1


def test_after_a_drill_that_did_not_pass_nothing_is_pruned(lab):
    """The file of data keys is lost: names could not be read again."""
    drills = lab.db.backup_drills

    def create_and_lose(progress):
        report = drills.doors.create(progress)
        lab.db._database.data_keys_file.unlink()
        return report

    done = replace(drills, doors=replace(drills.doors, create=create_and_lose)).create_due()
    assert (done.made is not None, done.drill.passed, done.pruned) == (True, False, None)
    (run,) = lab.rows("job_runs")
    assert run["outcome"] == "failed"
    assert "data keys" in run["error"]
