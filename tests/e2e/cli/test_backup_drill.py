"""`mlmcsc backup drill`, `history` and `auto`, as an operator and as cron use them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest


@pytest.fixture
def backed_up(labelled, own_settings, tmp_path):
    assert labelled("backup", "create", "--name", "one").code == 0
    return labelled


def damage(folder):
    (stored,) = (folder / "mlmcsc.db.backups" / "one" / "database").iterdir()
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)


def test_a_drill_tells_what_was_checked_and_how_long_it_took(backed_up):
    ran = backed_up("backup", "drill")
    assert ran.code == 0, ran.out + ran.err
    assert "one: restored whole (drill 1)" in ran.out
    assert "recovery time (RTO)" in ran.out
    assert "ok: tables: " in ran.out
    told = backed_up("--json", "backup", "drill", "one").json
    assert (told["backup"], told["passed"], told["rpo_seconds"]) == ("one", True, None)
    status = backed_up("database", "status").out
    assert "one, restored whole" in status
    assert "RTO " in status


def test_a_drill_that_does_not_pass_exits_1_and_is_in_the_history(backed_up, tmp_path):
    damage(tmp_path)
    assert backed_up("backup", "drill", "one").code == 1
    (told,) = backed_up("--json", "backup", "history").json
    assert told["passed"] is False
    assert "one" in backed_up("backup", "history").out


def test_the_history_can_be_drawn(backed_up, tmp_path):
    pytest.importorskip("altair")
    backed_up("backup", "drill")
    ran = backed_up("backup", "history", "--plot", "recovery.svg")
    assert ran.code == 0
    assert "Recovery time (RTO)" in (tmp_path / "recovery.svg").read_text()
    assert backed_up("backup", "history", "--plot", "recovery.pdf").code == 2


def test_what_does_not_fit_together_is_a_slip(backed_up):
    assert backed_up("backup", "drill", "one", "--all").code == 2
    assert backed_up("backup", "auto", "--watch", "--dry-run").code == 2
    assert backed_up("backup", "drill", "two").code == 1


def test_cron_makes_what_is_due_once(backed_up):
    assert backed_up("backup", "auto", "--dry-run").out.startswith("due: ")
    made = backed_up("backup", "auto")
    assert made.code == 0, made.out + made.err
    assert "restored whole" in made.out
    again = backed_up("backup", "auto")
    assert (again.code, again.out.startswith("no backup is due")) == (0, True)


@pytest.mark.parametrize(
    "stop", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_watch_makes_what_is_due_and_stops_cleanly(backed_up, sqlite_url, stop):
    words = [sys.executable, "-m", "mlmcsc", "--database", sqlite_url, "backup", "auto", "--watch"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout.readline().startswith("made ")
        for line in watch.stdout:
            if "ok: audit trail" in line:
                break
        watch.send_signal(stop)
        _, said = watch.communicate(timeout=30)
        assert (watch.returncode, "stopped watching" in said) == (0, True)


def test_where_backups_are_switched_off_there_is_nothing_to_watch(backed_up, monkeypatch):
    monkeypatch.setenv("MLMCSC_BACKUP__ENABLED", "false")
    ran = backed_up("backup", "auto", "--watch")
    assert (ran.code, "backup.enabled is false" in ran.err) == (2, True)
