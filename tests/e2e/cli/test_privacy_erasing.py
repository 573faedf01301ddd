"""`mlmcsc privacy delete-user-data|anonymize|replay` on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture(autouse=True)
def own_ledger(sqlite_url, own_settings):
    """Each test erases for itself."""


def name_of(url):
    with DatabaseManager(url) as db:
        return db.technicians.get(1).name


def test_the_dry_run_shows_action_ground_and_count_of_each_column(labelled, sqlite_url):
    ran = labelled("privacy", "delete-user-data", "tech_001", "--dry-run")
    assert ran.code == 0
    (line,) = (line for line in ran.out.splitlines() if line.startswith("technicians: name"))
    assert line.split()[2:4] == ["ERASE", "1"]
    assert "not reached: Backups" in ran.err
    assert name_of(sqlite_url) == "John Doe"
    told = labelled("privacy", "delete-user-data", "tech_001", "--dry-run", "--json").json
    counts = {f"{f['table']}.{f['column']}": f["count"] for f in told["fields"]}
    assert counts["labels.label"] == 12


def test_without_a_terminal_it_wants_to_be_sure(labelled, sqlite_url):
    ran = labelled("privacy", "delete-user-data", "tech_001")
    assert ran.code == 2
    assert "technicians" in ran.out  # what it would do
    assert "--confirm" in ran.err
    assert name_of(sqlite_url) == "John Doe"


@pytest.mark.parametrize("extra", [(), ("--dry-run",), ("--confirm",)])
def test_an_unknown_person_is_told(labelled, extra):
    ran = labelled("privacy", "delete-user-data", "nobody", *extra)
    assert ran.code == 1
    assert "not known; nothing was done" in ran.err


def test_an_erasure_is_told_step_by_step_with_its_certificate(labelled, sqlite_url, tmp_path):
    ran = labelled(
        "privacy", "delete-user-data", "tech_001", "--confirm", "--certificate", "c.json"
    )
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()[2:12]] == [
        "started", "ledger", "database", "data_keys", "archives", "versions", "caches",
        "exports", "vacuum", "certificate",
    ]  # fmt: skip
    certificate = json.loads((tmp_path / "c.json").read_text())
    assert certificate["subject_id"] in ran.out
    assert "tech_001" not in ran.out + ran.err + str(certificate)
    assert name_of(sqlite_url).startswith("erased-")
    assert labelled("privacy", "delete-user-data", "tech_001", "--confirm").code == 1


def test_labels_go_when_asked(labelled, sqlite_url):
    ran = labelled(
        "privacy", "delete-user-data", "tech_001", "--labels", "delete", "--confirm", "--json"
    )
    assert ran.json["labels"] == "delete"
    with DatabaseManager(sqlite_url) as db:
        assert db.get_labels().items == ()


def test_a_legal_hold_is_named(labelled):
    labelled("privacy", "hold", "tech_001", "--ground", "court order 12")
    ran = labelled("privacy", "delete-user-data", "tech_001", "--confirm")
    assert ran.code == 2
    assert "court order 12" in ran.err


def test_inactive_people_are_made_anonymous(labelled, sqlite_url):
    assert labelled("privacy", "anonymize").code == 2
    assert labelled("privacy", "anonymize", "--older-than", "30d", "--confirm").out == (
        "nothing was to do\n"
    )
    ran = labelled("privacy", "anonymize", "tech_001", "--confirm", "--json")
    assert ran.json[0]["ground"] == "GDPR Art. 5(1)(e): retention"
    assert name_of(sqlite_url).startswith("erased-")


@pytest.fixture
def absent(labelled, sqlite_url):
    """Somebody who was last active longer ago than the 365 days of the settings."""
    labelled("technician", "register", "tech_009", "--name", "Jo Lund")
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE technicians SET created_at = '2020-01-02 03:04:05', last_active = NULL "
            "WHERE technician_id = 'tech_009'"
        )
    return labelled


def test_who_is_beyond_the_period_of_the_settings_needs_no_age(absent, monkeypatch):
    ran = absent("retention", "plan", "--only", "technicians")
    assert "1 inactive technician: made anonymous by `mlmcsc privacy anonymize --inactive`" in (
        ran.err
    )
    with monkeypatch.context() as changed:
        changed.setenv("MLMCSC_RETENTION__ANONYMIZE_AFTER_DAYS", "36500")
        assert absent("privacy", "anonymize", "--inactive", "--confirm").out == (
            "nothing was to do\n"
        )
    ran = absent("privacy", "anonymize", "--inactive", "--confirm", "--json")
    assert len(ran.json) == 1
    assert absent("--json", "technician", "show", "tech_009").code == 1
    assert absent("--json", "technician", "show", "tech_001").code == 0


def test_where_the_settings_say_so_nobody_is_made_anonymous_by_the_period(absent, monkeypatch):
    monkeypatch.setenv("MLMCSC_RETENTION__ANONYMIZATION_ENABLED", "false")
    ran = absent("privacy", "anonymize", "--inactive", "--confirm")
    assert ran.code == 2
    assert "retention.anonymization_enabled is false" in ran.err
    assert absent("technician", "show", "tech_009").code == 0


def test_anonymizing_says_whom_in_one_way(labelled):
    for words in (["tech_001", "--inactive"], ["--inactive", "--older-than", "3y"]):
        ran = labelled("privacy", "anonymize", *words, "--confirm")
        assert (ran.code, "one of them" in ran.err) == (2, True)


def test_replaying_says_when_nothing_is_to_do(labelled):
    labelled("privacy", "delete-user-data", "tech_001", "--confirm")
    ran = labelled("privacy", "replay", "--dry-run")
    assert (ran.code, ran.out) == (0, "every erasure of the ledger is done in this database\n")


def test_replaying_erases_whom_a_restored_file_brought_back(labelled, sqlite_url, tmp_path):
    shutil.copy(tmp_path / "mlmcsc.db", tmp_path / "backup.db")
    labelled("privacy", "delete-user-data", "tech_001", "--confirm")
    for ending in ("-wal", "-shm"):
        (tmp_path / f"mlmcsc.db{ending}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "mlmcsc.db")
    assert labelled("privacy", "replay", "--dry-run").code == 1
    assert name_of(sqlite_url) == "John Doe"
    ran = labelled("privacy", "replay")
    assert ran.code == 0
    assert "1 erasure done again" in ran.out
    assert name_of(sqlite_url).startswith("erased-")


def test_replaying_tells_what_of_a_version_is_not_reached(labelled, tmp_path):
    labelled("version", "create", "v1", "--label-policy", "mean")
    (rows,) = (tmp_path / "mlmcsc.db.versions" / "rows").glob("*.parquet")
    rows.rename(tmp_path / "away")
    labelled("privacy", "delete-user-data", "tech_001", "--labels", "delete", "--confirm")
    ran = labelled("privacy", "replay")
    assert (ran.code, "v1: not reached: " in ran.err) == (1, True)
    (tmp_path / "away").rename(rows)
    ran = labelled("privacy", "replay")
    assert ran.code == 0
    assert ran.out == "v1: 12 records redacted in files that were put back\n"


def test_the_same_command_again_finds_nobody_and_does_nothing(labelled, sqlite_url):
    assert labelled("privacy", "delete-user-data", "tech_001", "--confirm").code == 0
    for wanted in ("tech_001", "1", "2", "0002"):
        ran = labelled("privacy", "delete-user-data", wanted, "--confirm")
        assert ran.code == 1
        assert "nothing was done" in ran.err


def test_an_erasure_is_taken_back_by_abandon(labelled, sqlite_url):
    def interrupted(told, _done, _total):
        if told == "erasing: database":
            raise KeyboardInterrupt

    assert labelled("privacy", "abandon", "tech_001").code == 1  # none is begun
    with DatabaseManager(sqlite_url) as db:
        with pytest.raises(KeyboardInterrupt):
            db.delete_user_data("tech_001", progress=interrupted)
        assert not db.technicians.get(1).is_active
    ran = labelled("privacy", "abandon", "tech_001", "--json")
    assert ran.json["abandoned"]
    with DatabaseManager(sqlite_url) as db:
        assert db.technicians.get(1).is_active
        assert db.erasure.unreplayed() == []
    assert "nothing to take back" in labelled("privacy", "abandon", "tech_001").err


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux has /proc")
def test_a_certificate_that_cannot_be_written_is_refused_before(labelled, sqlite_url):
    ran = labelled(
        "privacy", "delete-user-data", "tech_001", "--confirm", "--certificate", "/proc/c.json"
    )
    assert ran.code == 2
    assert name_of(sqlite_url) == "John Doe"


def test_a_lost_certificate_is_written_again_by_subject_id(labelled, tmp_path):
    ran = labelled("privacy", "delete-user-data", "tech_001", "--confirm")
    (told,) = (line for line in ran.err.splitlines() if "for the certificate again" in line)
    subject_id = next(word for word in told.replace(":", " ").split() if len(word) == 25)
    again = labelled(
        "privacy", "delete-user-data", subject_id, "--confirm", "--certificate", "again.json"
    )
    assert again.code == 0
    assert json.loads((tmp_path / "again.json").read_text())["subject_id"] == subject_id


def test_replay_tells_of_whom_it_cannot_check(labelled, sqlite_url):
    with DatabaseManager(sqlite_url) as db:
        db.verify_label(1, "vera")
    assert labelled("privacy", "delete-user-data", "vera", "--confirm").code == 0
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("DELETE FROM erasures")
        conn.exec_driver_sql("DELETE FROM subjects WHERE erased_at IS NOT NULL")
    ran = labelled("privacy", "replay")
    assert ran.code == 1
    assert "cannot be checked" in ran.err
    assert "every erasure" not in ran.out
